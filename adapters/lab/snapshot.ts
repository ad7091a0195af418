/** Machines saved when they had just booted, from which others start: QEMU's migration stream in a file. */

import { createHash, type Hash } from 'node:crypto';
import { closeSync, createReadStream, createWriteStream, openSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';

import { TargetLost } from '../target.js';
import { powerOn, type Blueprint, type PowerOn } from './boot.js';
import { cached } from './cache.js';
import { FILES, qemuArguments } from './hardware.js';
import { RESUMED_MARK, SAVED_SECONDS, SUSPEND_PROGRAM, SUSPENDED_MARK, WARM_MARK } from './init.js';
import type { LabMachine } from './machine.js';
import type { Progress } from './packages.js';
import { waitFor } from './wait.js';

const SUSPEND_TIMEOUT_MS = 30_000;
const SUSPEND_ATTEMPTS = 3;
/** From the guest's word that it waits until all its CPUs do. */
const SETTLE_MS = 500;
const SAVE_TIMEOUT_MS = 60_000;
const LOAD_TIMEOUT_MS = 60_000;
const RESUME_TIMEOUT_MS = 30_000;
/** Bytes a second; the usual limit is meant for networks. */
const UNLIMITED = 2 ** 40;

/** A saved machine on this host. */
interface Snapshot {
  /** QEMU's migration stream; many machines may start from it at a time. */
  readonly state: string;
  readonly hostKey: string;
}

/**
 * Starts a machine from the snapshot of its blueprint, which is made first if there is none.
 *
 * @param timeoutMs for booting the machine that is saved
 */
export async function resume(blueprint: Blueprint, how: PowerOn, timeoutMs: number, progress: Progress): Promise<LabMachine> {
  const snapshot = await snapshotOf(blueprint, timeoutMs, progress);
  const savedState = openSync(snapshot.state, 'r');
  const machine = await powerOn(blueprint, { ...how, savedState }).finally(() => closeSync(savedState));
  try {
    await loaded(machine);
    await machine.qmp('cont');
    await machine.waitConsole(RESUMED_MARK, RESUME_TIMEOUT_MS, 0);
    machine.trust(snapshot.hostKey);
    await machine.waitSsh();
    return machine;
  } catch (error) {
    await machine.stop();
    throw error;
  }
}

async function snapshotOf(blueprint: Blueprint, timeoutMs: number, progress: Progress): Promise<Snapshot> {
  const directory = await cached(`snapshot-${await digest(blueprint)}`, async (scratch) => {
    progress('booting a machine to save it');
    const machine = await powerOn(blueprint, { detached: false, from: 'boot' });
    try {
      writeFileSync(join(scratch, 'host-key'), await machine.waitReady(timeoutMs));
      await machine.waitConsole(WARM_MARK, timeoutMs, 0);
      await suspend(machine);
      await save(machine, join(scratch, 'state'));
    } finally {
      await machine.stop();
    }
    return scratch;
  });
  return { state: join(directory, 'state'), hostKey: readFileSync(join(directory, 'host-key'), 'utf8') };
}

/** A snapshot fits one build of QEMU, one command line, and one content of the files named there. */
async function digest({ hardware, qemu, image, initrd }: Blueprint): Promise<string> {
  const hash = createHash('sha256').update(qemu.build).update(qemuArguments(hardware, '', '').join('\0'));
  await addFile(hash, image);
  await addFile(hash, initrd);
  return hash.digest('hex').slice(0, 16);
}

const addFile = (hash: Hash, file: string): Promise<void> => pipeline(createReadStream(file), hash, { end: false });

/** Stops the guest while its CPUs wait for the resume. Where the host was so slow that they took that for it, once more. */
async function suspend(machine: LabMachine): Promise<void> {
  for (let attempt = 0; attempt < SUSPEND_ATTEMPTS; attempt++) {
    const mark = machine.console.mark();
    await machine.typeOnConsole(`${SUSPEND_PROGRAM}\n`);
    await machine.waitConsole(SUSPENDED_MARK, SUSPEND_TIMEOUT_MS, mark);
    await sleep(SETTLE_MS);
    await machine.qmp('stop');
    if (!machine.console.since(mark).includes(RESUMED_MARK)) return;
    await machine.qmp('cont');
  }
  throw new TargetLost(`expected ${machine.id} to keep still while it is saved, but the host is too slow for that; start it without a snapshot`);
}

async function save(machine: LabMachine, file: string): Promise<void> {
  const received = receive(join(machine.directory, FILES.transfer), file);
  await machine.qmp('migrate-set-parameters', { 'max-bandwidth': UNLIMITED });
  await machine.qmp('migrate', { uri: `unix:${FILES.transfer}` });
  const expected = `expected QEMU to save ${machine.id}`;
  const completed = await waitFor(SAVE_TIMEOUT_MS, async () => {
    const { status, 'error-desc': reason } = (await machine.qmp('query-migrate')) as { status?: string; 'error-desc'?: string };
    if (status === 'failed') throw new TargetLost(`${expected}, but it has failed: ${reason ?? machine.lastWords()}; start it without a snapshot`);
    return status === 'completed' ? true : undefined;
  });
  if (completed === undefined) throw new TargetLost(`${expected} within ${SAVE_TIMEOUT_MS / 1000} s, but it has not; start it without a snapshot`);
  // A guest that is resumed at once must see that time has gone by, too.
  await Promise.all([received, sleep((SAVED_SECONDS + 1) * 1000)]);
}

/** Writes what the first who connects to a socket sends to a file. */
function receive(socket: string, file: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer((connection) => {
      server.close();
      pipeline(connection, createWriteStream(file, { mode: 0o600 })).then(resolve, reject);
    });
    server.once('error', reject).listen(socket);
  });
}

async function loaded(machine: LabMachine): Promise<void> {
  const expected = `expected QEMU to load the snapshot of ${machine.id}`;
  const status = await waitFor(LOAD_TIMEOUT_MS, async () => {
    if (!machine.running) throw new TargetLost(`${expected}, but it has ended: ${machine.lastWords()}`);
    const { status: seen } = (await machine.qmp('query-status')) as { status: string };
    return seen === 'inmigrate' ? undefined : seen;
  });
  if (status === undefined) throw new TargetLost(`${expected} within ${LOAD_TIMEOUT_MS / 1000} s, but it has not; start it without a snapshot`);
}
