import { describe, expect, it } from '@jest/globals';
import type { Operation, Program } from '../../reference/doors/operations.js';
import { TargetLost } from '../target.js';
import { eduAccess } from './edu.js';
import { crashedAt, observations } from './ending.js';
import { LOCAL } from './local-host.fixture.js';
import type { Answer, StepAnswer } from './messages.js';
import { observe } from './observe.js';
import type { Outcome } from './session.js';

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));
const answer = (result: bigint, bytes: string | null = null): Answer => ({ steps: [[0, result, bytes === null ? null : hex(bytes)]] });
const STATUS: Operation = { door: 'vfio', op: 'ioctl', fd: 4n, call: 'VFIO_GROUP_GET_STATUS', args: {} };
const LOAD: Operation = { door: 'user', op: 'load', address: 0n, length: 2 };
const LEDGER: Operation = { door: 'host', op: 'ledger' };
const DMA: Operation = { door: 'dma', op: 'read', device: 'pe0.dev0', iova: 0n, length: 1, at: 0, fd: 5n };

describe('what the agent answers, as observations', () => {
  it('has the fields of a structure as they are after the call, also when it failed', () => {
    expect(observe(STATUS, answer(-22n, '0800000003000000'), LOCAL)).toEqual({ kind: 'syscall', result: -22n, fields: { argsz: 8n, flags: 3n } });
    expect(observe(STATUS, answer(0n, '0000000800000003'), { ...LOCAL, order: 'big' })).toEqual({ kind: 'syscall', result: 0n, fields: { argsz: 8n, flags: 3n } });
  });

  it('has no fields where there is no structure, or nobody can read it', () => {
    expect(observe(STATUS, answer(-14n), LOCAL)).toEqual({ kind: 'syscall', result: -14n });
    expect(observe({ ...STATUS, call: 'VFIO_GROUP_GET_DEVICE_FD' }, answer(5n, '3000'), LOCAL)).toEqual({ kind: 'syscall', result: 5n });
  });

  it('has what was read, or why not', () => {
    expect(observe(LOAD, answer(2n, 'abcd'), LOCAL)).toEqual({ kind: 'bytes', bytes: hex('abcd') });
    expect(observe(LOAD, answer(-14n), LOCAL)).toEqual({ kind: 'syscall', result: -14n });
    const read: Operation = { door: 'vfio', op: 'read', fd: 5n, region: 0, offset: 0, length: 2 };
    expect(observe(read, { steps: [[0, 0n, hex('00')], [1, 2n, hex('ffff')]] }, LOCAL)).toEqual({ kind: 'bytes', bytes: hex('ffff') });
    expect(observe(read, answer(-25n, '00'), LOCAL)).toEqual({ kind: 'syscall', result: -25n });
  });

  it('has locked memory, log lines, pairs, and processes that ended or are gone', () => {
    expect(observe(LEDGER, answer(16n), LOCAL)).toEqual({ kind: 'values', values: { locked: 16n } });
    expect(observe(LEDGER, answer(16n, '0300000000000000'), LOCAL)).toEqual({ kind: 'values', values: { locked: 16n, pinned: 3n } });
    const log: Answer = { log: [[6, 'usb 1-1: new device'], [4, 'WARNING: CPU: 0'], [4, 'spapr_tce_create_table: Calling query /pci']] };
    expect(observe({ door: 'host', op: 'log' }, log, LOCAL)).toEqual({ kind: 'lines', lines: ['WARNING: CPU: 0'] });
    const pair: Operation = { door: 'host', op: 'together', left: LEDGER, right: LOAD };
    expect(observe(pair, { pair: [{ steps: [[0, 1n, null]] }, { gone: 'c1' }] }, LOCAL)).toEqual({
      kind: 'pair',
      left: { kind: 'values', values: { locked: 1n } },
      right: { kind: 'syscall', result: -3n },
    });
    expect(observe({ door: 'host', op: 'exit' }, { ended: true }, LOCAL)).toEqual({ kind: 'syscall', result: 0n });
  });

  it('says nothing of a transfer that ended, also on a device that was cut off', () => {
    const steps = (last: bigint): StepAnswer[] => [[0, 0n, null], [7, last, hex('ffffffff')]];
    expect(observe(DMA, { steps: steps(0n) }, LOCAL)).toEqual({ kind: 'done' });
    expect(observe(DMA, { steps: steps(1n) }, LOCAL)).toEqual({ kind: 'done' });
    expect(observe(DMA, { steps: steps(-110n) }, LOCAL)).toMatchObject({ kind: 'crashed' });
    expect(observe(DMA, { steps: [[0, -9n, null]] }, LOCAL)).toEqual({ kind: 'syscall', result: -9n });
  });
});

describe('programs that do not come to their end', () => {
  const program: Program = { operations: [LEDGER, STATUS, LEDGER] };
  const outcome = (rest: Partial<Outcome>): Outcome => ({ answers: [answer(0n)], ...rest });

  it('crashed where a process died that should not, with the best line of the log', () => {
    const log: [number, string][] = [[6, 'usb'], [0, 'Oops: Kernel access of bad area, sig: 11']];
    expect(observations(program, outcome({ broken: { died: 'main', status: 0x8b }, log }), LOCAL)).toEqual([
      { kind: 'values', values: { locked: 0n } },
      { kind: 'crashed', message: "the process main ended with SIGSEGV in 'VFIO_GROUP_GET_STATUS(0x4)': Oops: Kernel access of bad area, sig: 11" },
      { kind: 'not-run' },
    ]);
  });

  it('crashed where a call hangs that cannot be interrupted', () => {
    expect(observations(program, outcome({ broken: { hung: 'main', state: 'D', wchan: 'iommu_wait' } }), LOCAL)[1]).toEqual({
      kind: 'crashed',
      message: 'hung: VFIO_GROUP_GET_STATUS(0x4) (process main, state D in iommu_wait)',
    });
    const stuck = outcome({ broken: { hung: 'main', state: 'R' }, after: 'the process main cannot be ended' });
    expect(observations(program, stuck, LOCAL)[1]).toMatchObject({ kind: 'crashed' });
  });

  it('are lost where a call only takes long, or the agent itself is at fault', () => {
    expect(() => observations(program, outcome({ broken: { hung: 'main', state: 'S' } }), LOCAL)).toThrow(TargetLost);
    expect(() => observations(program, outcome({ broken: { died: 'main', status: 70 << 8 } }), LOCAL)).toThrow(/report this as a fault of the suite/);
  });

  it('crashed at their last operation where what they leave cannot be taken away', () => {
    const answers = [answer(0n), answer(0n, '0800000001000000'), answer(0n)];
    expect(observations(program, { answers, after: 'the process main cannot be ended' }, LOCAL).at(-1)).toEqual({
      kind: 'crashed',
      message: 'after the program the process main cannot be ended',
    });
  });

  it('crashed at the first operation where nothing is known', () => {
    expect(crashedAt(program.operations, [], 'Kernel panic')).toEqual([{ kind: 'crashed', message: 'Kernel panic' }, { kind: 'not-run' }, { kind: 'not-run' }]);
  });
});

describe('how an edu is driven', () => {
  it('shows in its identification, and in what 8 bytes come back as', () => {
    expect(eduAccess(hex('ed000001'), hex('0102030405060708'))).toEqual({ order: 'little', wide: true });
    expect(eduAccess(hex('010000ed'), hex('01020304ffffffff'))).toEqual({ order: 'big', wide: false });
    expect(eduAccess(hex('010000ed'), undefined)).toEqual({ order: 'big', wide: false });
    expect(eduAccess(hex('ffffffff'), undefined)).toBeUndefined();
  });
});
