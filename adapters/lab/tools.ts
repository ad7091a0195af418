/** The programs of the host that the lab uses, and what a user installs when one is missing. */

import { spawn } from 'node:child_process';

import { UsageError } from '../target.js';
import { atEnd } from './cleanup.js';

/** Debian package that brings a program. */
const PACKAGES = {
  'apt-get': 'apt',
  'apt-cache': 'apt',
  'dpkg-deb': 'dpkg',
  xz: 'xz-utils',
  tar: 'tar',
  gcc: 'gcc',
} as const;

/** A program of the host. */
export type Tool = keyof typeof PACKAGES;

/** How to run a program. */
export interface ToolOptions {
  readonly cwd?: string;
  /** Milliseconds after which it is killed; a minute unless told. */
  readonly timeoutMs?: number;
  /** Name or path to use in its place. */
  readonly program?: string;
}

/**
 * Runs a program to its end and returns its standard output.
 *
 * @throws UsageError when it is missing, fails or takes too long; the message has its first line of complaint
 */
export async function runTool(tool: Tool, args: readonly string[], options: ToolOptions = {}): Promise<Buffer> {
  const { cwd, timeoutMs = 60_000, program = tool } = options;
  const child = spawn(program, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, LC_ALL: 'C' } });
  const kill = (): void => void child.kill('SIGKILL');
  const done = atEnd(kill);
  const deadline = setTimeout(kill, timeoutMs);
  const output: Buffer[] = [];
  let complaint = '';
  child.stdout.on('data', (bytes: Buffer) => output.push(bytes));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaint += text));
  const end = await new Promise<{ code?: number | null; error?: Error }>((resolve) => {
    child.once('error', (error) => resolve({ error }));
    child.once('close', (code) => resolve({ code }));
  });
  clearTimeout(deadline);
  done();
  if (end.error !== undefined) {
    throw new UsageError(`expected '${program}', but it cannot be started (${end.error.message}); ${remedy(tool)}`);
  }
  if (end.code !== 0) {
    const seen = end.code === null ? `it took longer than ${timeoutMs / 1000} s` : `it ended with ${end.code}`;
    throw new UsageError(`expected '${program} ${args.slice(-3).join(' ')}' to succeed, but ${seen}: ${gist(complaint)}`);
  }
  return Buffer.concat(output);
}

/** What to do when a program is missing. */
const remedy = (tool: Tool): string => `install it (Debian: apt-get install ${PACKAGES[tool]})`;

/** The line of a complaint that says why: apt marks errors with `E:`. */
function gist(complaint: string): string {
  const lines = complaint.split('\n').filter((line) => line.trim() !== '');
  return lines.find((line) => line.startsWith('E:')) ?? lines.at(-1) ?? 'it said nothing';
}
