import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { AreaMap, EVERYTHING, type Interval } from './areas.js';

/** IOVAs are drawn from few places, so that areas touch and holes are of every size. */
const place = fc.bigInt({ min: 0n, max: 200n });

type Step = { readonly at: bigint; readonly length: bigint; readonly remove: boolean };
const steps = fc.array(fc.record({ at: place, length: fc.bigInt({ min: 1n, max: 9n }), remove: fc.boolean() }), { minLength: 1, maxLength: 200 });

/** The same done by a list. */
class AreaList {
  readonly areas: Interval[] = [];

  firstIn({ first, last }: Interval): Interval | undefined {
    return [...this.areas].sort((a, b) => Number(a.first - b.first)).find((area) => area.first <= last && area.last >= first);
  }

  hole(range: Interval, length: bigint, alignment: bigint): bigint | undefined {
    for (let iova = range.first; iova + length - 1n <= range.last; iova++) {
      if (iova % alignment === 0n && this.firstIn({ first: iova, last: iova + length - 1n }) === undefined) return iova;
    }
    return undefined;
  }
}

function build(all: readonly Step[]): { readonly map: AreaMap<Interval>; readonly list: AreaList } {
  const [map, list] = [new AreaMap<Interval>(), new AreaList()];
  for (const { at, length, remove } of all) {
    const area = { first: at, last: at + length - 1n };
    const there = list.firstIn(area);
    if (there === undefined) {
      map.add(area);
      list.areas.push(area);
    } else if (remove) {
      map.delete(there);
      list.areas.splice(list.areas.indexOf(there), 1);
    }
  }
  return { map, list };
}

const fitting = (length: bigint, alignment: bigint) => ({ first, last }: Interval): bigint | undefined => {
  const start = ((first + alignment - 1n) / alignment) * alignment;
  return start + length - 1n <= last ? start : undefined;
};

describe('a map of areas', () => {
  it('has what a list has, in ascending order', () => {
    fc.assert(
      fc.property(steps, place, place, (all, a, b) => {
        const { map, list } = build(all);
        const range = a < b ? { first: a, last: b } : { first: b, last: a };
        const sorted = [...list.areas].sort((x, y) => Number(x.first - y.first));
        expect([...map]).toEqual(sorted);
        expect(map.size).toBe(sorted.length);
        expect(map.firstIn(range)).toEqual(list.firstIn(range));
        expect(map.at(a)).toEqual(list.firstIn({ first: a, last: a }));
        expect([...map.within(range)]).toEqual(sorted.filter(({ first, last }) => first <= range.last && last >= range.first));
      }),
      { numRuns: 300 },
    );
  });

  it('finds the first hole that a list finds, between changes too', () => {
    fc.assert(
      fc.property(steps, steps, place, place, fc.bigInt({ min: 1n, max: 12n }), fc.constantFrom(1n, 2n, 4n, 8n), (before, after, a, b, length, alignment) => {
        const range = a < b ? { first: a, last: b } : { first: b, last: a };
        const early = build(before);
        expect(early.map.hole(range, length, fitting(length, alignment))).toBe(early.list.hole(range, length, alignment));
        const { map, list } = build([...before, ...after]);
        expect(map.hole(range, length, fitting(length, alignment))).toBe(list.hole(range, length, alignment));
      }),
      { numRuns: 300 },
    );
  });

  it('notices changes after a hole was looked for', () => {
    const map = new AreaMap<Interval>();
    const areas = Array.from({ length: 1000 }, (_, i) => ({ first: BigInt(2 * i), last: BigInt(2 * i) }));
    for (const area of areas) map.add(area);
    const one = fitting(2n, 1n);
    expect(map.hole({ first: 0n, last: 1999n }, 2n, one)).toBeUndefined();
    map.delete(areas[500]!);
    expect(map.hole(EVERYTHING, 2n, one)).toBe(999n);
    map.add({ first: 999n, last: 1001n });
    expect(map.hole({ first: 0n, last: 2001n }, 2n, one)).toBe(1999n);
  });

  it('looks at few areas for a hole among many', () => {
    const map = new AreaMap<Interval>();
    const count = 1 << 14;
    for (let i = 0; i < count; i++) map.add({ first: BigInt(2 * i), last: BigInt(2 * i) });
    map.hole(EVERYTHING, 2n, fitting(2n, 1n));
    let looked = 0;
    map.add({ first: 1n << 40n, last: 1n << 40n });
    map.hole(EVERYTHING, 2n, (hole) => {
      looked += 1;
      return fitting(2n, 1n)(hole);
    });
    expect(looked).toBeLessThan(40);
  });

  it('reads not many more areas among many than among few: a change and a search cost the levels of the tree', () => {
    /** Reads of areas for a change in the middle and a search, among so many. */
    const reads = (count: number): number => {
      let read = 0;
      const counted = (at: bigint): Interval => ({
        get first() {
          read += 1;
          return at;
        },
        get last() {
          read += 1;
          return at;
        },
      });
      const map = new AreaMap<Interval>();
      const areas = Array.from({ length: count }, (_, i) => counted(BigInt(2 * i)));
      for (const area of areas) map.add(area);
      map.hole(EVERYTHING, 3n, fitting(3n, 1n));
      read = 0;
      map.delete(areas[count >> 1]!);
      expect(map.hole({ first: 0n, last: BigInt(2 * count) }, 3n, fitting(3n, 1n))).toBe(BigInt(count - 1));
      map.add(areas[count >> 1]!);
      return read;
    };
    const [few, many] = [reads(1 << 7), reads(1 << 14)];
    // Twice the levels.
    expect(many).toBeLessThan(3 * few);
  });
});
