/** Running the kernel's own build, out of its tree. */

import { spawn } from 'node:child_process';
import { appendFileSync, closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { constants, setPriority } from 'node:os';

import { UsageError } from '../../target.js';
import { atEnd } from '../cleanup.js';
import { GrowingFile } from '../growing-file.js';
import type { Progress } from '../packages.js';
import type { Toolchain } from './toolchain.js';

/** Between two lines of progress. */
const REPORT_MS = 15_000;
/** What the shell has of another build would have a say in this one. */
const OTHER_BUILDS = /^(MAKE|MFLAGS|KBUILD_|KCONFIG_|KCFLAGS|KCPPFLAGS|KAFLAGS|CFLAGS|LDFLAGS|ARCH$|CROSS_COMPILE|LLVM|LOCALVERSION|O$|V$|W$)/;

/** One build directory of one tree. */
export interface Workplace {
  readonly toolchain: Toolchain;
  /** Never written to. */
  readonly tree: string;
  readonly output: string;
  /** Everything that make says is added to it. */
  readonly log: string;
  /** The Kconfig to read in place of the tree's own. */
  readonly kconfig: string;
}

/** What to make. */
export interface Job {
  readonly target: string;
  readonly jobs: number;
  /** Variables for make. */
  readonly variables?: Readonly<Record<string, string>>;
  /** Told what is done and for how long, now and then. */
  readonly progress?: Progress;
}

/**
 * Makes a target, at a low priority.
 *
 * @throws UsageError with the first error that make or the compiler has told, and the place of the log
 */
export async function make(place: Workplace, { target, jobs, variables = {}, progress }: Job): Promise<void> {
  const { toolchain, tree, output, log, kconfig } = place;
  const fixed = { O: output, ARCH: 'powerpc', CROSS_COMPILE: toolchain.prefix, KBUILD_KCONFIG: kconfig, KBUILD_BUILD_USER: 'papr', KBUILD_BUILD_HOST: 'lab' };
  const assignments = Object.entries({ ...fixed, ...variables }).map(([name, value]) => `${name}=${value}`);
  const args = ['-C', tree, `-j${jobs}`, ...assignments, target];
  appendFileSync(log, `$ ${toolchain.make} ${args.join(' ')}\n`);
  const written = new GrowingFile(log);
  const begin = written.mark();
  const since = performance.now();
  const report = (): void => progress?.(`compiling: ${objects(written.since(begin))} files, ${Math.round((performance.now() - since) / 1000)} s`);
  const timer = setInterval(report, REPORT_MS);
  const end = await run(toolchain.make, args, log).finally(() => clearInterval(timer));
  if (end !== 0) throw new UsageError(`expected 'make ${target}' to succeed, but ${end}: ${firstError(written.since(begin))}; its whole output is in ${log}`);
}

/** 0, or what went wrong. */
async function run(program: string, args: readonly string[], log: string): Promise<0 | string> {
  const output = openSync(log, 'a');
  const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !OTHER_BUILDS.test(name)));
  // A process group of its own: make's many children end with it.
  const child = spawn(program, args, { stdio: ['ignore', output, output], env: { ...environment, LC_ALL: 'C' }, detached: true });
  closeSync(output);
  const ended = new Promise<0 | string>((resolve) => {
    child.once('error', (error) => resolve(`it cannot be started (${error.message})`));
    child.once('close', (code, signal) => resolve(code === 0 ? 0 : code === null ? `it was ended by ${signal ?? 'a signal'}` : `it ended with ${code}`));
  });
  const { pid } = child;
  if (pid === undefined) return ended;
  lower(pid);
  const done = atEnd(() => process.kill(-pid, 'SIGKILL'));
  return ended.finally(done);
}

function lower(pid: number): void {
  try {
    setPriority(pid, constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // It has ended already.
  }
}

/** Files compiled, by the lines that Kbuild prints. */
const objects = (text: string): number => text.match(/^ {2}(CC|AS) /gm)?.length ?? 0;

/** The first line of an output that tells an error. */
export function firstError(text: string): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const told = lines.find((line) => /(^|\s)(fatal )?error:|undefined reference|\*\*\* /i.test(line) && !/^make(\[\d+\])?: \*\*\* \[/.test(line));
  return (told ?? lines.at(-1) ?? 'it said nothing').trim();
}

/** The options of a configured build directory, as text. */
export function configurationOf(output: string): string {
  const file = `${output}/.config`;
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}
