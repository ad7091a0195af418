import type { ProgramBuilder, WindowHandle } from '../../harness/build/program-builder.js';
import { scenario } from '../../harness/build/scenario-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import { plus } from '../../reference/doors/term.js';
import { BOTH, DATA, NONE, OTHER, POISON, READ, WRITE } from '../tce/entries.js';
import {
  DEVICE_BYTE,
  deviceOf,
  drainBuffer,
  fillBuffer,
  map,
  MEMORY_BYTE,
  needed,
  OTHER_BYTE,
  pageAt,
  shifted,
  DIRECTIONS,
  type Direction,
} from './device.js';

/** Pages of the window on both sides of the edge. */
const FIRST = 2n;
const SECOND = 3n;

interface Pair {
  readonly name: string;
  readonly text: string;
  /** Permissions of the page before the edge, and of the one after. */
  readonly first: bigint;
  readonly second: bigint;
  /** The entry of a side without permission, where it is not 0. */
  readonly poison?: true;
}

const PAIRS: readonly Pair[] = [
  { name: 'good-to-good', text: 'from one page to another', first: BOTH, second: BOTH },
  { name: 'good-to-none', text: 'from a mapped page to an unmapped one', first: BOTH, second: NONE },
  { name: 'none-to-good', text: 'from an unmapped page to a mapped one', first: NONE, second: BOTH },
  { name: 'none-to-none', text: 'from an unmapped page to another', first: NONE, second: NONE },
  { name: 'good-to-poison', text: 'from a mapped page to a poisoned one', first: BOTH, second: NONE, poison: true },
  { name: 'poison-to-good', text: 'from a poisoned page to a mapped one', first: NONE, second: BOTH, poison: true },
  { name: 'read-only-to-both', text: 'from a read-only page to one with both permissions', first: READ, second: BOTH },
  { name: 'both-to-read-only', text: 'from a page with both permissions to a read-only one', first: BOTH, second: READ },
  { name: 'write-only-to-both', text: 'from a write-only page to one with both permissions', first: WRITE, second: BOTH },
  { name: 'both-to-write-only', text: 'from a page with both permissions to a write-only one', first: BOTH, second: WRITE },
  { name: 'read-only-to-write-only', text: 'from a read-only page to a write-only one', first: READ, second: WRITE },
  { name: 'write-only-to-read-only', text: 'from a write-only page to a read-only one', first: WRITE, second: READ },
];

/** Where the memory pages of the two sides meet the edge: the end of the first page's memory, the start of the second's. */
interface Transfer {
  readonly before: number;
  readonly after: number;
}

/** Carries a transfer over the edge out, with patterns on both sides, and shows all it may have touched. */
function cross(p: ProgramBuilder, window: WindowHandle, direction: Direction, { before, after }: Transfer): void {
  const edge = DATA + (1n << BigInt(window.pageShift));
  const device = deviceOf(window);
  const length = before + after;
  p.fill(edge - BigInt(before), before, MEMORY_BYTE).fill(OTHER, after, OTHER_BYTE);
  fillBuffer(p, device, DEVICE_BYTE, length);
  const iova = shifted(pageAt(window, SECOND), -BigInt(before));
  if (direction === 'read') {
    p.deviceReads(iova, length);
    drainBuffer(p, device, undefined, length);
  } else {
    p.deviceWrites(iova, length);
  }
  p.load(edge - BigInt(before) - 16n, before + 32).load(OTHER - 16n, after + 32);
}

const clausesOf = (direction: Direction, sides: readonly bigint[]): string[] => [
  ...new Set(sides.map((bits) => ((bits & needed(direction)) === 0n ? `dma/${direction}-permission` : 'dma/translated'))),
  'memory/contents',
];

const pairs = PAIRS.flatMap(({ name, text, first, second, poison }) =>
  DIRECTIONS.map((direction) =>
    scenario(
      {
        id: `isolation/crossing/${name}/${direction}`,
        title: `A device's ${direction} ${text} moves the bytes that the entry of each side permits`,
        clauses: clausesOf(direction, [first, second]),
      },
      (p) => {
        const window = p.defaultWindow();
        const entry = (bits: bigint, page: bigint): bigint => (bits === NONE ? (poison === true ? POISON : 0n) : page + bits);
        map(p, window, FIRST, entry(first, DATA));
        map(p, window, SECOND, entry(second, OTHER));
        cross(p, window, direction, { before: 32, after: 32 });
      },
    ),
  ),
);

/** Mapped to mapped, mapped to unmapped, and the other way. */
const PLAIN_PAIRS = PAIRS.slice(0, 3);

/** Transfers that meet the edge in other places. */
const TRANSFERS: readonly Transfer[] = [
  { before: 1, after: 1 },
  { before: 1, after: 2047 },
  { before: 2047, after: 1 },
  { before: 1024, after: 1024 },
  { before: 3, after: 7 },
  { before: 8, after: 64 },
];

const lengths = TRANSFERS.flatMap((transfer) =>
  DIRECTIONS.flatMap((direction) =>
    PLAIN_PAIRS.map(({ name, text, first, second }) => {
      const { before, after } = transfer;
      return scenario(
        {
          id: `isolation/crossing/${before}+${after}/${name}/${direction}`,
          title: `A device's ${direction} of ${before} bytes before and ${after} after the edge ${text} splits there`,
          clauses: clausesOf(direction, [first, second]),
        },
        (p) => {
          const window = p.defaultWindow();
          if (first !== NONE) map(p, window, FIRST, DATA + first);
          if (second !== NONE) map(p, window, SECOND, OTHER + second);
          cross(p, window, direction, transfer);
        },
      );
    }),
  ),
);

const largePages = [16, 21].flatMap((shift) =>
  DIRECTIONS.flatMap((direction) =>
    PLAIN_PAIRS.map(({ name, text, first, second }) =>
      scenario(
        {
          id: `isolation/crossing/2^${shift}-pages/${name}/${direction}`,
          title: `With pages of 2^${shift} bytes a device's ${direction} ${text} splits at the edge of the page`,
          clauses: clausesOf(direction, [first, second]),
        },
        (p) => {
          const window = p.create(shift, 28);
          if (first !== NONE) map(p, window, FIRST, DATA + first);
          if (second !== NONE) map(p, window, SECOND, OTHER + second);
          cross(p, window, direction, { before: 32, after: 32 });
        },
      ),
    ),
  ),
);

/** The edges of a window itself: beyond them nothing translates. */
const edges = DIRECTIONS.flatMap((direction) => [
  scenario(
    {
      id: `isolation/crossing/end-of-window/${direction}`,
      title: `A device's ${direction} over the end of a window moves the bytes inside and none beyond`,
      clauses: ['dma/translated', 'dma/outside-windows', 'memory/contents'],
    },
    (p) => {
      const window = p.create(16, 28);
      const last = 4095n;
      map(p, window, last, DATA + BOTH);
      edge(p, window, direction, plus(window.end, -32n), DATA + 0xffe0n);
    },
  ),
  scenario(
    {
      id: `isolation/crossing/start-of-window/${direction}`,
      title: `A device's ${direction} over the start of a window moves the bytes inside and none before`,
      clauses: ['dma/translated', 'dma/outside-windows', 'memory/contents'],
    },
    (p) => {
      const window = p.create(16, 28);
      map(p, window, 0n, DATA + BOTH);
      edge(p, window, direction, plus(window.start, -32n), DATA - 32n);
    },
  ),
]);

/** 64 bytes over the edge of a window: half of them at `memory`, half nowhere. */
function edge(p: ProgramBuilder, window: WindowHandle, direction: Direction, iova: WindowHandle['start'], memory: bigint): void {
  const device = deviceOf(window);
  p.fill(memory, 64, MEMORY_BYTE);
  fillBuffer(p, device, DEVICE_BYTE, 64);
  if (direction === 'read') {
    p.deviceReads(iova, 64);
    drainBuffer(p, device, undefined, 64);
  } else {
    p.deviceWrites(iova, 64);
  }
  p.load(memory - 16n, 96);
}

/** Transfers over the edge of a page or a window: each side goes by its own entry. */
export const scenarios: readonly Scenario[] = [...pairs, ...lengths, ...largePages, ...edges];
