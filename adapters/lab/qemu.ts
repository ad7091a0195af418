/** Starting QEMU for a lab machine. */

import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';
import { join } from 'node:path';

import { TargetLost, UsageError } from '../target.js';
import { FILES } from './hardware.js';
import { identify, type ProcessIdentity } from './process-identity.js';
import { remedy, runTool } from './tools.js';

const DEFAULT_QEMU = 'qemu-system-ppc64';
/** Oldest release on which the machines were tried. */
const OLDEST_QEMU = [7, 2] as const;
/** util-linux; makes the kernel kill QEMU when the thread that started it dies. */
const SETPRIV = '/usr/bin/setpriv';

/** Descriptor under which QEMU finds a saved machine. */
export const SAVED_STATE_FD = 3;

/** A QEMU on this machine. */
export interface Qemu {
  /** Name or path. */
  readonly program: string;
  /** `7.2.22`. */
  readonly version: string;
  /** All it says of its version: builds of one version may differ in what a snapshot holds. */
  readonly build: string;
}

/** @throws UsageError when QEMU is missing or too old */
export async function findQemu(program: string = DEFAULT_QEMU): Promise<Qemu> {
  const output = (await runTool('qemu-system-ppc64', ['--version'], { program })).toString();
  const match = /QEMU emulator version ((\d+)\.(\d+)\S*).*/.exec(output);
  const expected = `expected QEMU ${OLDEST_QEMU.join('.')} or newer as '${program}'`;
  if (match === null) throw new UsageError(`${expected}, but it answers '${output.split('\n')[0] ?? ''}' to --version; ${remedy('qemu-system-ppc64')}`);
  const [build, version, major, minor] = match as unknown as [string, string, string, string];
  if (Number(major) < OLDEST_QEMU[0] || (Number(major) === OLDEST_QEMU[0] && Number(minor) < OLDEST_QEMU[1])) {
    throw new UsageError(`${expected}, but it is ${version}; ${remedy('qemu-system-ppc64')}`);
  }
  return { program, version, build };
}

/** Where and how to start. */
export interface Launch {
  /** State directory: QEMU's working directory. */
  readonly directory: string;
  readonly args: readonly string[];
  /** Outlives this process, if true; else it dies with it, however that ends. */
  readonly detached: boolean;
  /** Open file with a saved machine. */
  readonly savedState?: number | undefined;
}

/** Starts QEMU. @throws TargetLost when the host cannot start a process */
export function launchQemu(qemu: Qemu, { directory, args, detached, savedState }: Launch): ProcessIdentity {
  const leashed = !detached && process.platform === 'linux' && existsSync(SETPRIV);
  const command = leashed ? [SETPRIV, '--pdeathsig', 'KILL', qemu.program, ...args] : [qemu.program, ...args];
  const log = openSync(join(directory, FILES.qemuLog), 'a', 0o600);
  try {
    const stdio: ('ignore' | number)[] = ['ignore', log, log];
    if (savedState !== undefined) stdio[SAVED_STATE_FD] = savedState;
    const child = spawn(command[0]!, command.slice(1), { cwd: directory, stdio, detached: true });
    // A failed start shows as a process that is not there.
    child.once('error', () => undefined);
    child.unref();
    if (child.pid === undefined) throw new TargetLost(`expected '${qemu.program}' to start, but the host has refused; look for limits on processes and memory`);
    return identify(child.pid);
  } finally {
    closeSync(log);
  }
}
