import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { LINUX_PSERIES } from '../../adapters/model/machines.js';
import { mapMemory, unmapMemory } from '../memory/process.js';
import { E } from '../uapi/errno.js';
import { buildHost, type Host } from '../vfio/host.js';
import { addAreas, addDomain, removeArea, removeDomain } from './domains.js';
import { pinnedPages, userPages } from './pages.js';
import { complement, iovaAlignment, pageBytes, reserve, unreserve, usable } from './ranges.js';
import { makeContext, makeIoas, type Area, type Context, type Interval, type Ioas, type PagingDomain } from './state/context.js';

const PAGE = 0x1_0000n;
const MEMORY = 0x7000_0000_0000n;
const APERTURE = { first: 0x100_0000n, last: 0x7fff_ffffn };

/** A page table that remembers what was entered: by IOVA, in pieces of 4 KiB. */
function makeTable(apertures: readonly Interval[] = [APERTURE], pageSizes = 0x1000n, refuseAt?: bigint) {
  const entries = new Map<bigint, bigint>();
  const domain: PagingDomain = {
    apertures,
    pageSizes,
    map({ iova, length, real }) {
      if (refuseAt !== undefined && refuseAt >= iova && refuseAt < iova + length) return -E.ENOSPC;
      for (let at = 0n; at < length; at += 0x1000n) entries.set(iova + at, real + at);
      return 0;
    },
    unmap({ iova, length }) {
      for (let at = 0n; at < length; at += 0x1000n) entries.delete(iova + at);
    },
  };
  return { domain, entries };
}

function setUp(mode: Context['rlimitMode'] = 'user', lockLimit?: bigint) {
  const host = buildHost(LINUX_PSERIES);
  const { space } = host.processes.get('main')!;
  space.lockLimit = lockLimit;
  mapMemory(space, host.memory, { start: MEMORY, length: 64n * PAGE, pageShift: 16, protection: 'rw' });
  const context: Context = { ...makeContext(), rlimitMode: mode };
  return { host, space, context, ioas: makeIoas(1) };
}

/** An area of so many pages of the memory, from a page of it on. */
function areaOf({ host, context, space }: Pick<ReturnType<typeof setUp>, 'host' | 'context' | 'space'>, iova: bigint, page: bigint, count: bigint): Area {
  const pages = userPages(host, context, space, MEMORY + page * PAGE, true);
  return { first: iova, last: iova + count * PAGE - 1n, pages, offset: 0n, readable: true, writeable: true, locks: 0 };
}

/** A part of an area at another place, of the same memory. */
const copyOf = (area: Area, iova: bigint, from: bigint, count: bigint): Area => ({ ...area, first: iova, last: iova + count * PAGE - 1n, offset: area.offset + from * PAGE });

/** What a page table of the IOAS must hold, from its areas alone. */
function expected({ memory: _memory, processes }: Host, ioas: Ioas): Map<bigint, bigint> {
  const { mappings } = processes.get('main')!.space;
  const entries = new Map<bigint, bigint>();
  for (const { first, last, offset, pages } of ioas.areas) {
    for (let at = 0n; at <= last - first; at += 0x1000n) entries.set(first + at, mappings[0]!.real + (pages.source.start + offset + at - MEMORY));
  }
  return entries;
}

const IOVA = 0x200_0000n;

describe('a page table of an IOAS', () => {
  it('gets what was mapped before and what is mapped later, and narrows what can be mapped', () => {
    const s = setUp();
    const { domain, entries } = makeTable();
    expect(addAreas(s.host, s.ioas, [areaOf(s, IOVA, 0n, 2n)])).toBe(0);
    expect(s.space.pinnedPages).toBe(0n);
    expect(addDomain(s.host, s.ioas, domain)).toBe(0);
    expect(usable(s.ioas)).toEqual([APERTURE]);
    expect(addAreas(s.host, s.ioas, [areaOf(s, IOVA + 0x100_0000n, 7n, 3n)])).toBe(0);
    expect(entries).toEqual(expected(s.host, s.ioas));
    expect(s.space.pinnedPages).toBe(5n);
    removeDomain(s.host, s.ioas, domain);
    expect(entries.size).toBe(0);
    expect([s.space.pinnedPages, usable(s.ioas).length, usable(s.ioas)[0]!.first]).toEqual([0n, 1, 0n]);
  });

  it('is refused where its pages are larger than the system has, and nothing changes', () => {
    const s = setUp();
    expect(addDomain(s.host, s.ioas, makeTable([APERTURE], 1n << 24n).domain)).toBe(-E.EINVAL);
    expect([s.ioas.reserved, s.ioas.domains]).toEqual([[], []]);
  });

  it.each([
    ['an area outside of what it translates', 0x1000n, []],
    ['IOVAs that are allowed outside of it', IOVA, [{ first: 0n, last: 0xffffn }]],
  ] as const)('is refused for %s', (_what, iova, allowed) => {
    const s = setUp();
    s.ioas.allowed = allowed;
    addAreas(s.host, s.ioas, [areaOf(s, iova, 0n, 1n)]);
    const { domain, entries } = makeTable();
    expect(addDomain(s.host, s.ioas, domain)).toBe(-E.EADDRINUSE);
    expect([s.ioas.reserved, s.ioas.domains, entries.size, s.space.pinnedPages]).toEqual([[], [], 0, 0n]);
  });

  it('is refused for an area that is less aligned than its pages', () => {
    const s = setUp();
    addAreas(s.host, s.ioas, [{ ...areaOf(s, IOVA + 0x800n, 0n, 1n), offset: 0x800n }]);
    expect(addDomain(s.host, s.ioas, makeTable().domain)).toBe(-E.EADDRINUSE);
    expect(iovaAlignment(s.host, s.ioas)).toBe(1n);
  });

  it('is refused for memory that cannot be pinned, and what was entered before goes again', () => {
    const s = setUp();
    addAreas(s.host, s.ioas, [areaOf(s, IOVA, 0n, 2n), areaOf(s, IOVA + 2n * PAGE, 63n, 2n)]);
    const { domain, entries } = makeTable();
    expect(addDomain(s.host, s.ioas, domain)).toBe(-E.EFAULT);
    expect([entries.size, s.space.pinnedPages, s.ioas.reserved]).toEqual([0, 0n, []]);
  });

  it('keeps its pages when the process gives its memory up', () => {
    const s = setUp();
    const { domain, entries } = makeTable();
    addDomain(s.host, s.ioas, domain);
    addAreas(s.host, s.ioas, [areaOf(s, IOVA, 0n, 2n)]);
    const before = new Map(entries);
    unmapMemory(s.space, MEMORY, 64n * PAGE);
    const second = makeTable();
    expect(addDomain(s.host, s.ioas, second.domain)).toBe(0);
    expect(second.entries).toEqual(before);
    expect(s.space.pinnedPages).toBe(2n);
  });

  it('passes on what its driver says, and nothing is mapped or pinned', () => {
    const s = setUp();
    const [good, bad] = [makeTable(), makeTable([APERTURE], 0x1000n, IOVA + PAGE)];
    addDomain(s.host, s.ioas, good.domain);
    addDomain(s.host, s.ioas, bad.domain);
    expect(addAreas(s.host, s.ioas, [areaOf(s, IOVA, 0n, 2n)])).toBe(-E.ENOSPC);
    expect([good.entries.size, bad.entries.size, s.space.pinnedPages, s.ioas.areas.size]).toEqual([0, 0, 0n, 0]);
  });
});

describe('pinned memory', () => {
  it.each([
    ['user', 0n, 3n],
    ['process', 3n, 0n],
  ] as const)('is charged to the %s, once for all copies', (mode, locked, ofUser) => {
    const s = setUp(mode, 8n * PAGE);
    const { domain } = makeTable();
    addDomain(s.host, s.ioas, domain);
    const area = areaOf(s, IOVA, 0n, 3n);
    addAreas(s.host, s.ioas, [area]);
    const copy = copyOf(area, IOVA + 0x10_0000n, 1n, 2n);
    addAreas(s.host, s.ioas, [copy]);
    expect([s.space.lockedPages, s.host.userLocked, s.space.pinnedPages]).toEqual([locked, ofUser, 3n]);
    removeArea(s.host, s.ioas, area);
    expect([s.space.lockedPages + s.host.userLocked, pinnedPages(s.host, copy.pages)]).toEqual([2n, 2n]);
    removeArea(s.host, s.ioas, copy);
    expect([s.space.lockedPages, s.host.userLocked, s.space.pinnedPages]).toEqual([0n, 0n, 0n]);
  });

  it('is refused beyond the limit, and what was pinned for it is given back', () => {
    const s = setUp('user', 3n * PAGE);
    addDomain(s.host, s.ioas, makeTable().domain);
    expect(addAreas(s.host, s.ioas, [areaOf(s, IOVA, 0n, 2n)])).toBe(0);
    expect(addAreas(s.host, s.ioas, [areaOf(s, IOVA + 4n * PAGE, 8n, 2n)])).toBe(-E.ENOMEM);
    expect([s.host.userLocked, s.ioas.areas.size]).toEqual([2n, 1]);
  });

  it('counts for nobody who may lock what he likes', () => {
    const s = setUp('process');
    addDomain(s.host, s.ioas, makeTable().domain);
    addAreas(s.host, s.ioas, [areaOf(s, IOVA, 0n, 2n)]);
    expect([s.host.userLocked, s.space.lockedPages, s.space.pinnedPages]).toEqual([0n, 0n, 2n]);
  });
});

describe('reservations', () => {
  it('belong to their owners: each takes its own away', () => {
    const [a, b] = [{}, {}];
    const ioas = makeIoas(1);
    expect([reserve(ioas, { first: 0n, last: 9n }, a), reserve(ioas, { first: 5n, last: 19n }, b)]).toEqual([0, 0]);
    expect(usable(ioas)[0]!.first).toBe(20n);
    unreserve(ioas, b);
    expect(usable(ioas)[0]!.first).toBe(10n);
  });

  it('cut a range into what is left', () => {
    const taken = [{ first: 8n, last: 9n }, { first: 0n, last: 3n }, { first: 2n, last: 5n }];
    expect(complement(taken, { first: 1n, last: 12n })).toEqual([{ first: 6n, last: 7n }, { first: 10n, last: 12n }]);
    expect(complement([{ first: 0n, last: (1n << 64n) - 1n }])).toEqual([]);
  });
});

/** What random programs do with one IOAS, two page tables and sixteen places. */
const step = fc.record({ do: fc.constantFrom('map', 'map', 'copy', 'unmap', 'table'), place: fc.nat(15), page: fc.nat(66), count: fc.integer({ min: 1, max: 4 }), table: fc.nat(1) });

describe('the invariants of an IOAS', () => {
  it('hold after every step: what is translated, what is pinned, who is charged', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), fc.constantFrom<Context['rlimitMode']>('user', 'process'), (steps, mode) => {
        const s = setUp(mode, 24n * PAGE);
        const tables = [makeTable(), makeTable([{ first: 0n, last: 0xfff_ffffn }])];
        for (const { do: what, place, page, count, table } of steps) {
          const iova = 0xf0_0000n + BigInt(place) * 4n * PAGE;
          const there = s.ioas.areas.firstIn({ first: iova, last: iova + 4n * PAGE - 1n });
          const room = there === undefined && s.ioas.reserved.every(({ first, last }) => iova > last || iova + 4n * PAGE - 1n < first);
          const [some] = s.ioas.areas;
          if (what === 'map' && room) addAreas(s.host, s.ioas, [areaOf(s, iova, BigInt(page), BigInt(count))]);
          if (what === 'copy' && room && some !== undefined) addAreas(s.host, s.ioas, [copyOf(some, iova, 0n, 1n)]);
          if (what === 'unmap' && there !== undefined) removeArea(s.host, s.ioas, there);
          const { domain } = tables[table]!;
          if (what === 'table' && s.ioas.domains.includes(domain)) removeDomain(s.host, s.ioas, domain);
          else if (what === 'table') addDomain(s.host, s.ioas, domain);
          check(s, tables);
        }
      }),
      { numRuns: 200 },
    );
  });
});

function check(s: ReturnType<typeof setUp>, tables: readonly ReturnType<typeof makeTable>[]): void {
  for (const { domain, entries } of tables) expect(entries).toEqual(s.ioas.domains.includes(domain) ? expected(s.host, s.ioas) : new Map());
  const areas = [...s.ioas.areas];
  for (const area of areas) expect(s.ioas.reserved.filter(({ first, last }) => area.first <= last && first <= area.last)).toEqual([]);
  // Each page of each memory that was mapped counts once, and only while there is a page table.
  const pinned = new Map(areas.map(({ pages }) => [pages, new Set<bigint>()]));
  for (const { pages, offset, first, last } of areas) for (let at = offset; at <= offset + (last - first); at += pageBytes(s.host)) pinned.get(pages)!.add(at);
  const count = s.ioas.domains.length === 0 ? 0n : BigInt([...pinned.values()].reduce((sum, { size }) => sum + size, 0));
  expect([s.space.pinnedPages, s.host.userLocked + s.space.lockedPages]).toEqual([count, count]);
}
