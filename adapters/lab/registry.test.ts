import { existsSync, statSync } from 'node:fs';

import { afterEach, describe, expect, test } from '@jest/globals';

import { UsageError } from '../target.js';
import { findLabMachine, labMachines } from './list.js';
import { LabMachine } from './machine.js';
import { usePrivateCache } from './private-cache.fixture.js';
import { machineDirectory, record, records, register, unregister } from './registry.js';

usePrivateCache();
afterEach(() => records().forEach(({ id }) => unregister(id)));

const ABOUT = { platform: 'pseries', cpu: 'power9', kernel: 'debian:6.12', qemu: '7.2.0', memoryMib: 1024, pes: [], from: 'boot', identity: 'key' } as const;
/** Started long before this machine. */
const GONE = { pid: process.pid, startTicks: 0 };

describe('the register of machines', () => {
  test('keeps a machine in a directory that is closed to other users', () => {
    const state = register({ ...ABOUT, detached: false });
    expect(statSync(machineDirectory(state.id)).mode & 0o077).toBe(0);
    expect(records()).toEqual([state]);
  });

  test('lists a machine once it can be reached', () => {
    const state = register({ ...ABOUT, detached: true });
    expect(labMachines()).toEqual([]);
    record({ ...state, sshPort: 1022 });
    expect(labMachines().map(({ id, sshPort }) => ({ id, sshPort }))).toEqual([{ id: state.id, sshPort: 1022 }]);
  });

  test('removes a machine whose owner was killed', () => {
    const state = record({ ...register({ ...ABOUT, detached: false }), process: GONE, sshPort: 1022 });
    expect(records()).toEqual([]);
    expect(existsSync(machineDirectory(state.id))).toBe(false);
  });

  test('keeps a detached machine that has died, until it is stopped', async () => {
    record({ ...register({ ...ABOUT, detached: true }), process: GONE, sshPort: 1022 });
    const machine = findLabMachine('pseries');
    expect(machine.health()).toEqual({ state: 'dead', evidence: 'QEMU has said nothing' });
    await machine.stop();
    await machine.stop();
    expect(records()).toEqual([]);
  });
});

describe('finding a machine', () => {
  test('says what runs when none or several match', () => {
    expect(() => findLabMachine()).toThrow(new UsageError("expected one lab machine named '', but none runs; start or name one"));
    for (let i = 0; i < 2; i++) record({ ...register({ ...ABOUT, detached: true }), sshPort: 1022 });
    expect(() => findLabMachine('pseries')).toThrow(/these run: pseries-\w{6}, pseries-\w{6}/);
  });
});

test('ending a machine that is still being started ends no process', () => {
  const machine = new LabMachine(register({ ...ABOUT, detached: false }));
  machine.kill();
  expect(existsSync(machine.directory)).toBe(false);
});
