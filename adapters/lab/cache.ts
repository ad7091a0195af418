/** The lab's cache: everything that takes a network or time to make, made once. */

import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, utimesSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

import { atEnd } from './cleanup.js';
import { isAlive } from './process-identity.js';

/** `$XDG_CACHE_HOME/papr-conformance/lab` or `~/.cache/papr-conformance/lab`; only its owner may look into it. */
export function labCache(): string {
  const configured = process.env['XDG_CACHE_HOME'];
  const base = configured === undefined || configured === '' ? join(homedir(), '.cache') : configured;
  const directory = join(base, 'papr-conformance', 'lab');
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  return directory;
}

const UNFINISHED = /^\.unfinished-(\d+)-/;
/** Made from what is in the cache anyway: what nobody has asked for in so many days is removed. */
const DERIVED = /^(initramfs|snapshot)-/;
const KEPT_DAYS = 30;
const DAY_MS = 86_400_000;

/**
 * The file or directory `name` of the cache, made by `make` if it is not there. `make` works in an empty directory of its
 * own and returns the path in it that is to be kept, so that nobody ever sees half of it: not another process which makes
 * the same at the same time, and not the next one after an interruption.
 */
export async function cached(name: string, make: (scratch: string) => Promise<string>): Promise<string> {
  const target = join(labCache(), name);
  if (existsSync(target)) {
    const now = new Date();
    utimesSync(target, now, now);
    return target;
  }
  mkdirSync(dirname(target), { recursive: true, mode: 0o700 });
  await inScratch(async (scratch) => {
    const made = await make(scratch);
    try {
      renameSync(made, target);
    } catch (error) {
      // Another process was first: a directory that is not empty cannot be renamed over.
      if (!existsSync(target)) throw error;
    }
  });
  return target;
}

async function inScratch(use: (scratch: string) => Promise<void>): Promise<void> {
  sweep();
  const scratch = join(labCache(), `.unfinished-${process.pid}-${randomUUID()}`);
  const remove = (): void => rmSync(scratch, { recursive: true, force: true });
  mkdirSync(scratch, { mode: 0o700 });
  const done = atEnd(remove);
  try {
    await use(scratch);
  } finally {
    done();
    remove();
  }
}

/** Removes what processes have left that were killed while they were at work, and what is out of use. */
function sweep(): void {
  for (const entry of readdirSync(labCache())) {
    const path = join(labCache(), entry);
    const pid = UNFINISHED.exec(entry)?.[1];
    const abandoned = pid !== undefined && !isAlive({ pid: Number(pid) });
    const unused = DERIVED.test(entry) && Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0) > KEPT_DAYS * DAY_MS;
    if (abandoned || unused) rmSync(path, { recursive: true, force: true });
  }
}
