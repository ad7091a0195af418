import { LINUX_PSERIES } from '../../adapters/model/machines.js';
import { addAreas, removeArea } from '../../reference/iommufd/domains.js';
import { userPages } from '../../reference/iommufd/pages.js';
import { makeContext, makeIoas, type Area, type Ioas } from '../../reference/iommufd/state/context.js';
import { EVERYTHING } from '../../reference/iommufd/state/areas.js';
import { buildHost, type Host } from '../../reference/vfio/host.js';
import { rates, type Figure } from './figure.js';

/* An IOAS without a page table, with many areas. */

const MANY = 1 << 20;
const FEW = 1 << 10;
const AREA_BYTES = 0x1_0000n;

/** What is asked of each of the three, alone. */
const GOAL = { atLeast: 200e3 } as const;

interface Space {
  readonly host: Host;
  readonly ioas: Ioas;
  /** The area of that number: its place is neither the next nor the one before; a hole of its size follows it. */
  readonly area: (i: number) => Area;
}

function space(count: number): Space {
  const host = buildHost(LINUX_PSERIES);
  const pages = userPages(host, makeContext(), host.processes.get('main')!.space, 0n, true);
  const place = (i: number): bigint => BigInt((i * 0x9_e37b) % count) * 2n * AREA_BYTES;
  return { host, ioas: makeIoas(1), area: (i) => ({ first: place(i), last: place(i) + AREA_BYTES - 1n, pages, offset: 0n, readable: true, writeable: true, locks: 0 }) };
}

const times = (count: number, work: (i: number) => void) => (): void => {
  for (let i = 0; i < count; i++) work(i);
};

function found({ areas }: Ioas, iova: bigint): Area {
  const area = areas.at(iova);
  if (area === undefined) throw new Error('An area is lost.');
  return area;
}

/** A million areas mapped, looked up, unmapped; beside a table of numbers. */
function cycle(): Figure[] {
  const { host, ioas, area } = space(MANY);
  const [map, lookUp, unmap] = rates(
    MANY,
    times(MANY, (i) => void addAreas(host, ioas, [area(i)])),
    times(MANY, (i) => void found(ioas, area(i).first + 5n)),
    times(MANY, (i) => removeArea(host, ioas, found(ioas, area(i).first))),
  ) as [number, number, number];
  const bare = new Map<bigint, number>();
  const [set, get, drop] = rates(
    MANY,
    times(MANY, (i) => void bare.set(area(i).first, i)),
    times(MANY, (i) => void bare.get(area(i).first)),
    times(MANY, (i) => void bare.delete(area(i).first)),
  ) as [number, number, number];
  const figure = (what: string, value: number, beside: number): Figure => ({ name: `model: ${what} of 1 M areas`, value, unit: 'per second', goal: GOAL, beside: { what: 'Map of bigints', value: beside } });
  return [figure('maps', map, set), figure('look-ups', lookUp, get), figure('unmaps', unmap, drop)];
}

/** The first hole of twice the usual size, which wanders: an area goes, the hole is found, the area comes back. */
function holesAmong(count: number, searches: number): number {
  const { host, ioas, area } = space(count);
  const all = Array.from({ length: count }, (_, i) => area(i));
  for (const one of all) addAreas(host, ioas, [one]);
  const search = (i: number): void => {
    const one = all[(i * 0x1003) % count]!;
    removeArea(host, ioas, one);
    if (ioas.areas.hole({ first: 0n, last: BigInt(count) * 2n * AREA_BYTES - 1n }, 2n * AREA_BYTES, ({ first }) => first) === undefined) throw new Error('A hole is not found.');
    addAreas(host, ioas, [one]);
  };
  // What is known of holes is worked out once for all areas.
  ioas.areas.hole(EVERYTHING, 2n * AREA_BYTES, ({ first }) => first);
  return rates(searches, times(searches, search))[0]!;
}

/** That a search is logarithmic, the test of the areas shows by counting; here is what it costs, caches and all. */
function holes(): Figure {
  const few = holesAmong(FEW, 1 << 14);
  return { name: 'model: holes found among 1 M areas', value: holesAmong(MANY, 1 << 14), unit: 'per second', beside: { what: 'among 1 K areas', value: few } };
}

/** Figures of areas. */
export const areasBench = (): Figure[] => [...cycle(), holes()];
