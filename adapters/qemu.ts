/** What all targets that run QEMU know of it: where it is, how old it may be, and how it is kept from outliving its user. */

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

import { UsageError } from './target.js';

/** Oldest release on which the machines were tried. */
const OLDEST_QEMU = [7, 2] as const;
const DEFAULT_QEMU = 'qemu-system-ppc64';
/** util-linux; makes the kernel kill QEMU when the thread that started it dies. */
const SETPRIV = '/usr/bin/setpriv';
/** Whether the kernel ends QEMU with this process, however that dies. */
export const DIES_WITH_PARENT = process.platform === 'linux' && existsSync(SETPRIV);

/** Capabilities of pSeries that TCG cannot provide and would warn about. */
export const QUIET_CAPABILITIES = 'cap-cfpc=broken,cap-sbbc=broken,cap-ibs=broken,cap-ccf-assist=off';

/** QEMU is missing, too old or without the machine; the message says what to do. */
export class QemuUnavailable extends UsageError {
  override readonly name = 'QemuUnavailable';
}

/** A QEMU on this machine. */
export interface Qemu {
  /** Name or path. */
  readonly program: string;
  /** `7.2.22`. */
  readonly version: string;
  /** All it says of its version: builds of one version may differ in what they save. */
  readonly build: string;
}

const found = new Map<string, Qemu>();

/**
 * Asks a QEMU for its version, once per program.
 *
 * @throws QemuUnavailable when it cannot be started or is older than 7.2
 */
export function findQemu(program: string = DEFAULT_QEMU): Qemu {
  const known = found.get(program);
  if (known !== undefined) return known;
  const expected = `expected QEMU ${OLDEST_QEMU.join('.')} or newer as '${program}'`;
  const remedy = 'install it (Debian: apt-get install qemu-system-ppc; Fedora: dnf install qemu-system-ppc) or name another';
  const { error, stdout, stderr } = spawnSync(program, ['--version'], { encoding: 'utf8', timeout: 10_000 });
  if (error !== undefined) throw new QemuUnavailable(`${expected}, but it cannot be started (${error.message}); ${remedy}`);
  const match = /QEMU emulator version ((\d+)\.(\d+)\S*).*/.exec(stdout);
  if (match === null) throw new QemuUnavailable(`${expected}, but it answers '${firstLine(stdout + stderr)}' to --version; ${remedy}`);
  const [build, version, major, minor] = match as unknown as [string, string, string, string];
  if (isOlder(Number(major), Number(minor))) throw new QemuUnavailable(`${expected}, but it is ${version}; ${remedy}`);
  const qemu = { program, version, build };
  found.set(program, qemu);
  return qemu;
}

const isOlder = (major: number, minor: number): boolean => major < OLDEST_QEMU[0] || (major === OLDEST_QEMU[0] && minor < OLDEST_QEMU[1]);

const firstLine = (text: string): string => text.trim().split('\n')[0] ?? '';

/** A command that the kernel ends with this process, where `DIES_WITH_PARENT`: what to start, and its arguments. */
export function leashed(program: string, args: readonly string[]): [string, readonly string[]] {
  return DIES_WITH_PARENT ? [SETPRIV, ['--pdeathsig', 'KILL', program, ...args]] : [program, args];
}
