import type { ProgramBuilder, WindowHandle } from '../../harness/build/program-builder.js';
import { scenario } from '../../harness/build/scenario-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import { DATA, mapping, PERMISSIONS } from '../tce/entries.js';
import { access, deviceOf, DIRECTIONS, map, needed, pageAt, reached, refused, verb, type Direction } from './device.js';

/** The windows in which permissions are tried. */
const WINDOWS: readonly { readonly name: string; readonly text: string; readonly open: (p: ProgramBuilder) => WindowHandle }[] = [
  { name: 'default', text: 'the default window', open: (p) => p.defaultWindow() },
  ...[12, 16, 21, 24].map((shift) => ({
    name: `2^${shift}`,
    text: `a created window with pages of 2^${shift} bytes`,
    open: (p: ProgramBuilder): WindowHandle => p.create(shift, 28),
  })),
];

/** The calls that can write the entry. */
const WRITERS: readonly {
  readonly name: string;
  readonly call: string;
  readonly write: (p: ProgramBuilder, window: WindowHandle, entry: bigint) => void;
}[] = [
  { name: 'stuff', call: 'H_STUFF_TCE', write: (p, window, entry) => p.stuff(window, 0x2000n, entry, 1n) },
  { name: 'indirect', call: 'H_PUT_TCE_INDIRECT', write: (p, window, entry) => p.putList(window, 0x2000n, [entry]) },
];

const may = (direction: Direction, bits: bigint): boolean => (bits & needed(direction)) !== 0n;

function outcome(direction: Direction, bits: bigint, text: string) {
  const allowed = may(direction, bits);
  return {
    title: `a device ${allowed ? verb[direction] : `that ${verb[direction]} reaches no`} memory`,
    clauses: [allowed ? 'dma/translated' : `dma/${direction}-permission`, 'memory/contents'],
    claims: [
      allowed
        ? reached(direction, 'access', `with ${text} the device ${verb[direction]} memory`)
        : refused(direction, 'access', `with ${text} the device does not ${direction} memory`),
    ],
  };
}

const inWindows = WINDOWS.flatMap(({ name, text: where, open }) =>
  PERMISSIONS.flatMap(({ bits, name: permission, text }) =>
    DIRECTIONS.map((direction) => {
      const { title, clauses, claims } = outcome(direction, bits, text);
      return scenario(
        { id: `isolation/permission/${name}/${permission}-${direction}`, title: `In ${where}, with ${text}, ${title}`, clauses, claims },
        (p) => {
          const window = open(p);
          map(p, window, 2n, mapping(DATA, bits));
          access(p, deviceOf(window), { direction, iova: pageAt(window, 2n), memory: DATA, as: 'access' });
        },
      );
    }),
  ),
);

const byCalls = WRITERS.flatMap(({ name, call, write }) =>
  PERMISSIONS.flatMap(({ bits, name: permission, text }) =>
    DIRECTIONS.map((direction) => {
      const { title, clauses, claims } = outcome(direction, bits, text);
      return scenario(
        {
          id: `isolation/permission/by-${name}/${permission}-${direction}`,
          title: `With an entry of ${text} by ${call} ${title}`,
          clauses,
          claims,
        },
        (p) => {
          const window = p.defaultWindow();
          write(p, window, DATA + bits);
          access(p, deviceOf(window), { direction, iova: pageAt(window, 2n), memory: DATA, as: 'access' });
        },
      );
    }),
  ),
);

/** What each permission lets a device do, in each kind of window, whichever call wrote the entry. */
export const scenarios: readonly Scenario[] = [...inWindows, ...byCalls];
