import { describe, expect, it } from '@jest/globals';
import { LINUX_POWERNV, LINUX_PSERIES_EEH } from '../../adapters/model/machines.js';
import type { MachineDescription } from '../description.js';
import type { Observation } from '../doors/observation.js';
import type { Operation } from '../doors/operations.js';
import { Model } from '../model.js';
import { REFERENCE_RULES } from '../rule-book.js';

/** A kernel in an emulator: its host bridge stops nothing. */
const EMULATED: MachineDescription = { ...LINUX_POWERNV, linux: { ...LINUX_POWERNV.linux!, emulatedEeh: true } };

const CONTAINER = { from: 'container.fd' };
const OPENED: readonly Operation[] = [
  { door: 'vfio', op: 'open', what: 'container', as: 'container' },
  { door: 'vfio', op: 'open', what: 'pe0', as: 'group' },
  { door: 'vfio', op: 'ioctl', fd: { from: 'group.fd' }, call: 'VFIO_GROUP_SET_CONTAINER', args: { fd: CONTAINER } },
  { door: 'vfio', op: 'ioctl', fd: CONTAINER, call: 'VFIO_SET_IOMMU', args: { value: 7n } },
  { door: 'vfio', op: 'ioctl', fd: { from: 'group.fd' }, call: 'VFIO_GROUP_GET_DEVICE_FD', args: {}, device: 'pe0.dev0', as: 'device' },
];

const FREEZE: Operation = { door: 'host', op: 'freeze', pe: 'pe0', what: 'all' };
const GET_STATE: Operation = { door: 'vfio', op: 'ioctl', fd: CONTAINER, call: 'VFIO_EEH_PE_OP', args: { argsz: 12n, op: 4n } };
const LOAD: Operation = { door: 'vfio', op: 'read', fd: { from: 'device.fd' }, region: 0, offset: 0, length: 4 };
const DMA: Operation = { door: 'dma', op: 'write', device: 'pe0.dev0', iova: 0x10_0000n, length: 16, at: 0, fd: { from: 'device.fd' } };

const result = (value: bigint): Observation => ({ kind: 'syscall', result: value });
const bytes = (byte: number): Observation => ({ kind: 'bytes', bytes: new Uint8Array(4).fill(byte) });

/** Clauses that a system broke which did the operations and showed this at the last one; before it, what the model answers. */
function broken(machine: MachineDescription, operations: readonly Operation[], last: Operation, observed: Observation): string[] {
  const [system, oracle] = [new Model(machine, REFERENCE_RULES), new Model(machine, REFERENCE_RULES)];
  for (const operation of operations) oracle.judge(operation, system.answer(operation).observation);
  return oracle.judge(last, observed).departures.map(({ clause }) => clause);
}

describe('a PE that was stopped', () => {
  const stopped = [...OPENED, FREEZE];

  it('must say so', () => {
    expect([0n, 1n, 4n, 5n].map((value) => broken(LINUX_POWERNV, stopped, GET_STATE, result(value)))).toEqual([0, 1, 2, 3].map(() => ['VFIO_EEH_PE_OP/get-state']));
    expect(broken(LINUX_POWERNV, stopped, GET_STATE, result(2n))).toEqual([]);
  });

  it('is what it showed from then on, also where it must not be that', () => {
    const oracle = new Model(LINUX_POWERNV, REFERENCE_RULES);
    const system = new Model(LINUX_POWERNV, REFERENCE_RULES);
    for (const operation of stopped) oracle.judge(operation, system.answer(operation).observation);
    expect([4n, 4n, 2n, -5n, 2n].map((seen) => oracle.judge(GET_STATE, result(seen)).departures.length)).toEqual([1, 0, 1, 1, 0]);
  });

  it('must bring all ones', () => {
    expect([broken(LINUX_POWERNV, stopped, LOAD, bytes(0)), broken(LINUX_POWERNV, stopped, LOAD, bytes(0xff))]).toEqual([['eeh/stopped-mmio'], []]);
  });

  it('must say so in an emulator too, whose host bridge need not stop it', () => {
    expect([broken(EMULATED, stopped, GET_STATE, result(0n)), broken(EMULATED, stopped, LOAD, bytes(0))]).toEqual([['VFIO_EEH_PE_OP/get-state'], []]);
  });

  it('shows in sysfs', () => {
    const look: Operation = { door: 'host', op: 'eeh-state', device: 'pe0.dev0' };
    const healthy: Observation = { kind: 'values', values: { present: 1n, firmware: 0x78n, software: 0n } };
    expect([broken(LINUX_POWERNV, stopped, look, healthy), broken(LINUX_POWERNV, OPENED, look, healthy)]).toEqual([['eeh-host/state'], []]);
  });
});

describe('a PE after an access that was refused', () => {
  const refused = [...OPENED, DMA];

  it('may be stopped or normal, and is what was seen from then on', () => {
    expect([0n, 2n, 1n].map((value) => broken(LINUX_POWERNV, refused, GET_STATE, result(value)).length)).toEqual([0, 0, 1]);
    const oracle = new Model(LINUX_POWERNV, REFERENCE_RULES);
    const system = new Model(LINUX_POWERNV, REFERENCE_RULES);
    for (const operation of refused) oracle.judge(operation, system.answer(operation).observation);
    expect([result(0n), result(2n)].map((seen) => oracle.judge(GET_STATE, seen).departures.length)).toEqual([0, 1]);
  });
});

describe('an error that the kernel handles', () => {
  it('is counted once', () => {
    const handled: readonly Operation[] = [FREEZE, { door: 'host', op: 'eeh', what: 'check', device: 'pe0.dev0' }];
    const resets = (count: bigint): string[] => broken(LINUX_PSERIES_EEH, handled, { door: 'host', op: 'eeh-resets' }, { kind: 'values', values: { resets: count } });
    expect([resets(0n), resets(1n), resets(2n)]).toEqual([['eeh-host/counted'], [], ['eeh-host/counted']]);
  });

  it('ends with the PE normal and its device there', () => {
    const gone: Observation = { kind: 'values', values: { present: 0n, firmware: 0n, software: 0n } };
    expect(broken(LINUX_PSERIES_EEH, [FREEZE, { door: 'host', op: 'eeh', what: 'check', device: 'pe0.dev0' }], { door: 'host', op: 'eeh-state', device: 'pe0.dev0', within: 60 }, gone)).toEqual(['eeh-host/state']);
  });
});
