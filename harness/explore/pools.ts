import fc from 'fast-check';
import type { MachineDescription } from '../../reference/description.js';
import type { Term } from '../../reference/doors/term.js';

/**
 * The values that random programs draw from: the boundaries that the guards look at, more often than anything else,
 * and now and then any 64-bit value.
 */
export interface Pools {
  readonly liobn: fc.Arbitrary<Term>;
  readonly ioba: fc.Arbitrary<Term>;
  readonly entry: fc.Arbitrary<Term>;
  readonly count: fc.Arbitrary<bigint>;
  readonly list: fc.Arbitrary<Term>;
  readonly pe: fc.Arbitrary<string>;
  readonly pageShift: fc.Arbitrary<bigint>;
  readonly windowBits: fc.Arbitrary<bigint>;
}

/** Pages that random programs map and look at. */
export const POOL_PAGES: readonly bigint[] = [0x100_0000n, 0x100_1000n, 0x101_0000n, 0x103_f000n];

/** Where random programs keep their lists. */
export const POOL_LISTS: readonly bigint[] = [0x102_0000n, 0x102_1000n];

const any64 = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });
const oneOfTerms = (...terms: readonly Term[]): fc.Arbitrary<Term> => fc.constantFrom(...terms);
const from = (name: string, plus = 0n): Term => (plus === 0n ? { from: name } : { from: name, plus });

/** The names of created windows that a program may refer to; a reference to one it does not create is dropped. */
export const WINDOW_NAMES = ['w1', 'w2', 'w3'] as const;

/** The pools for a machine. `windows`: also the windows that programs create. */
export function makePools(machine: MachineDescription, windows: 'default' | 'created'): Pools {
  const reset = machine.pes.filter((pe) => pe.ddw?.reset === true);
  const pes = (reset.length > 0 ? reset : machine.pes).map((pe) => pe.name);
  const usualFirst = pes.flatMap((pe, i) => Array.from({ length: Math.max(1, 6 - 3 * i) }, () => pe));
  const createdWeight = windows === 'created' ? 8 : 0;
  return {
    pe: fc.constantFrom(...usualFirst),
    liobn: weighted([10, oneOfTerms(...usualFirst.map((name) => from(`${name}.liobn`)))], [createdWeight, created('ret1')], [1, oddLiobn]),
    ioba: weighted([10, offsets(fc.constantFrom(...usualFirst.map((p) => `${p}.start`)))], [createdWeight, offsets(createdStart)], [4, ends(pes)], [1, any64]),
    entry: windows === 'created' ? usualEntries : weighted([20, usualEntries], [1, lastPage]),
    count: weighted([200, fc.constantFrom((1n << 64n) - 1n, 1n << 32n)], [1, fc.constantFrom(1n << 18n, (1n << 18n) + 1n)], [800, fc.bigInt({ min: 0n, max: 4n })], [200, fc.constantFrom(511n, 512n, 513n)]),
    list: weighted([10, oneOfTerms(...POOL_LISTS)], [2, oneOfTerms(from('memory.end'), POOL_LISTS[0]! + 8n)]),
    pageShift: weighted([10, fc.constantFrom(12n, 16n, 21n, 24n)], [2, fc.constantFrom(0n, 11n, 13n, 28n, 34n, 63n, 64n, 76n, 80n)]),
    windowBits: weighted([300, fc.bigInt({ min: 0n, max: 18n })], [30, fc.constantFrom(-1n, 20n, 64n, 65n)], [1, fc.constantFrom(32n, 52n, 63n)]),
  };
}

function weighted<T>(...choices: readonly (readonly [number, fc.Arbitrary<T>])[]): fc.Arbitrary<T> {
  return fc.oneof(...choices.map(([weight, arbitrary]) => ({ weight, arbitrary })));
}

const created = (field: string): fc.Arbitrary<Term> => fc.constantFrom(...WINDOW_NAMES).map((name) => from(`${name}.${field}`));

const createdStart = fc.constantFrom(...WINDOW_NAMES).map((name) => `${name}.ret2:64`);

const oddLiobn: fc.Arbitrary<Term> = weighted<Term>(
  [2, fc.constantFrom<Term>(0n, 0x7fff_fff0n, BigInt.asUintN(64, -1n), BigInt.asUintN(64, -129n))],
  [1, fc.constant<Term>(from('pe0.liobn', 1n << 32n))],
);

/** A few pages from the start, on them or just beside. */
const offsets = (start: fc.Arbitrary<string>): fc.Arbitrary<Term> =>
  fc
    .tuple(start, fc.constantFrom(0n, 1n, 2n, 3n, 15n, 16n), fc.constantFrom(0n, 0n, 0n, 0n, 8n, -1n))
    .map(([name, page, byte]) => from(name, page * 0x1000n + byte));

/** At the end of a default window. */
const ends = (pes: readonly string[]): fc.Arbitrary<Term> =>
  fc.tuple(fc.constantFrom(...pes), fc.constantFrom(-0x2000n, -0x1000n, 0n, 0x1000n)).map(([pe, at]) => from(`${pe}.end`, at));

/**
 * The last page of memory, which belongs to the platform. Not where windows of larger pages may be: such a page would let
 * a device write what whoever runs the program keeps beside it.
 */
const lastPage: fc.Arbitrary<Term> = fc.constant<Term>(from('memory.end', -0xffdn));

const usualEntries: fc.Arbitrary<Term> = weighted<Term>(
  [12, fc.tuple(fc.constantFrom(...POOL_PAGES), fc.bigInt({ min: 0n, max: 3n })).map(([page, bits]) => page | bits)],
  [2, fc.constantFrom<Term>(0n, 0x5_5000n, BigInt.asUintN(64, -4n))],
  [2, fc.constantFrom<Term>(from('memory.end', 3n), from('memory.end', 0x1001n))],
  [1, fc.constantFrom<Term>(0x100_0ff3n, 0x100_8003n)],
);
