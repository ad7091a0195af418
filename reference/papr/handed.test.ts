import { describe, expect, it } from '@jest/globals';
import type { MachineDescription } from '../description.js';
import type { Observation } from '../doors/observation.js';
import type { Operation } from '../doors/operations.js';
import type { Judgement } from '../judgement.js';
import { Model } from '../model.js';
import { REFERENCE_RULES } from '../rule-book.js';

const MACHINE: MachineDescription = {
  platform: 'pseries',
  monitor: true,
  memoryBytes: 0x800_0000n,
  functions: ['hcall-tce', 'hcall-multi-tce'],
  pes: [{ name: 'pe0', configAddress: 0x800, buid: 1n, defaultWindow: { liobn: 1n, start: 0n, size: 0x1000_0000n, pageShift: 12 }, devices: ['dev0'] }],
  vios: [],
};

const HANDED: Observation = { kind: 'handed', registers: [] };
const answered = (status: bigint, r4 = 0n): Observation => ({ kind: 'hcall', status, registers: [r4] });
const hcall = (call: 'H_PUT_TCE' | 'H_GET_TCE' | 'H_PUT_TCE_INDIRECT', ...args: bigint[]): Operation => ({ door: 'papr', op: 'hcall', call, args });
const get = (ioba: bigint): Operation => hcall('H_GET_TCE', 1n, ioba);
const OLD = 0x200_0003n;
const NEW = 0x300_0003n;
const put: [Operation, Observation] = [hcall('H_PUT_TCE', 1n, 0n, OLD), answered(0n)];
const list: [Operation, Observation][] = [
  [{ door: 'memory', op: 'store', address: 0x110_0000n, doublewords: [NEW, 0n] }, { kind: 'done' }],
  [hcall('H_PUT_TCE_INDIRECT', 1n, 0n, 0x110_0000n, 2n), HANDED],
];

/** The last judgement of a trace. */
function judged(steps: readonly [Operation, Observation][], machine = MACHINE): Judgement {
  const model = new Model(machine, REFERENCE_RULES);
  return steps.map(([operation, observation]) => model.judge(operation, observation)).at(-1)!;
}

describe('a call that is left to the monitor', () => {
  it('is permitted where there is one, and exercises no other clause', () => {
    expect(judged([[hcall('H_PUT_TCE', 1n, 0n, 3n), HANDED]])).toEqual({ departures: [], allowed: [], clauses: ['monitor/handed'] });
    const { monitor: _monitor, ...alone } = MACHINE;
    expect(judged([[hcall('H_PUT_TCE', 1n, 0n, 3n), HANDED]], alone).departures).toMatchObject([{ clause: 'monitor/handed' }]);
  });

  it('has changed nothing', () => {
    const handed: [Operation, Observation] = [hcall('H_PUT_TCE', 1n, 0n, NEW), HANDED];
    expect(judged([put, handed, [get(0n), answered(0n, OLD)]]).departures).toEqual([]);
    expect(judged([put, handed, [get(0n), answered(0n, NEW)]]).departures).toMatchObject([{ clause: 'H_GET_TCE/value' }]);
    expect(judged([put, handed, [get(0n), answered(0n, 0n)]]).departures).toMatchObject([{ clause: 'H_GET_TCE/value' }]);
  });

  it('may have stored a part of a list', () => {
    for (const seen of [OLD, NEW]) expect(judged([put, ...list, [get(0n), answered(0n, seen)]]).departures).toEqual([]);
    expect(judged([put, ...list, [get(0n), answered(0n, 0x400_0003n)]]).departures).toHaveLength(1);
    expect(judged([put, ...list, [get(0x2000n), answered(0n, NEW)]]).departures).toHaveLength(1);
  });

  it('may have cleared an entry of the list for devices, until it is written once more', () => {
    const write: [Operation, Observation] = [{ door: 'dma', op: 'write', device: 'pe0.dev0', iova: 0n, length: 1, at: 0 }, { kind: 'done' }];
    const fill: [Operation, Observation] = [{ door: 'memory', op: 'fill', address: 0x200_0000n, length: 1, byte: 7 }, { kind: 'done' }];
    const load = (byte: number): [Operation, Observation] => [{ door: 'memory', op: 'load', address: 0x200_0000n, length: 1 }, { kind: 'bytes', bytes: Uint8Array.of(byte) }];
    const looked: [Operation, Observation] = [get(0n), answered(0n, OLD)];
    for (const byte of [0, 7]) expect(judged([put, ...list, looked, fill, write, load(byte)]).departures).toEqual([]);
    expect(judged([put, ...list, looked, put, fill, write, load(7)]).departures).toMatchObject([{ clause: 'memory/contents' }]);
  });
});
