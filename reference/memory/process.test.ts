import { describe, expect, it, test } from '@jest/globals';
import fc from 'fast-check';
import { ByteStore } from './bytes.js';
import { forkMemory, makeAddressSpace, makeRealMemory, mapMemory, mappingAt, mayLock, pinRange, realAddress, trailingZeros, unmapMemory, type Mapping } from './process.js';

const PAGE = 0x1_0000n;
const SHIFT = 16;

const setUp = () => ({ space: makeAddressSpace(), memory: makeRealMemory(new ByteStore()) });

const rw = (start: bigint, pages: bigint): Omit<Mapping, 'real'> => ({ start, length: pages * PAGE, pageShift: SHIFT, protection: 'rw' });

describe('the memory of a process', () => {
  it('keeps the pages of what is left when the middle of a mapping goes', () => {
    const { space, memory } = setUp();
    mapMemory(space, memory, rw(0n, 4n));
    const [first, last] = [realAddress(space, 0n), realAddress(space, 3n * PAGE)];
    unmapMemory(space, PAGE, 2n * PAGE);
    expect(space.mappings).toHaveLength(2);
    expect([realAddress(space, 0n), realAddress(space, PAGE), realAddress(space, 3n * PAGE)]).toEqual([first, undefined, last]);
  });

  it('gets other pages where new memory is mapped over old', () => {
    const { space, memory } = setUp();
    mapMemory(space, memory, rw(0n, 1n));
    const before = realAddress(space, 0n);
    mapMemory(space, memory, rw(0n, 1n));
    expect(realAddress(space, 0n)).not.toBe(before);
    expect(space.mappings).toHaveLength(1);
  });

  it('pins a range on several mappings, and none with a hole or a page that must not be written', () => {
    const { space, memory } = setUp();
    mapMemory(space, memory, rw(0n, 2n));
    mapMemory(space, memory, rw(2n * PAGE, 1n));
    mapMemory(space, memory, { ...rw(3n * PAGE, 1n), protection: 'r' });
    expect(pinRange(space, PAGE, 2n * PAGE)?.map(({ address, length }) => [address, length])).toEqual([
      [PAGE, PAGE],
      [2n * PAGE, PAGE],
    ]);
    expect(pinRange(space, 2n * PAGE, 2n * PAGE)).toBeUndefined();
    expect(pinRange(space, 3n * PAGE, 2n * PAGE)).toBeUndefined();
  });

  it('is copied for a child: the same contents on other pages, nothing locked or registered', () => {
    const { space, memory } = setUp();
    mapMemory(space, memory, rw(0n, 1n));
    space.lockedPages = 7n;
    memory.bytes.store(Number(realAddress(space, 8n)), Uint8Array.of(1, 2, 3));
    const child = forkMemory(space, memory);
    expect(child.lockedPages).toBe(0n);
    expect(child.regions).toEqual([]);
    expect(realAddress(child, 0n)).not.toBe(realAddress(space, 0n));
    expect([...memory.bytes.load(Number(realAddress(child, 8n)), 3).values]).toEqual([1, 2, 3]);
  });

  test.each([
    { limit: undefined, locked: 1n << 40n, pages: 1n << 40n, may: true },
    { limit: 4n * PAGE, locked: 0n, pages: 4n, may: true },
    { limit: 4n * PAGE - 1n, locked: 0n, pages: 4n, may: false },
    { limit: 4n * PAGE, locked: 1n, pages: 4n, may: false },
    { limit: 4n * PAGE + PAGE - 1n, locked: 1n, pages: 4n, may: false },
    { limit: 0n, locked: 9n, pages: 0n, may: true },
  ])('may lock $pages pages beside $locked within $limit bytes: $may', ({ limit, locked, pages, may }) => {
    const { space } = setUp();
    space.lockLimit = limit;
    space.lockedPages = locked;
    expect(mayLock(space, pages, SHIFT)).toBe(may);
  });

  test.each([
    [0n, 0],
    [1n, 0],
    [PAGE, SHIFT],
    [3n * PAGE, SHIFT],
  ])('%d ends in %d zeros', (value, zeros) => expect(trailingZeros(value)).toBe(zeros));

  it('has each page mapped once at most, and none that was unmapped, after any mappings and unmappings', () => {
    const step = fc.record({ map: fc.boolean(), at: fc.bigInt({ min: 0n, max: 15n }), pages: fc.bigInt({ min: 1n, max: 6n }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
        const { space, memory } = setUp();
        const mapped = new Set<bigint>();
        for (const { map, at, pages } of steps) {
          if (map) mapMemory(space, memory, rw(at * PAGE, pages));
          else unmapMemory(space, at * PAGE, pages * PAGE);
          for (let page = at; page < at + pages; page++) mapped[map ? 'add' : 'delete'](page);
        }
        for (let page = 0n; page < 24n; page++) {
          const holders = space.mappings.filter(({ start, length }) => page * PAGE >= start && page * PAGE < start + length);
          expect(holders).toHaveLength(mapped.has(page) ? 1 : 0);
          expect(mappingAt(space, page * PAGE)).toBe(holders[0]);
        }
        const real = [...mapped].map((page) => realAddress(space, page * PAGE));
        expect(new Set(real).size).toBe(real.length);
      }),
    );
  });
});
