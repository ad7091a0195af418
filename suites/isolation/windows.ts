import type { ProgramBuilder, WindowHandle } from '../../harness/build/program-builder.js';
import { scenario } from '../../harness/build/scenario-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import type { Term } from '../../reference/doors/term.js';
import { listed, WINDOW_STATES } from '../ddw/states.js';
import { BOTH, DATA, mapping, OTHER, PAGE } from '../tce/entries.js';
import {
  access,
  DEVICE_BYTE,
  deviceOf,
  DIRECTIONS,
  drainBuffer,
  fillBuffer,
  LENGTH,
  map,
  MEMORY_BYTE,
  OTHER_BYTE,
  pageAt,
  probe,
  reached,
  refused,
  verb,
} from './device.js';

const OUTSIDE = 'dma/outside-windows';
const TRANSLATED = 'dma/translated';

/** In every state a device reaches memory through each window that is there, and nothing at the places of the others. */
const states = WINDOW_STATES.map(({ name, text, reach }) =>
  scenario(
    {
      id: `isolation/windows/state/${name}`,
      title: `With ${text} a device reaches memory through the windows that are there, and nowhere else`,
      clauses: name === 'none' ? [OUTSIDE] : [TRANSLATED, OUTSIDE, 'dma/read-permission', 'dma/write-permission'],
    },
    (p) => {
      const first = deviceOf(p.defaultWindow());
      fillBuffer(p, first);
      const windows = listed(reach(p));
      for (const window of windows) {
        map(p, window, 2n, mapping(DATA));
        probe(p, deviceOf(window), pageAt(window, 2n), DATA);
        probe(p, deviceOf(window), pageAt(window, 3n), DATA);
      }
      attemptEverywhere(p, windows);
    },
  ),
);

/** Accesses at addresses that belong to no window in any state, and at the default window's. */
function attemptEverywhere(p: ProgramBuilder, windows: readonly WindowHandle[]): void {
  const anywhere: readonly Term[] = [{ from: 'pe0.start', plus: 2n * PAGE }, { from: 'pe0.end' }, 1n << 40n, (1n << 64n) - PAGE];
  p.fill(DATA, LENGTH, MEMORY_BYTE);
  for (const iova of anywhere) p.deviceReads(iova, LENGTH).deviceWrites(iova, LENGTH);
  p.load(DATA, LENGTH);
  for (const window of windows.slice(0, 1)) drainBuffer(p, deviceOf(window));
}

/** What takes a created window away and leaves the default one. */
const ENDS = [
  {
    name: 'reset',
    text: 'the reset',
    end: (p: ProgramBuilder, window: WindowHandle): void => {
      map(p, window, 2n, 0n);
      p.reset();
    },
  },
  { name: 'rebooted', text: 'the reboot', end: (p: ProgramBuilder): void => void p.reboot() },
];

/** A window's life, seen by a device at its second page. */
const life = DIRECTIONS.flatMap((direction) => [
  scenario(
    {
      id: `isolation/windows/removed/${direction}`,
      title: `A device that ${verb[direction]} through a window does so no more once it was cleared and removed`,
      clauses: [TRANSLATED, OUTSIDE],
      claims: [
        reached(direction, 'before', 'the window translates'),
        refused(direction, 'after', 'a removed window does not translate', OUTSIDE),
      ],
    },
    (p) => {
      const device = deviceOf(p.defaultWindow());
      const window = p.create(16, 28);
      map(p, window, 2n, mapping(DATA));
      access(p, device, { direction, iova: pageAt(window, 2n), memory: DATA, as: 'before' });
      map(p, window, 2n, 0n);
      p.remove(window);
      access(p, device, { direction, iova: pageAt(window, 2n), memory: DATA, as: 'after' });
    },
  ),
  scenario(
    {
      id: `isolation/windows/created/${direction}`,
      title: `A device ${verb[direction]} through a window once it was created and mapped, and not before`,
      clauses: [TRANSLATED, `dma/${direction}-permission`],
      claims: [
        refused(direction, 'before', 'nothing is mapped in the new window'),
        reached(direction, 'after', 'the new window translates'),
      ],
    },
    (p) => {
      const device = deviceOf(p.defaultWindow());
      const window = p.create(16, 28);
      access(p, device, { direction, iova: pageAt(window, 2n), memory: DATA, as: 'before' });
      map(p, window, 2n, mapping(DATA));
      access(p, device, { direction, iova: pageAt(window, 2n), memory: DATA, as: 'after' });
    },
  ),
  scenario(
    {
      id: `isolation/windows/restored-default/${direction}`,
      title: `A device ${verb[direction]} through the restored default window once it is mapped`,
      clauses: [TRANSLATED, 'ibm,remove-pe-dma-window/default-restored'],
      claims: [reached(direction, 'after', 'the restored default window translates')],
    },
    (p) => {
      const first = p.defaultWindow();
      p.remove(first).remove(p.create(16, 28));
      map(p, first, 2n, mapping(DATA));
      access(p, deviceOf(first), { direction, iova: pageAt(first, 2n), memory: DATA, as: 'after' });
    },
  ),
  ...ENDS.map(({ name, text, end }) =>
    scenario(
      {
        id: `isolation/windows/${name}/${direction}`,
        title: `A device that ${verb[direction]} through a created window does so no more after ${text}, and the default window serves it`,
        clauses: [TRANSLATED, OUTSIDE],
        claims: [
          reached(direction, 'before', 'the created window translates'),
          refused(direction, 'gone', `${text} removed the window`, OUTSIDE),
          reached(direction, 'default', 'the default window translates'),
        ],
      },
      (p) => {
        const first = p.defaultWindow();
        const device = deviceOf(first);
        const window = p.create(16, 28);
        map(p, window, 2n, mapping(DATA));
        access(p, device, { direction, iova: pageAt(window, 2n), memory: DATA, as: 'before' });
        end(p, window);
        access(p, device, { direction, iova: pageAt(window, 2n), memory: DATA, as: 'gone' });
        map(p, first, 2n, mapping(DATA));
        access(p, device, { direction, iova: pageAt(first, 2n), memory: DATA, as: 'default' });
      },
    ),
  ),
]);

/** Two windows of one PE, with the same page number in both. */
const pairs = [
  {
    name: 'default-and-created',
    text: 'the default window and a created one',
    open: (p: ProgramBuilder) => [p.defaultWindow(), p.create(16, 28)] as const,
  },
  {
    name: 'two-created',
    text: 'two created windows',
    open(p: ProgramBuilder) {
      p.remove(p.defaultWindow());
      return [p.create(16, 28), p.create(12, 28)] as const;
    },
  },
  {
    name: 'created-before-and-after-default',
    text: 'a window created before the default was removed and one created afterwards',
    open(p: ProgramBuilder) {
      const first = p.create(16, 28);
      p.remove(p.defaultWindow());
      return [first, p.create(12, 28)] as const;
    },
  },
].map(({ name, text, open }) =>
  scenario(
    {
      id: `isolation/windows/apart/${name}`,
      title: `Through ${text} a device reaches two different pages at the same offset`,
      clauses: [TRANSLATED],
      claims: [
        { says: 'the windows lead to different pages', clause: TRANSLATED, holds: 'different', loads: ['first', 'second'] },
        { says: 'unmapping in the second window leaves the first', clause: TRANSLATED, holds: 'equal', loads: ['first', 'again'] },
      ],
    },
    (p) => {
      const [first, second] = open(p);
      p.fill(DATA, LENGTH, MEMORY_BYTE).fill(OTHER, LENGTH, OTHER_BYTE);
      const look = (window: WindowHandle, as: string): void => {
        fillBuffer(p, deviceOf(first), DEVICE_BYTE);
        p.deviceReads(pageAt(window, 0n), LENGTH);
        drainBuffer(p, deviceOf(first), as);
      };
      map(p, first, 0n, DATA + BOTH);
      map(p, second, 0n, OTHER + BOTH);
      look(first, 'first');
      look(second, 'second');
      map(p, second, 0n, 0n);
      look(first, 'again');
    },
  ),
);

/** Windows as a device sees them. */
export const scenarios: readonly Scenario[] = [...states, ...life, ...pairs];
