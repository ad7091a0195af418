/** Telling whether a process which this or another program has started still runs. */

import { readFileSync } from 'node:fs';

/** A process, told apart from a later one with the same number. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks from the host's boot to the start of the process; absent where the host does not tell. */
  readonly startTicks?: number;
}

/** Field of /proc/PID/stat, counted from the one after the name (proc(5): state is field 3, starttime 22). */
const START_TIME = 22 - 3;
const STATE = 0;
/** Dead, not yet asked for by its parent. */
const ZOMBIE = 'Z';

/** The identity of a process that runs now. */
export function identify(pid: number): ProcessIdentity {
  const ticks = statFields(pid)?.[START_TIME];
  return ticks === undefined ? { pid } : { pid, startTicks: Number(ticks) };
}

/** True while that process runs. */
export function isAlive({ pid, startTicks }: ProcessIdentity): boolean {
  const fields = statFields(pid);
  if (fields === undefined) return process.platform !== 'linux' && answers(pid);
  return fields[STATE] !== ZOMBIE && (startTicks === undefined || Number(fields[START_TIME]) === startTicks);
}

function statFields(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name stands in parentheses and may hold spaces and parentheses itself.
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

function answers(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
