import { scenario } from '../../harness/build/scenario-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import { consecutive, DATA, mapping, PAGE } from '../tce/entries.js';
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
  pageAt,
  probe,
  reached,
  refused,
  shifted,
  verb,
} from './device.js';

const TRANSLATED = 'dma/translated';
const OUTSIDE = 'dma/outside-windows';

const around = DIRECTIONS.flatMap((direction) => [
  ...[
    ['before', -PAGE],
    ['after', PAGE],
  ].map(([name, offset]) =>
    scenario(
      {
        id: `isolation/neighbour/page-${name}/${direction}`,
        title: `A device ${verb[direction]} nothing in the page ${name} a mapped one`,
        clauses: [`dma/${direction}-permission`],
        claims: [refused(direction, 'access', 'only the page between is mapped')],
      },
      (p) => {
        const window = p.defaultWindow();
        map(p, window, 5n, mapping(DATA));
        access(p, deviceOf(window), { direction, iova: shifted(pageAt(window, 5n), offset as bigint), memory: DATA, as: 'access' });
        access(p, deviceOf(window), { direction, iova: pageAt(window, 5n), memory: DATA });
      },
    ),
  ),
  scenario(
    {
      id: `isolation/neighbour/middle-unmapped/${direction}`,
      title: `With the middle one of three pages unmapped a device ${verb[direction]} the other two`,
      clauses: [TRANSLATED, `dma/${direction}-permission`],
      claims: [
        reached(direction, 'first', 'its entry was not touched'),
        refused(direction, 'middle', 'its entry was cleared'),
        reached(direction, 'last', 'its entry was not touched'),
      ],
    },
    (p) => {
      const window = p.defaultWindow();
      const device = deviceOf(window);
      p.putList(window, 0x2000n, consecutive(DATA, 3));
      map(p, window, 3n, 0n);
      for (const [i, as] of ['first', 'middle', 'last'].entries()) {
        access(p, device, { direction, iova: pageAt(window, 2n + BigInt(i)), memory: DATA + BigInt(i) * PAGE, as });
      }
    },
  ),
  scenario(
    {
      id: `isolation/neighbour/stuffed-range/${direction}`,
      title: `With a range cleared by H_STUFF_TCE a device ${verb[direction]} the pages before and after it`,
      clauses: [TRANSLATED, `dma/${direction}-permission`],
      claims: [
        reached(direction, 'before', 'its entry was not touched'),
        refused(direction, 'first', 'its entry was cleared'),
        refused(direction, 'last', 'its entry was cleared'),
        reached(direction, 'after', 'its entry was not touched'),
      ],
    },
    (p) => {
      const window = p.defaultWindow();
      const device = deviceOf(window);
      p.putList(window, 0n, consecutive(DATA, 7)).stuff(window, 0x1000n, 0n, 5n);
      for (const [page, as] of [
        [0n, 'before'],
        [1n, 'first'],
        [5n, 'last'],
        [6n, 'after'],
      ] as const) {
        access(p, device, { direction, iova: pageAt(window, page), memory: DATA + page * PAGE, as });
      }
    },
  ),
]);

/** One mapped page; every address that differs from its own in one bit. */
const bits = [
  { name: 'within', text: 'within the window', from: 12n, to: 28n, clauses: ['dma/read-permission', 'dma/write-permission'] },
  { name: 'beyond', text: 'beyond the window', from: 30n, to: 64n, clauses: [OUTSIDE] },
].map(({ name, text, from, to, clauses }) =>
  scenario(
    {
      id: `isolation/neighbour/address-bits/${name}`,
      title: `Addresses ${text} that differ from a mapped page's in one bit reach nothing`,
      clauses: [...clauses, 'memory/contents'],
      claims: [
        { says: 'nothing wrote the mapped page', clause: 'memory/contents', holds: 'equal', loads: ['before', 'after'] },
        { says: 'nothing read the mapped page', clause: 'memory/contents', holds: 'different', loads: ['before', 'buffer'] },
      ],
    },
    (p) => {
      const window = p.defaultWindow();
      const device = deviceOf(window);
      p.fill(DATA, LENGTH, MEMORY_BYTE).load(DATA, LENGTH, 'before');
      fillBuffer(p, device, DEVICE_BYTE);
      map(p, window, 5n, mapping(DATA));
      for (let bit = from; bit < to; bit++) {
        const delta = bit < 28n && ((5n * PAGE) & (1n << bit)) !== 0n ? -(1n << bit) : 1n << bit;
        p.deviceReads(shifted(pageAt(window, 5n), delta), LENGTH).deviceWrites(shifted(pageAt(window, 5n), delta), LENGTH);
      }
      p.load(DATA, LENGTH, 'after');
      map(p, window, 5n, 0n);
      drainBuffer(p, device, 'buffer');
    },
  ),
);

const memory: readonly Scenario[] = [
  scenario(
    {
      id: 'isolation/neighbour/page-left-the-partition',
      title: 'A page that left the partition is reached no more through an entry that still maps it',
      clauses: ['dma/foreign-memory', TRANSLATED],
      claims: DIRECTIONS.flatMap((direction) => [
        reached(direction, `${direction}-before`, "the page is the partition's"),
        refused(direction, `${direction}-after`, "the page is another's", 'dma/foreign-memory'),
      ]),
    },
    (p) => {
      const window = p.defaultWindow();
      const device = deviceOf(window);
      map(p, window, 2n, mapping(DATA));
      for (const direction of DIRECTIONS)
        access(p, device, { direction, iova: pageAt(window, 2n), memory: DATA, as: `${direction}-before` });
      p.platform({ op: 'disown-page', address: DATA });
      for (const direction of DIRECTIONS)
        access(p, device, { direction, iova: pageAt(window, 2n), memory: DATA, as: `${direction}-after` });
    },
  ),
  scenario(
    {
      id: 'isolation/neighbour/whole-page',
      title: 'A device that writes a whole page writes no byte before or after it',
      clauses: [TRANSLATED, 'memory/contents'],
    },
    (p) => {
      const window = p.defaultWindow();
      fillBuffer(p, deviceOf(window), DEVICE_BYTE, 2048);
      p.fill(DATA - 64n, 4096 + 128, MEMORY_BYTE);
      map(p, window, 5n, mapping(DATA));
      p.deviceWrites(pageAt(window, 5n), 2048).deviceWrites(shifted(pageAt(window, 5n), 2048n), 2048);
      p.load(DATA - 64n, 64)
        .load(DATA, 4096)
        .load(DATA + PAGE, 64);
    },
  ),
  scenario(
    {
      id: 'isolation/neighbour/no-ddw',
      title: 'The default window of a PE without DDW serves its device, and no other page of it does',
      clauses: [TRANSLATED, 'dma/read-permission', 'dma/write-permission'],
    },
    (p) => {
      const device = deviceOf(p.defaultWindow('plain0'), 'plain0');
      map(p, device.via, 2n, mapping(DATA));
      probe(p, device, pageAt(device.via, 2n), DATA);
      probe(p, device, pageAt(device.via, 3n), DATA);
    },
  ),
];

/** What lies beside what is mapped: pages, addresses one bit away, memory before and after. */
export const scenarios: readonly Scenario[] = [...around, ...bits, ...memory];
