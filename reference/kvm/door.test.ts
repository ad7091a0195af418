import { describe, expect, it } from '@jest/globals';
import { LINUX_POWERNV } from '../../adapters/model/machines.js';
import type { Observation } from '../doors/observation.js';
import type { Operation } from '../doors/operations.js';
import { Model } from '../model.js';
import { REFERENCE_RULES } from '../rule-book.js';
import { enabling, MEMORY, PROCESSOR, SAMPLE_SLOT, SAMPLE_TABLE, VM, WITH_GUEST } from './checks.js';

/** A model that has come to where the samples' guest makes calls. */
function ready(...more: readonly Operation[]): Model {
  const model = new Model(LINUX_POWERNV, REFERENCE_RULES);
  for (const operation of [...WITH_GUEST, ...more]) model.answer(operation);
  return model;
}

const put: Operation = { door: 'kvm', op: 'hcall', processor: PROCESSOR, call: 'H_PUT_TCE', args: [SAMPLE_TABLE.liobn, 0n, SAMPLE_SLOT.start | 3n] };

const judged = (operation: Operation, observed: Observation) => ready().judge(operation, observed).departures.map(({ clause, observed: seen }) => `${clause}: ${seen}`);

const registers = (...values: readonly bigint[]): bigint[] => Array.from({ length: 9 }, (_, i) => values[i] ?? 0n);

describe('a hypercall of a guest', () => {
  it('that KVM ought to answer departs when it is handed to the monitor', () => {
    expect(judged(put, { kind: 'handed', registers: registers(SAMPLE_TABLE.liobn, 0n, SAMPLE_SLOT.start | 3n) })).toEqual(['kvm/H_PUT_TCE/mapped: handed to the monitor']);
  });

  it('that is the monitor\'s departs when KVM answers it', () => {
    const unknown = { ...put, args: [1n, 0n, 0n] };
    expect(judged(unknown, { kind: 'hcall', status: -4n, registers: [] })).toEqual(['kvm/H_PUT_TCE/liobn: H_PARAMETER (-4)']);
  });

  it('that is handed to the monitor keeps its registers', () => {
    const unknown: Operation = { ...put, args: [1n, 2n, 3n] };
    expect(judged(unknown, { kind: 'handed', registers: registers(1n, 2n, 3n) })).toEqual([]);
    expect(judged(unknown, { kind: 'handed', registers: registers(1n, 2n, 4n) })).toEqual(['kvm/H_PUT_TCE/liobn: R6 = 0x4']);
  });

  it('that kills the host departs', () => {
    expect(judged(put, { kind: 'crashed', message: 'Oops' })).toEqual(['kvm/H_PUT_TCE/mapped: crashed: Oops']);
  });
});

describe('the list of H_PUT_TCE_INDIRECT', () => {
  it('is big-endian, whatever the system is', () => {
    const list: Operation = { door: 'user', op: 'store', address: MEMORY, order: 'big', wordBytes: 8, words: [SAMPLE_SLOT.start | 1n] };
    const model = ready(enabling(0x13c), list);
    const stored: Operation = { door: 'kvm', op: 'hcall', processor: PROCESSOR, call: 'H_PUT_TCE_INDIRECT', args: [SAMPLE_TABLE.liobn, 0n, SAMPLE_SLOT.start, 1n] };
    expect(model.answer(stored).observation).toMatchObject({ kind: 'hcall', status: 0n });
    const get: Operation = { door: 'kvm', op: 'hcall', processor: PROCESSOR, call: 'H_GET_TCE', args: [SAMPLE_TABLE.liobn, 0n] };
    expect(model.answer(get).observation).toMatchObject({ kind: 'hcall', registers: registers(SAMPLE_SLOT.start | 1n) });
  });
});

describe('a descriptor that the kernel writes to a field', () => {
  it('is that field, not what the call returned', () => {
    const model = ready();
    const make: Operation = { door: 'kvm', op: 'ioctl', fd: VM, call: 'KVM_CREATE_DEVICE', args: { type: 4n, fd: 0xffff_ffffn }, as: 'bridge' };
    model.answer(make);
    const has: Operation = { door: 'kvm', op: 'ioctl', fd: { from: 'bridge.fd' }, call: 'KVM_HAS_DEVICE_ATTR', args: { group: 1n, attr: 3n } };
    expect(model.answer(has).observation).toMatchObject({ kind: 'syscall', result: 0n });
  });
});
