import { scenario } from '../../harness/build/scenario-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import { BOTH, DATA, OTHER } from '../tce/entries.js';
import { access, deviceOf, DIRECTIONS, map, pageAt, reached, shifted, verb } from './device.js';

const TRANSLATED = 'dma/translated';

/** Places inside a page of that size: its ends, the 4 KiB steps, the middle. */
const offsets = (shift: number): { name: string; offset: bigint }[] => {
  const size = 1n << BigInt(shift);
  const all = [
    { name: 'start', offset: 0n },
    { name: 'byte-1', offset: 1n },
    { name: '4k-before-end', offset: 0xfc0n },
    { name: '4k', offset: 0x1000n },
    { name: '64k', offset: 0x1_0000n },
    { name: '1m', offset: 0x10_0000n },
    { name: 'middle', offset: size / 2n },
    { name: 'end', offset: size - 64n },
  ];
  return all.filter(({ offset }, i) => offset + 64n <= size && all.findIndex((other) => other.offset === offset) === i);
};

const inside = [12, 16, 21, 24].flatMap((shift) =>
  offsets(shift).flatMap(({ name, offset }) =>
    DIRECTIONS.map((direction) =>
      scenario(
        {
          id: `isolation/large-page/2^${shift}/${name}/${direction}`,
          title: `A device ${verb[direction]} at ${offset} bytes into a page of 2^${shift} bytes`,
          clauses: [TRANSLATED],
          claims: [reached(direction, 'access', 'the offset in the page is kept')],
        },
        (p) => {
          const window = p.create(shift, 28);
          map(p, window, 2n, DATA + BOTH);
          access(p, deviceOf(window), { direction, iova: shifted(pageAt(window, 2n), offset), memory: DATA + offset, as: 'access' });
        },
      ),
    ),
  ),
);

/** Bits of the entry below the page size mean nothing: the page is the same with and without them, or the entry is refused. */
const strayBits = [
  { shift: 16, bits: 0x1000n },
  { shift: 16, bits: 0xf000n },
  { shift: 21, bits: 0x1_0000n },
  { shift: 21, bits: 0x10_0000n },
  { shift: 24, bits: 0x10_0000n },
  { shift: 24, bits: 0x80_0000n },
].map(({ shift, bits }) =>
  scenario(
    {
      id: `isolation/large-page/stray-bits/2^${shift}/0x${bits.toString(16)}`,
      title: `Address bits 0x${bits.toString(16)} below a page size of 2^${shift} bytes lead to no other page`,
      clauses: ['H_PUT_TCE/stray-bits', TRANSLATED, 'memory/contents'],
    },
    (p) => {
      const window = p.create(shift, 28);
      const device = deviceOf(window);
      map(p, window, 2n, DATA + bits + BOTH);
      for (const direction of DIRECTIONS) access(p, device, { direction, iova: pageAt(window, 2n), memory: DATA });
      for (const direction of DIRECTIONS) access(p, device, { direction, iova: pageAt(window, 2n), memory: DATA + bits });
    },
  ),
);

/** Reserved bits of a mapping mean nothing for where it leads. */
const reserved = scenario(
  {
    id: 'isolation/large-page/reserved-bits',
    title: 'The reserved bits of a mapping lead to no other page',
    clauses: ['H_PUT_TCE/stray-bits', TRANSLATED, 'memory/contents'],
  },
  (p) => {
    const window = p.defaultWindow();
    const device = deviceOf(window);
    for (const bits of [0x4n, 0x800n, 0xffcn]) {
      map(p, window, 2n, OTHER + BOTH);
      map(p, window, 2n, DATA + bits + BOTH);
      for (const direction of DIRECTIONS) access(p, device, { direction, iova: pageAt(window, 2n), memory: DATA });
    }
  },
);

/** Page sizes that ordinary PEs do not have. Each page begins at 0, so that every size can be had; accesses stay in program memory. */
const largest = [25, 26, 27, 28, 34].flatMap((shift) =>
  DIRECTIONS.map((direction) =>
    scenario(
      {
        id: `isolation/large-page/2^${shift}/${direction}`,
        title: `A device ${verb[direction]} within a page of 2^${shift} bytes`,
        clauses: [TRANSLATED],
        claims: [reached(direction, 'access', 'the offset in the page is kept')],
      },
      (p) => {
        const device = deviceOf(p.defaultWindow('wide0'), 'wide0');
        const window = p.create(shift, shift + 2, 'wide0');
        const memory = 0x1ff_f000n;
        map(p, window, 1n, BOTH);
        access(p, device, { direction, iova: shifted(pageAt(window, 1n), memory), memory, as: 'access' });
      },
    ),
  ),
);

/** Offsets in pages of every size, and entry bits below the page size. */
export const scenarios: readonly Scenario[] = [...inside, ...strayBits, reserved, ...largest];
