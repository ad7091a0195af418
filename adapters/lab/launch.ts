/** Starting QEMU for a lab machine. */

import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';

import { leashed, type Qemu } from '../qemu.js';
import { TargetLost } from '../target.js';
import { FILES } from './hardware.js';
import { identify, type ProcessIdentity } from './process-identity.js';

/** Descriptor under which QEMU finds a saved machine. */
export const SAVED_STATE_FD = 3;

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
  const [program, words] = detached ? [qemu.program, args] : leashed(qemu.program, args);
  const log = openSync(join(directory, FILES.qemuLog), 'a', 0o600);
  try {
    const stdio: ('ignore' | number)[] = ['ignore', log, log];
    if (savedState !== undefined) stdio[SAVED_STATE_FD] = savedState;
    const child = spawn(program, words, { cwd: directory, stdio, detached: true });
    // A failed start shows as a process that is not there.
    child.once('error', () => undefined);
    child.unref();
    if (child.pid === undefined) throw new TargetLost(`expected '${qemu.program}' to start, but the host has refused; look for limits on processes and memory`);
    return identify(child.pid);
  } finally {
    closeSync(log);
  }
}
