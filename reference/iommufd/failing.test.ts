import { describe, expect, test } from '@jest/globals';
import { LINUX_IOMMUFD } from '../../adapters/model/machines.js';
import { buildHost, type Host } from '../vfio/host.js';
import { mapMemory } from '../memory/process.js';
import { E } from '../uapi/errno.js';
import { bindDevice, change } from './attach.js';
import { addAreas, removeArea } from './domains.js';
import { deviceFacts } from './groups.js';
import { userPages } from './pages.js';
import { freeId, makeContext, makeIoas, NO_PASID, type Area, type BoundDevice, type Context, type Ioas, type PagingTable } from './state/context.js';
import { addTable, makeTable } from './tables.js';

const PAGE = 0x1_0000n;
const ADDRESS = 0x7000_0000_0000n;
const AREAS = 4;

interface Scene {
  readonly host: Host;
  readonly context: Context;
  readonly from: Ioas;
  readonly to: Ioas;
  readonly device: BoundDevice;
}

/** An area of one page. */
function area(host: Host, context: Context, index: number): Area {
  const { space } = host.processes.get('main')!;
  const first = 0x2000_0000n + BigInt(index) * PAGE;
  return { first, last: first + PAGE - 1n, pages: userPages(host, context, space, ADDRESS + BigInt(index) * PAGE, true), offset: 0n, readable: true, writeable: true, locks: 0 };
}

/** A device with reserved IOVAs attached to one IOAS, and another IOAS with some areas. */
function scene(): Scene {
  const host = buildHost(LINUX_IOMMUFD);
  const { space } = host.processes.get('main')!;
  mapMemory(space, host.memory, { start: ADDRESS, length: 16n * PAGE, pageShift: 16, protection: 'rw' });
  const context = makeContext();
  const [from, to] = [makeIoas(1), makeIoas(2)];
  for (const ioas of [from, to]) context.objects.set(ioas.id, ioas);
  for (let i = 0; i < AREAS; i++) addAreas(host, to, [area(host, context, i)]);
  const device = bindDevice(host, context, deviceFacts(host, 'reserved0.dev0'), freeId(context));
  change(host, context, device, NO_PASID, { object: from, table: undefined }, freeId(context));
  return { host, context, from, to, device };
}

/** All that a failed call must not change. */
const picture = ({ host, context, from, to, device }: Scene): unknown => ({
  objects: [...context.objects.keys()],
  attached: device.group.attached.get(NO_PASID)?.table.id,
  spaces: [from, to].map(({ areas, domains, reserved }) => ({
    domains: domains.length,
    reserved: reserved.map(({ first, last }) => [first, last]),
    pinned: [...areas].map(({ first, pages }) => [first, pages.pins.length, pages.users.size]),
  })),
  pinned: host.processes.get('main')!.space.pinnedPages,
});

/** A page table of the other IOAS that refuses the n-th piece, and counts what is entered. */
function failing({ to, device }: Scene, at: number): { readonly table: PagingTable; readonly entered: Set<bigint> } {
  const table = makeTable(0, to, device.driver);
  const entered = new Set<bigint>();
  let calls = 0;
  const domain = {
    ...table.domain,
    map(piece: { readonly iova: bigint; readonly length: bigint }) {
      calls += 1;
      if (calls === at) return -E.ENOSPC;
      entered.add(piece.iova);
      return 0;
    },
    unmap({ iova, length }: { readonly iova: bigint; readonly length: bigint }) {
      for (const one of [...entered]) if (one >= iova && one < iova + length) entered.delete(one);
    },
  };
  return { table: { ...table, domain }, entered };
}

describe('a call that fails at an inner step', () => {
  test.each(Array.from({ length: AREAS }, (_, i) => i + 1))('leaves nothing behind when a new page table refuses piece %i', (at) => {
    const here = scene();
    const before = picture(here);
    const { table, entered } = failing(here, at);
    expect(addTable(here.host, here.context, table)).toBe(-E.ENOSPC);
    expect(picture(here)).toEqual(before);
    expect(entered.size).toBe(0);
  });

  test.each(Array.from({ length: AREAS }, (_, i) => i))('leaves a device where it was when page %i of what it goes to cannot be pinned', (gone) => {
    const here = scene();
    const { space } = here.host.processes.get('main')!;
    space.mappings = [];
    for (let i = 0; i < AREAS; i++) {
      if (i !== gone) mapMemory(space, here.host.memory, { start: ADDRESS + BigInt(i) * PAGE, length: PAGE, pageShift: 16, protection: 'rw' });
    }
    const before = picture(here);
    expect(change(here.host, here.context, here.device, NO_PASID, { object: here.to, table: undefined }, freeId(here.context))).toEqual({ refused: -E.EFAULT });
    expect(picture(here)).toEqual(before);
  });

  test('leaves a device where it was when the other IOAS has mapped what its IOMMU takes for itself', () => {
    const here = scene();
    const taken = { ...area(here.host, here.context, 8), first: 0xfee0_0000n, last: 0xfee0_ffffn };
    addAreas(here.host, here.to, [taken]);
    const before = picture(here);
    expect(change(here.host, here.context, here.device, NO_PASID, { object: here.to, table: undefined }, freeId(here.context))).toEqual({ refused: -E.EADDRINUSE });
    expect(picture(here)).toEqual(before);
    removeArea(here.host, here.to, taken);
    expect(change(here.host, here.context, here.device, NO_PASID, { object: here.to, table: undefined }, freeId(here.context))).toHaveProperty('table');
  });
});
