import type { ProgramBuilder } from '../../harness/build/program-builder.js';
import { scenario } from '../../harness/build/scenario-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import { DATA, mapping, OTHER } from '../tce/entries.js';
import {
  access,
  deviceOf,
  DIRECTIONS,
  drainBuffer,
  LENGTH,
  map,
  MEMORY_BYTE,
  OTHER_BYTE,
  pageAt,
  reached,
  refused,
  verb,
} from './device.js';

const TRANSLATED = 'dma/translated';
const OUTSIDE = 'dma/outside-windows';

/** Two PEs with mappings at the same address. */
const otherPe = DIRECTIONS.flatMap((direction) => [
  scenario(
    {
      id: `isolation/two-pes/other-unmapped/${direction}`,
      title: `A device ${verb[direction]} nothing through a mapping of another PE at the same address`,
      clauses: [`dma/${direction}-permission`, TRANSLATED],
      claims: [
        refused(direction, 'other', 'the table of one PE does not serve the device of another'),
        reached(direction, 'own', "it serves the PE's own device"),
      ],
    },
    (p) => {
      const [own, other] = [p.defaultWindow('pe0'), p.defaultWindow('pe1')];
      map(p, own, 2n, mapping(DATA));
      access(p, deviceOf(other, 'pe1'), { direction, iova: pageAt(other, 2n), memory: DATA, as: 'other' });
      access(p, deviceOf(own, 'pe0'), { direction, iova: pageAt(own, 2n), memory: DATA, as: 'own' });
    },
  ),
  scenario(
    {
      id: `isolation/two-pes/other-window/${direction}`,
      title: `A device ${verb[direction]} nothing at the address of a window that only another PE has`,
      clauses: [OUTSIDE, TRANSLATED],
      claims: [
        refused(direction, 'other', "the window is another PE's", OUTSIDE),
        reached(direction, 'own', "it serves the PE's own device"),
      ],
    },
    (p) => {
      const window = p.create(16, 28, 'pe0');
      map(p, window, 2n, mapping(DATA));
      access(p, deviceOf(p.defaultWindow('pe1'), 'pe1'), { direction, iova: pageAt(window, 2n), memory: DATA, as: 'other' });
      access(p, deviceOf(window, 'pe0'), { direction, iova: pageAt(window, 2n), memory: DATA, as: 'own' });
    },
  ),
]);

/** What may happen to one PE while the device of another goes on. */
const CHANGES: readonly { readonly name: string; readonly text: string; readonly change: (p: ProgramBuilder) => void }[] = [
  { name: 'window-removed', text: 'removed a window', change: (p) => p.remove(p.create(16, 28, 'pe0')) },
  { name: 'default-removed', text: 'removed its default window', change: (p) => p.remove(p.defaultWindow('pe0')) },
  { name: 'reset', text: 'was reset', change: (p) => p.reset('pe0') },
  { name: 'cleared', text: 'cleared its entry', change: (p) => p.put(p.defaultWindow('pe0'), 0x2000n, 0n) },
];

const both: readonly Scenario[] = [
  scenario(
    {
      id: 'isolation/two-pes/same-address',
      title: "Two PEs map one bus address to two pages, and each one's device reads its own",
      clauses: [TRANSLATED],
      claims: [{ says: 'each device reads the page of its own PE', clause: TRANSLATED, holds: 'different', loads: ['first', 'second'] }],
    },
    (p) => {
      p.fill(DATA, LENGTH, MEMORY_BYTE).fill(OTHER, LENGTH, OTHER_BYTE);
      for (const [pe, page] of [
        ['pe0', DATA],
        ['pe1', OTHER],
      ] as const)
        map(p, p.defaultWindow(pe), 2n, mapping(page));
      for (const [pe, as] of [
        ['pe0', 'first'],
        ['pe1', 'second'],
      ] as const) {
        const device = deviceOf(p.defaultWindow(pe), pe);
        p.deviceReads(pageAt(device.via, 2n), LENGTH, 0, device.name);
        drainBuffer(p, device, as);
      }
    },
  ),
  ...CHANGES.map(({ name, text, change }) =>
    scenario(
      {
        id: `isolation/two-pes/other-${name}`,
        title: `After one PE ${text} the device of another goes on reaching its page`,
        clauses: [TRANSLATED],
        claims: DIRECTIONS.map((direction) => reached(direction, direction, 'nothing changed in its own PE')),
      },
      (p) => {
        for (const pe of ['pe0', 'pe1']) map(p, p.defaultWindow(pe), 2n, mapping(DATA));
        const device = deviceOf(p.defaultWindow('pe1'), 'pe1');
        change(p);
        for (const direction of DIRECTIONS) access(p, device, { direction, iova: pageAt(device.via, 2n), memory: DATA, as: direction });
      },
    ),
  ),
];

/** A device and the mappings of another PE. */
export const scenarios: readonly Scenario[] = [...otherPe, ...both];
