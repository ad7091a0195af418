import { describe, expect, it } from '@jest/globals';
import { LINUX_PSERIES } from '../adapters/model/machines.js';
import { VfioProgramBuilder } from '../harness/build/vfio-program-builder.js';
import { Model } from './model.js';
import type { Operation } from './doors/operations.js';
import type { Observation } from './doors/observation.js';
import { changeCall, takeChoices } from './mutants/mutant.js';
import { REFERENCE_RULES } from './rule-book.js';
import type { RuleBook } from './rules.js';

const MAP = 'VFIO_IOMMU_MAP_DMA';
const PAGE = 0x1000n;
const REGION = 0x4_0000n;

/**
 * Two regions are unregistered while their first pages are mapped; then each one's last page and the page behind it are mapped
 * instead. The last page may be refused, as memory that is pinned only because it is mapped; the page behind it must be. Either
 * is EINVAL, but only the latter comes after the page before was mapped, and then all that the call mapped is cleared.
 */
const operations = ((): readonly Operation[] => {
  const p = new VfioProgramBuilder();
  const container = p.v2();
  const regions = [p.memory(REGION), p.memory(REGION)] as const;
  for (const region of regions) p.register(container, region);
  for (const [i, region] of regions.entries()) p.map(container, region.address, p.defaultWindow().at(BigInt(i) * REGION), PAGE);
  for (const region of regions) p.unregister(container, region);
  for (const [i, region] of regions.entries()) p.map(container, region.at(REGION - PAGE), p.defaultWindow().at(BigInt(i) * REGION), 0x2_0000n);
  return p.finish().operations;
})();

/** The same, with no look at the locked memory between the two refusals. */
const unseen = operations.toSpliced(operations.findLastIndex((operation) => operation.door === 'vfio' && operation.op === 'ioctl') - 1, 1);

function observe(rules: RuleBook, program: readonly Operation[]): Observation[] {
  const system = new Model(LINUX_PSERIES, rules);
  return program.map((operation) => system.answer(operation).observation);
}

function departures(program: readonly Operation[], observations: readonly Observation[]): string[] {
  const model = new Model(LINUX_PSERIES, REFERENCE_RULES);
  return program.flatMap((operation, i) => model.judge(operation, observations[i]!).departures.map(({ clause }) => clause));
}

/** It goes on with a mapping of memory that was unregistered. */
const GOES_ON = takeChoices(REFERENCE_RULES, { V4: 'goes on' });
/** It unregisters mapped memory, and does not map it again. */
const REFUSES = changeCall(GOES_ON, MAP, () => takeChoices(REFERENCE_RULES, { V4: 'refuses' }).get(MAP)!);

describe.each([
  ['goes on', GOES_ON],
  ['refuses', REFUSES],
] as const)('a refusal that two rules may have made, on a system that %s at the first of them', (_name, rules) => {
  it('is allowed with the state that the system has then', () => {
    expect(departures(operations, observe(rules, operations))).toEqual([]);
  });

  it('is allowed where two of them show only together', () => {
    expect(unseen).toHaveLength(operations.length - 1);
    expect(departures(unseen, observe(rules, unseen))).toEqual([]);
  });

  it('is allowed with no other state, and that is said once', () => {
    const observations = observe(rules, operations);
    const last = operations.findLastIndex((operation) => operation.door === 'host' && operation.op === 'ledger' && operation.by === undefined);
    expect(departures(operations, observations.with(last, { kind: 'values', values: { locked: 1n } }))).toEqual(['ledger/locked']);
  });
});

describe('two operations at the same time', () => {
  const stores = (value: bigint): Operation => ({ door: 'user', op: 'store', address: { from: 'buffer.address' }, wordBytes: 8, words: [value] });
  const program: readonly Operation[] = [
    { door: 'user', op: 'map', as: 'buffer', length: 0x1_0000n, protection: 'rw' },
    { door: 'host', op: 'together', left: stores(0x11n), right: stores(0x22n) },
    { door: 'host', op: 'together', left: stores(0x33n), right: { door: 'host', op: 'ledger' } },
    { door: 'host', op: 'together', left: stores(0x44n), right: stores(0x55n) },
    { door: 'user', op: 'load', address: { from: 'buffer.address' }, length: 8 },
    { door: 'user', op: 'load', address: { from: 'buffer.address' }, length: 8 },
  ];
  const loaded = (...values: readonly number[]): Observation[] => {
    const bytes = values.map((value) => ({ kind: 'bytes', bytes: Uint8Array.of(value, 0, 0, 0, 0, 0, 0, 0) }) as const);
    return [...observe(REFERENCE_RULES, program).slice(0, 4), ...bytes];
  };

  it.each([[0x44], [0x55]])('may have happened in either order: what is seen later says which (%#)', (last) => {
    expect(departures(program, loaded(last, last))).toEqual([]);
  });

  it('may have happened the other way round more than once', () => {
    const [map, , , race, load] = program as [Operation, Operation, Operation, Operation, Operation];
    const again = [map, race, load, race, load, race, load];
    const seen = observe(REFERENCE_RULES, again);
    const bytes: Observation = { kind: 'bytes', bytes: Uint8Array.of(0x44, 0, 0, 0, 0, 0, 0, 0) };
    expect(departures(again, seen.map((observation, at) => (again[at] === load ? bytes : observation)))).toEqual([]);
  });

  it.each([
    [0x44, 0x55],
    [0x33, 0x33],
    [0x66, 0x66],
  ])('happened in one order, and both happened (%#)', (...seen) => {
    expect(departures(program, loaded(...seen))).not.toEqual([]);
  });
});
