/** The directories of running machines, by which another process finds them. */

import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { stringify } from '../../reference/doors/json.js';
import { UsageError } from '../target.js';
import { labCache } from './cache.js';
import { FILES, type LabPe, type Platform } from './hardware.js';
import { identify, isAlive, type ProcessIdentity } from './process-identity.js';

/** What is known of a machine: the content of `state.json`. */
export interface MachineRecord {
  readonly schema: 'papr-conformance/lab-machine/1';
  /** `pseries-3f2a`. */
  readonly id: string;
  readonly platform: Platform;
  readonly cpu: string;
  /** The kernel as it was asked for: `debian:6.12`, or a file. */
  readonly kernel: string;
  /** Version of QEMU, `7.2.22`. */
  readonly qemu: string;
  readonly memoryMib: number;
  readonly pes: readonly LabPe[];
  /** Whether it outlives the process that started it. */
  readonly detached: boolean;
  /** Whether it came from a snapshot, or booted. */
  readonly from: 'boot' | 'snapshot';
  readonly startedAt: string;
  /** The process that started it. */
  readonly starter: ProcessIdentity;
  /** QEMU, once it is started. */
  readonly process?: ProcessIdentity;
  /** Port on 127.0.0.1 that leads to the guest's SSH; 0 while it is being started. */
  readonly sshPort: number;
  /** Private key file that may log in as root. */
  readonly identity: string;
}

/** Longest path of a socket (sockaddr_un) without its final NUL. */
const SOCKET_PATH_BYTES = 107;

const machinesDirectory = (): string => join(labCache(), 'machines');

/** The directory of a machine. */
export const machineDirectory = (id: string): string => join(machinesDirectory(), id);

/** Creates the directory of a new machine, with a first record, and returns that. */
export function register(about: Omit<MachineRecord, 'schema' | 'id' | 'starter' | 'process' | 'sshPort' | 'startedAt'>): MachineRecord {
  const id = `${about.platform}-${randomBytes(3).toString('hex')}`;
  const directory = machineDirectory(id);
  const longest = join(directory, FILES.consoleSocket);
  if (Buffer.byteLength(longest) > SOCKET_PATH_BYTES) {
    throw new UsageError(`expected a cache directory with a shorter path than '${directory}'; set XDG_CACHE_HOME to one (sockets allow ${SOCKET_PATH_BYTES} bytes)`);
  }
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const startedAt = new Date().toISOString();
  return record({ schema: 'papr-conformance/lab-machine/1', id, ...about, startedAt, starter: identify(process.pid), sshPort: 0 });
}

/** Writes a record; whoever reads meanwhile sees the old or the new one. */
export function record(state: MachineRecord): MachineRecord {
  const file = join(machineDirectory(state.id), FILES.state);
  writeFileSync(`${file}.new`, `${stringify(state)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
  return state;
}

/** Removes a machine's directory. */
export function unregister(id: string): void {
  rmSync(machineDirectory(id), { recursive: true, force: true });
}

/**
 * All machines of this user, the oldest first. Machines whose owner was killed are removed on the way; a detached machine
 * stays in the list after its death, until it is stopped.
 */
export function records(): MachineRecord[] {
  if (!existsSync(machinesDirectory())) return [];
  const found: MachineRecord[] = [];
  for (const id of readdirSync(machinesDirectory())) {
    const state = readRecord(id);
    const abandoned = state !== undefined && !isAlive(state.process ?? state.starter) && !(state.detached && state.sshPort !== 0);
    if (abandoned) unregister(id);
    else if (state !== undefined) found.push(state);
  }
  return found.sort((a, b) => (a.startedAt < b.startedAt ? -1 : 1));
}

function readRecord(id: string): MachineRecord | undefined {
  try {
    return JSON.parse(readFileSync(join(machineDirectory(id), FILES.state), 'utf8')) as MachineRecord;
  } catch {
    // Just being made, or just being removed.
    return undefined;
  }
}
