import type { ProgramBuilder, WindowHandle } from '../../harness/build/program-builder.js';
import { scenario } from '../../harness/build/scenario-builder.js';
import type { Claim, Scenario } from '../../harness/scenario.js';
import { BOTH, DATA, FOREIGN, mapping, NONE, OTHER, POISON, READ, WRITE } from '../tce/entries.js';
import { access, deviceOf, DIRECTIONS, map, needed, pageAt, reached, refused, type Direction } from './device.js';

/** The entry accessed, and its address in the window. */
const ENTRY = 2n;
const OFFSET = 0x2000n;

interface Change {
  readonly name: string;
  /** Follows "a device's access before and after". */
  readonly text: string;
  /** Permissions before and after. */
  readonly from: bigint;
  readonly to: bigint;
  readonly change: (p: ProgramBuilder, window: WindowHandle) => void;
}

const put = (entry: bigint) => (p: ProgramBuilder, window: WindowHandle) => map(p, window, ENTRY, entry);

/** Changes of the one entry, after which its page is the same or nothing. */
const CHANGES: readonly Change[] = [
  { name: 'map-by-put', text: 'it is mapped by H_PUT_TCE', from: NONE, to: BOTH, change: put(DATA + BOTH) },
  {
    name: 'map-by-stuff',
    text: 'it is mapped by H_STUFF_TCE',
    from: NONE,
    to: BOTH,
    change: (p, w) => p.stuff(w, OFFSET, DATA + BOTH, 1n),
  },
  {
    name: 'map-by-list',
    text: 'it is mapped by H_PUT_TCE_INDIRECT',
    from: NONE,
    to: BOTH,
    change: (p, w) => p.putList(w, OFFSET, [DATA + BOTH]),
  },
  { name: 'unmap-by-put', text: 'it is unmapped by H_PUT_TCE', from: BOTH, to: NONE, change: put(0n) },
  { name: 'unmap-by-stuff', text: 'it is unmapped by H_STUFF_TCE', from: BOTH, to: NONE, change: (p, w) => p.stuff(w, OFFSET, 0n, 1n) },
  {
    name: 'unmap-by-list',
    text: 'it is unmapped by H_PUT_TCE_INDIRECT',
    from: BOTH,
    to: NONE,
    change: (p, w) => p.putList(w, OFFSET, [0n]),
  },
  { name: 'unmap-keeping-the-page', text: 'its permissions are taken and the page number stays', from: BOTH, to: NONE, change: put(DATA) },
  { name: 'poison', text: 'it is poisoned', from: BOTH, to: NONE, change: put(POISON) },
  { name: 'gain-write', text: 'it gains write permission', from: READ, to: BOTH, change: put(DATA + BOTH) },
  { name: 'gain-read', text: 'it gains read permission', from: WRITE, to: BOTH, change: put(DATA + BOTH) },
  { name: 'lose-write', text: 'it loses write permission', from: BOTH, to: READ, change: put(DATA + READ) },
  { name: 'lose-read', text: 'it loses read permission', from: BOTH, to: WRITE, change: put(DATA + WRITE) },
  { name: 'read-to-write', text: 'its read permission becomes write permission', from: READ, to: WRITE, change: put(DATA + WRITE) },
  { name: 'write-to-read', text: 'its write permission becomes read permission', from: WRITE, to: READ, change: put(DATA + READ) },
];

const clauseOf = (direction: Direction, bits: bigint): string =>
  (bits & needed(direction)) === 0n ? `dma/${direction}-permission` : 'dma/translated';

const claimOf = (direction: Direction, bits: bigint, as: string): Claim =>
  (bits & needed(direction)) === 0n
    ? refused(direction, as, `${as} the change the entry does not permit the access`)
    : reached(direction, as, `${as} the change the entry permits the access`);

/** The device accesses its page; something happens; the device accesses it once more. */
function accessAround(p: ProgramBuilder, direction: Direction, window: WindowHandle, happen: (p: ProgramBuilder, window: WindowHandle) => void): void {
  const attempt = (as: string): void => access(p, deviceOf(window), { direction, iova: pageAt(window, ENTRY), memory: DATA, as });
  attempt('before');
  happen(p, window);
  attempt('after');
}

const changed = CHANGES.flatMap(({ name, text, from, to, change }) =>
  DIRECTIONS.map((direction) =>
    scenario(
      {
        id: `isolation/before-after/${name}/${direction}`,
        title: `A device's ${direction} before and after an entry changes goes by the entry of that moment: ${text}`,
        clauses: [...new Set([clauseOf(direction, from), clauseOf(direction, to)]), 'memory/contents'],
        claims: [claimOf(direction, from, 'before'), claimOf(direction, to, 'after')],
      },
      (p) => {
        const window = p.defaultWindow();
        if (from !== NONE) map(p, window, ENTRY, DATA + from);
        accessAround(p, direction, window, change);
      },
    ),
  ),
);

/** Calls that must be refused and change nothing: the device goes on reaching the old page, as permitted before. */
const REFUSED: readonly {
  readonly name: string;
  readonly text: string;
  readonly clause: string;
  readonly attempt: (p: ProgramBuilder, window: WindowHandle) => void;
}[] = [
  {
    name: 'put-foreign',
    text: 'H_PUT_TCE of a page outside memory',
    clause: 'H_PUT_TCE/page',
    attempt: (p, w) => p.put(w, OFFSET, FOREIGN),
  },
  {
    name: 'stuff-foreign',
    text: 'H_STUFF_TCE of a page outside memory',
    clause: 'H_STUFF_TCE/page',
    attempt: (p, w) => p.stuff(w, OFFSET, FOREIGN, 2n),
  },
  { name: 'stuff-513', text: 'H_STUFF_TCE of 513 entries', clause: 'H_STUFF_TCE/count', attempt: (p, w) => p.stuff(w, OFFSET, 0n, 513n) },
  {
    name: 'list-bad-entry-after',
    text: 'a list with a bad entry after this one',
    clause: 'H_PUT_TCE_INDIRECT/page',
    attempt: (p, w) => p.putList(w, OFFSET, [mapping(OTHER), FOREIGN]),
  },
  {
    name: 'list-bad-entry-before',
    text: 'a list with a bad entry before this one',
    clause: 'H_PUT_TCE_INDIRECT/page',
    attempt: (p, w) => p.putList(w, OFFSET - 0x1000n, [FOREIGN, mapping(OTHER)]),
  },
  {
    name: 'list-513',
    text: 'a list of 513 entries',
    clause: 'H_PUT_TCE_INDIRECT/count',
    attempt: (p, w) => p.putList(w, OFFSET, [mapping(OTHER)], 513n),
  },
  {
    name: 'list-outside',
    text: 'a list outside memory',
    clause: 'H_PUT_TCE_INDIRECT/list',
    attempt: (p, w) => p.hcall('H_PUT_TCE_INDIRECT', w.liobn, w.at(OFFSET), { from: 'memory.end' }, 1n),
  },
];

const unchanged = REFUSED.flatMap(({ name, text, clause, attempt }) =>
  DIRECTIONS.map((direction) =>
    scenario(
      {
        id: `isolation/refused-change/${name}/${direction}`,
        title: `After ${text} was refused a device's ${direction} reaches the old page`,
        clauses: [clause, 'dma/translated'],
        claims: [
          reached(direction, 'before', 'the entry permits the access'),
          reached(direction, 'after', 'the refused call changed nothing'),
        ],
      },
      (p) => {
        const window = p.defaultWindow();
        map(p, window, ENTRY, mapping(DATA));
        accessAround(p, direction, window, attempt);
      },
    ),
  ),
);

/** Calls that change something else while the device goes on. */
const ELSEWHERE: readonly {
  readonly name: string;
  readonly text: string;
  readonly change: (p: ProgramBuilder, window: WindowHandle) => void;
}[] = [
  {
    name: 'neighbours-mapped',
    text: 'both neighbours are mapped',
    change: (p, w) => {
      map(p, w, 1n, mapping(OTHER));
      map(p, w, 3n, mapping(OTHER));
    },
  },
  {
    name: 'neighbours-stuffed',
    text: 'the entries up to it and after it are cleared',
    change: (p, w) => {
      p.stuff(w, 0n, 0n, 2n).stuff(w, 0x3000n, 0n, 4n);
    },
  },
  {
    name: 'list-after',
    text: 'a list of 4 entries is put after it',
    change: (p, w) =>
      p.putList(
        w,
        0x3000n,
        [1n, 2n, 3n, 4n].map((i) => mapping(OTHER + i * 0x1000n)),
      ),
  },
  { name: 'window-created', text: 'another window is created', change: (p) => p.create(16, 28) },
  { name: 'window-created-and-removed', text: 'another window is created and removed', change: (p) => p.remove(p.create(16, 28)) },
  { name: 'other-pe-reset', text: 'another PE is reset', change: (p) => p.reset('pe1') },
  { name: 'query', text: 'the PE is queried', change: (p) => p.query() },
  { name: 'refused-creation', text: 'a creation is refused', change: (p) => p.create(11, 28) },
];

const undisturbed = ELSEWHERE.map(({ name, text, change }) =>
  scenario(
    {
      id: `isolation/undisturbed/${name}`,
      title: `A device goes on reaching its page while ${text}`,
      clauses: ['dma/translated'],
      claims: DIRECTIONS.flatMap((direction) => [
        reached(direction, `${direction}-before`, 'the entry permits the access'),
        reached(direction, `${direction}-after`, 'its entry is as before'),
      ]),
    },
    (p) => {
      const window = p.defaultWindow();
      const device = deviceOf(window);
      map(p, window, ENTRY, mapping(DATA));
      const both = (when: string): void => {
        for (const direction of DIRECTIONS)
          access(p, device, { direction, iova: pageAt(window, ENTRY), memory: DATA, as: `${direction}-${when}` });
      };
      both('before');
      change(p, window);
      both('after');
    },
  ),
);

/** A device's access before and after each change of its entry, refused ones and others included. */
export const scenarios: readonly Scenario[] = [...changed, ...unchanged, ...undisturbed];
