import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { LINUX_IOMMUFD, MODEL_MACHINE } from '../adapters/model/machines.js';
import { ModelTarget } from '../adapters/model/model-target.js';
import type { MachineDescription } from '../reference/description.js';
import { programToJson, stringify, toJson } from '../reference/doors/json.js';
import type { Observation, Trace } from '../reference/doors/observation.js';
import type { Program } from '../reference/doors/operations.js';
import { NotATrace, traceFromJson } from '../reference/doors/trace-json.js';
import { iommufdPrograms } from './explore/iommufd-programs.js';
import { programs } from './explore/programs.js';

const throughText = ({ program, observations }: Trace): Trace =>
  traceFromJson(JSON.parse(stringify({ program: programToJson(program), observations: toJson(observations) })) as object);

const comesBack = (program: Program, machine: MachineDescription): void => {
  const trace = new ModelTarget().runNow(program, machine);
  expect(throughText(trace)).toEqual(trace);
};

describe('a trace as JSON', () => {
  it('of a partition comes back as it was', () => {
    fc.assert(fc.property(programs(MODEL_MACHINE, 20), (program) => comesBack(program, MODEL_MACHINE)), { numRuns: 50 });
  });

  it('of a kernel comes back as it was', () => {
    fc.assert(fc.property(iommufdPrograms(20), (program) => comesBack(program, LINUX_IOMMUFD)), { numRuns: 30 });
  });

  it.each<Observation>([
    { kind: 'hcall', status: -4n, registers: [0xffff_ffff_ffff_ffffn, 0n], ticks: 5n },
    { kind: 'rtas', hcall: -2n, rets: [0xffff_ffff, 0] },
    { kind: 'syscall', result: -22n, fields: { flags: 3n } },
    { kind: 'handed', registers: [1n] },
    { kind: 'bytes', bytes: new Uint8Array([0, 255]) },
    { kind: 'values', values: { locked: 4096n } },
    { kind: 'lines', lines: ['0x12', ''] },
    { kind: 'pair', left: { kind: 'done' }, right: { kind: 'syscall', result: 0n } },
    { kind: 'crashed', message: 'assertion failed' },
    { kind: 'not-run' },
  ])('keeps what was observed: $kind', (observation) => {
    expect(throughText({ program: { operations: [] }, observations: [observation] }).observations).toEqual([observation]);
  });

  it.each([
    [{ observations: [] }, /^program: /],
    [{ program: programToJson({ operations: [] }) }, /^observations: /],
    [{ program: programToJson({ operations: [] }), observations: [{ kind: 'done' }, { kind: 'hcall', status: 12 }] }, /^observations\.1/],
  ])('says where a value is none', (value, where) => {
    expect(() => traceFromJson(value)).toThrow(NotATrace);
    expect(() => traceFromJson(value)).toThrow(where);
  });
});
