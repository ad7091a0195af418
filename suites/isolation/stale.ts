import type { ProgramBuilder, WindowHandle } from '../../harness/build/program-builder.js';
import { scenario } from '../../harness/build/scenario-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import { DATA, mapping, OTHER } from '../tce/entries.js';
import { access, deviceOf, DIRECTIONS, map, OTHER_BYTE, pageAt, probe, reached, refused } from './device.js';

const OUTSIDE = 'dma/outside-windows';

/** A device of pe0 that is served through the default window, which stays. */
const served = (p: ProgramBuilder) => deviceOf(p.defaultWindow());

/** Ways in which a created window goes while the device could still use it. */
const ENDS: readonly { readonly name: string; readonly text: string; readonly end: (p: ProgramBuilder, window: WindowHandle) => void }[] = [
  { name: 'removed', text: 'was removed', end: (p, window) => p.remove(window) },
  { name: 'reset', text: 'went with a reset', end: (p) => p.reset() },
  { name: 'rebooted', text: 'went with a reboot', end: (p) => p.reboot() },
];

const afterEnd = ENDS.flatMap(({ name, text, end }) => [
  scenario(
    {
      id: `isolation/stale/live-mapping/${name}`,
      title: `A mapping left in a window that ${text} serves no device, unless the removal itself was refused`,
      clauses: [OUTSIDE],
    },
    (p) => {
      const device = served(p);
      const window = p.create(16, 28);
      map(p, window, 2n, mapping(DATA));
      end(p, window);
      probe(p, device, pageAt(window, 2n), DATA);
    },
  ),
  scenario(
    {
      id: `isolation/stale/recreated/${name}`,
      title: `A window created after one ${text} has none of its mappings, in either direction`,
      clauses: ['dma/read-permission', 'dma/write-permission', 'H_GET_TCE/value'],
      claims: DIRECTIONS.map((direction) => refused(direction, direction, 'the new window is empty')),
    },
    (p) => {
      const device = served(p);
      const old = p.create(16, 28);
      p.stuff(old, 0n, mapping(DATA), 16n);
      end(p, old);
      const window = p.create(16, 28);
      p.get(window, 0x2_0000n);
      for (const direction of DIRECTIONS) access(p, device, { direction, iova: pageAt(window, 2n), memory: DATA, as: direction });
    },
  ),
  scenario(
    {
      id: `isolation/stale/recreated-and-mapped/${name}`,
      title: `A window created after one ${text} leads to the pages mapped since, not to those mapped before`,
      clauses: ['dma/translated'],
      claims: DIRECTIONS.map((direction) => reached(direction, direction, 'the new mapping is in force')),
    },
    (p) => {
      const device = served(p);
      const old = p.create(16, 28);
      map(p, old, 2n, mapping(OTHER));
      probe(p, device, pageAt(old, 2n), OTHER);
      map(p, old, 2n, 0n);
      end(p, old);
      p.fill(OTHER, 64, OTHER_BYTE);
      const window = p.create(16, 28);
      map(p, window, 2n, mapping(DATA));
      for (const direction of DIRECTIONS) access(p, device, { direction, iova: pageAt(window, 2n), memory: DATA, as: direction });
      p.load(OTHER, 64);
    },
  ),
]);

/** The default window's mappings when it comes back: there or not, as the platform likes, but never others. */
const RETURNS: readonly { readonly name: string; readonly text: string; readonly come: (p: ProgramBuilder) => void }[] = [
  {
    name: 'restored',
    text: 'is restored',
    come: (p) => {
      p.remove(p.defaultWindow()).remove(p.create(16, 28));
    },
  },
  {
    name: 'reset',
    text: 'is reset',
    come: (p) => {
      p.reset();
    },
  },
  {
    name: 'rebooted',
    text: 'comes back with a reboot',
    come: (p) => {
      p.reboot();
    },
  },
];

const defaults = RETURNS.flatMap(({ name, text, come }) => [
  scenario(
    {
      id: `isolation/stale/default/${name}`,
      title: `A mapping left in the default window is there or gone when it ${text}; once cleared it is gone`,
      clauses: ['dma/read-permission', 'dma/write-permission'],
      claims: DIRECTIONS.map((direction) => refused(direction, direction, 'the cleared entry permits nothing')),
    },
    (p) => {
      const window = p.defaultWindow();
      const device = deviceOf(window);
      map(p, window, 2n, mapping(DATA));
      come(p);
      p.get(window, 0x2000n);
      map(p, window, 2n, 0n);
      for (const direction of DIRECTIONS) access(p, device, { direction, iova: pageAt(window, 2n), memory: DATA, as: direction });
    },
  ),
  scenario(
    {
      id: `isolation/stale/default-mapped-again/${name}`,
      title: `When the default window ${text}, an entry put since leads to its page, whatever it held before`,
      clauses: ['dma/translated'],
      claims: DIRECTIONS.map((direction) => reached(direction, direction, 'the new mapping is in force')),
    },
    (p) => {
      const window = p.defaultWindow();
      const device = deviceOf(window);
      map(p, window, 2n, mapping(OTHER));
      come(p);
      p.fill(OTHER, 64, OTHER_BYTE);
      map(p, window, 2n, mapping(DATA));
      for (const direction of DIRECTIONS) access(p, device, { direction, iova: pageAt(window, 2n), memory: DATA, as: direction });
      p.load(OTHER, 64);
    },
  ),
  scenario(
    {
      id: `isolation/stale/default-unread/${name}`,
      title: `A device's access to an entry left in the default window when it ${text} reaches the old page or nothing`,
      clauses: ['memory/contents'],
    },
    (p) => {
      const window = p.defaultWindow();
      map(p, window, 2n, mapping(DATA));
      come(p);
      probe(p, deviceOf(window), pageAt(window, 2n), DATA);
      p.load(OTHER, 64);
    },
  ),
]);

const refusedLiobn = DIRECTIONS.map((direction) =>
  scenario(
    {
      id: `isolation/stale/refused-put/${direction}`,
      title: `A mapping refused because its window is gone serves no device's ${direction}`,
      clauses: ['H_PUT_TCE/liobn', OUTSIDE],
      claims: [refused(direction, 'access', 'the window is gone', OUTSIDE)],
    },
    (p) => {
      const device = served(p);
      const window = p.create(16, 28);
      p.remove(window);
      map(p, window, 2n, mapping(DATA));
      access(p, device, { direction, iova: pageAt(window, 2n), memory: DATA, as: 'access' });
    },
  ),
);

/** Mappings of an earlier life: of a window, of an entry. */
export const scenarios: readonly Scenario[] = [...afterEnd, ...defaults, ...refusedLiobn];
