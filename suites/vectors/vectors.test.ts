import { describe, expect, test } from '@jest/globals';
import { MODEL_MACHINE as DEFAULT_MACHINE } from '../../adapters/model/machines.js';
import { ModelTarget } from '../../adapters/model/model-target.js';
import { brokenClaims } from '../../harness/claims.js';
import { conforms, judgeTrace } from '../../harness/oracle.js';
import type { MachineDescription } from '../../reference/description.js';
import type { Observation, Trace } from '../../reference/doors/observation.js';
import { Model } from '../../reference/model.js';
import { PAPR_RULES } from '../../reference/papr/calls.js';
import { scenarios } from './index.js';

/*
 * The literal numbers of the fact sheet's worked vectors, against what the model answers to the scenarios.
 */
const H_PARAMETER = -4n;

/** The model's machine, with a PE of all nine page sizes whatever the default has. */
const MODEL_MACHINE: MachineDescription = withWide(DEFAULT_MACHINE);

function withWide(machine: MachineDescription): MachineDescription {
  const like = machine.pes[0]!;
  if (machine.pes.some((pe) => pe.name === 'wide0') || like.ddw === undefined) return machine;
  const wide = { ...like, name: 'wide0', buid: like.buid + 0x80n, ddw: { ...like.ddw, pageSizes: 0x1ff } };
  return { ...machine, pes: [...machine.pes, { ...wide, defaultWindow: { ...like.defaultWindow, liobn: 0x8000_8000n } }] };
}

const MINUS_3 = 0xffff_fffd;

const scenarioOf = (id: string) => {
  const found = scenarios.find((scenario) => scenario.id === `vectors/${id}`);
  if (found === undefined) throw new Error(`no scenario vectors/${id}`);
  return found;
};

const run = (id: string, machine: MachineDescription = MODEL_MACHINE): Trace =>
  new ModelTarget().runNow(scenarioOf(id).program, machine);

/** What the scenario itself asked for, without what its audit looked at. */
const asked = (trace: Trace): Observation[] =>
  trace.observations.filter((_, i) => trace.program.operations[i]?.audit !== true);

/** The result cells of the RTAS calls. */
const rets = (id: string): number[][] => asked(run(id)).flatMap((seen) => (seen.kind === 'rtas' ? [[...seen.rets]] : []));

/** Status and R4 of the hypercalls. */
const hcalls = (id: string): [bigint, bigint | undefined][] =>
  asked(run(id)).flatMap((seen) => (seen.kind === 'hcall' ? [[seen.status, seen.registers[0]]] : []));

const statuses = (id: string): bigint[] => hcalls(id).map(([status]) => status);

/** The bytes that a load or property read saw. */
function bytes(id: string, as: string): string {
  const trace = run(id);
  const seen = trace.observations[trace.program.operations.findIndex((operation) => operation.as === as)];
  return seen?.kind === 'bytes' ? Buffer.from(seen.bytes).toString('hex') : '';
}

function property(id: string, machine?: MachineDescription): string {
  const seen = run(id, machine).observations.find((observation) => observation.kind === 'bytes');
  return seen?.kind === 'bytes' ? Buffer.from(seen.bytes).toString('hex').replace(/(.{8})(?!$)/g, '$1 ') : '';
}

const all = (byte: string): string => byte.repeat(16);

describe('entries', () => {
  test.each([
    [29, '64k', 0x1_0003n],
    [30, '2m', 0x20_0003n],
    [31, '16m', 0x700_0003n],
    [33, 'poison', 0x5_5000n],
  ])('vector %i: %s is read back', (_vector, name, tce) => {
    const [put, get] = hcalls(`tce/${name}`);
    expect(put?.[0]).toBe(0n);
    expect(get).toEqual([0n, tce]);
  });

  test('vector 33: no access through permission 00', () => {
    expect(bytes('tce/poison-no-access', 'after')).toBe(all('a5'));
    expect(bytes('tce/poison-no-access', 'read')).toBe(all('3c'));
  });
});

describe('translation', () => {
  test('vector 34: bus offset 0x51234 through TCE[5] reaches offset 0x1234 of the page', () => {
    expect(bytes('translation/64k', 'read')).toBe(all('77'));
    expect(bytes('translation/64k', 'written')).toBe(all('99'));
  });

  test('vector 34: the bytes beside it are untouched', () => {
    const last = run('translation/64k').observations.at(-1);
    expect(last).toEqual({ kind: 'bytes', bytes: new Uint8Array(Buffer.from(`11111111${all('99')}11111111`, 'hex')) });
  });

  test('vector 35: permission 01 reads and does not write', () => {
    expect(bytes('translation/read-only', 'read')).toBe(all('77'));
    expect(bytes('translation/read-only', 'after')).toBe(all('77'));
  });

  test('vector 36: permission 10 writes and does not read', () => {
    expect(bytes('translation/write-only', 'after')).toBe(all('99'));
    expect(bytes('translation/write-only', 'read')).toBe(all('3c'));
  });

  test('vector 37: a cleared entry leaves memory unchanged', () => {
    expect(bytes('translation/unmapped', 'after')).toBe(all('77'));
    expect(bytes('translation/unmapped', 'read')).toBe(all('3c'));
  });
});

describe('bus addresses', () => {
  /** The IOBAs of the H_PUT_TCE calls, as they were at the model. */
  function iobas(id: string): bigint[] {
    const model = new Model(MODEL_MACHINE, PAPR_RULES);
    return scenarioOf(id).program.operations.flatMap((operation) => {
      const ioba = operation.door === 'papr' && operation.op === 'hcall' && operation.audit !== true ? operation.args[1] : undefined;
      const seen = ioba === undefined ? [] : [model.value(ioba)];
      model.answer(operation);
      return seen;
    });
  }

  test('vector 38: 0x3FFFF000 is the last good one of the default window, 0x40000000 the first bad one', () => {
    expect(iobas('ioba/default')).toEqual([0x3fff_f000n, 0x4000_0000n]);
    expect(statuses('ioba/default')).toEqual([0n, H_PARAMETER]);
  });

  test('vector 39: 0 and 2^59 − 0x10000 are below a window at 2^59', () => {
    expect(iobas('ioba/below-window')).toEqual([0n, (1n << 59n) - 0x1_0000n, 1n << 59n]);
    expect(statuses('ioba/below-window')).toEqual([H_PARAMETER, H_PARAMETER, 0n]);
  });

  test.each([
    ['16g', 34n],
    ['256m', 28n],
    ['16m', 24n],
    ['2m', 21n],
    ['64k', 16n],
    ['4k', 12n],
  ])('vector 40: first and last page of 64 GiB of %s, and the one past', (name, pageShift) => {
    const id = `ioba/64g-of-${name}`;
    const start = 1n << 59n;
    const end = start + (1n << 36n);
    expect(iobas(id)).toEqual([start, end - (1n << pageShift), end]);
    expect(statuses(id)).toEqual([0n, 0n, H_PARAMETER]);
  });
});

describe('device tree', () => {
  test.each([
    [41, 'dma-window', '80000000 00000000 00000000 00000000 40000000'],
    [42, 'dma-window-of-second', '80000100 00000000 00000000 00000000 40000000'],
    [46, 'ddw-applicable', '00002026 00002027 00002028'],
    [47, 'ddw-extensions', '00000002 00002029 00000001'],
  ])('vector %i: %s', (_vector, name, hex) => {
    expect(property(`device-tree/${name}`)).toBe(hex);
  });

  test('vector 48: without extension 3 a query with 6 outputs is refused, one with 5 is answered', () => {
    expect(rets('device-tree/short-extensions')).toEqual([
      [MINUS_3, 0, 0, 0, 0, 0],
      [0, 1, 0x8000_0000, 0x107, 0],
    ]);
  });

  test('vector 48: a PE that offers the reset alone has a list of one', () => {
    const pes = MODEL_MACHINE.pes.map((pe) =>
      pe.name === 'old0' && pe.ddw !== undefined ? { ...pe, ddw: { ...pe.ddw, reset: true } } : pe,
    );
    expect(property('device-tree/short-extensions', { ...MODEL_MACHINE, pes })).toBe('00000001 00002029');
  });
});

describe('RTAS calls', () => {
  const LIOBN = 0x8000_0001;
  const created = [0, LIOBN, 0x0800_0000, 0];

  test.each([
    [51, 'query-6', [[0, 1, 0x20, 0, 0x107, 0]]],
    [52, 'query-5', [[0, 1, 0x8000_0000, 0x107, 0]]],
    [53, 'bad-query', [[MINUS_3, 0, 0, 0], [MINUS_3, 0, 0, 0, 0, 0]]],
    [54, 'create', [created]],
    [55, 'remove', [created, [0], [MINUS_3]]],
    [56, 'reset', [created, [0]]],
    [57, 'reset-limited', [[MINUS_3]]],
  ])('vector %i: %s', (_vector, name, expected) => {
    expect(rets(`rtas/${name}`)).toEqual(expected);
  });

  test('vector 56: the created window is gone, the default one is there', () => {
    expect(statuses('rtas/reset')).toEqual([H_PARAMETER, 0n]);
  });
});

describe('every scenario', () => {
  test('has an id of its own', () => {
    expect(new Set(scenarios.map(({ id }) => id)).size).toBe(scenarios.length);
  });

  test.each(scenarios.map((scenario) => [scenario.id, scenario] as const))('%s: its clauses decide at the model', (_id, scenario) => {
    const model = new Model(MODEL_MACHINE, PAPR_RULES);
    const decided = new Set(scenario.program.operations.flatMap((operation) => model.answer(operation).clauses));
    expect(scenario.clauses.filter((clause) => !decided.has(clause))).toEqual([]);
  });

  test.each(scenarios.map((scenario) => [scenario.id, scenario] as const))('%s: the model conforms, and the claims hold', (_id, scenario) => {
    const trace = new ModelTarget().runNow(scenario.program, MODEL_MACHINE);
    const judgement = judgeTrace(trace, MODEL_MACHINE, PAPR_RULES);
    expect([judgement.departures, brokenClaims(scenario, trace)]).toEqual([[], []]);
    expect(conforms(judgement)).toBe(true);
  });
});
