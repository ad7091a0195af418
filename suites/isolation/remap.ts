import { scenario } from '../../harness/build/scenario-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import { BOTH, DATA, mapping, OTHER } from '../tce/entries.js';
import { DEVICE_BYTE, deviceOf, drainBuffer, fillBuffer, LENGTH, map, MEMORY_BYTE, OTHER_BYTE, pageAt } from './device.js';

const TRANSLATED = 'dma/translated';

/** How the entry comes from one page to another. */
const WAYS = [
  { name: 'at-once', text: 'put over the old one', unmap: false },
  { name: 'by-way-of-unmapping', text: 'put after the old one was cleared', unmap: true },
];

/** One entry, first of one page and then of another. */
export const scenarios: readonly Scenario[] = [
  ...WAYS.flatMap(({ name, text, unmap }) => [
    scenario(
      {
        id: `isolation/remap/${name}/read`,
        title: `A device reads the new page and not the old one after the new entry was ${text}`,
        clauses: [TRANSLATED, 'memory/contents'],
        claims: [
          { says: 'before, the device reads the old page', clause: TRANSLATED, holds: 'equal', loads: ['old-page', 'before'] },
          { says: 'afterwards it reads the new page', clause: TRANSLATED, holds: 'equal', loads: ['new-page', 'after'] },
          { says: 'afterwards it does not read the old page', clause: TRANSLATED, holds: 'different', loads: ['old-page', 'after'] },
        ],
      },
      (p) => {
        const window = p.defaultWindow();
        const device = deviceOf(window);
        p.fill(DATA, LENGTH, MEMORY_BYTE).fill(OTHER, LENGTH, OTHER_BYTE).load(DATA, LENGTH, 'old-page').load(OTHER, LENGTH, 'new-page');
        map(p, window, 2n, mapping(DATA));
        p.deviceReads(pageAt(window, 2n), LENGTH);
        drainBuffer(p, device, 'before');
        if (unmap) map(p, window, 2n, 0n);
        map(p, window, 2n, mapping(OTHER));
        p.deviceReads(pageAt(window, 2n), LENGTH);
        drainBuffer(p, device, 'after');
      },
    ),
    scenario(
      {
        id: `isolation/remap/${name}/write`,
        title: `A device writes the new page and not the old one after the new entry was ${text}`,
        clauses: [TRANSLATED, 'memory/contents'],
        claims: [
          { says: 'the write goes to the new page', clause: TRANSLATED, holds: 'different', loads: ['new-before', 'new-after'] },
          { says: 'the old page is not written', clause: TRANSLATED, holds: 'equal', loads: ['old-before', 'old-after'] },
        ],
      },
      (p) => {
        const window = p.defaultWindow();
        p.fill(DATA, LENGTH, MEMORY_BYTE).fill(OTHER, LENGTH, OTHER_BYTE);
        fillBuffer(p, deviceOf(window), DEVICE_BYTE);
        map(p, window, 2n, mapping(DATA));
        p.deviceWrites(pageAt(window, 2n), LENGTH);
        p.fill(DATA, LENGTH, MEMORY_BYTE).load(DATA, LENGTH, 'old-before').load(OTHER, LENGTH, 'new-before');
        if (unmap) map(p, window, 2n, 0n);
        map(p, window, 2n, mapping(OTHER));
        p.deviceWrites(pageAt(window, 2n), LENGTH);
        p.load(DATA, LENGTH, 'old-after').load(OTHER, LENGTH, 'new-after');
      },
    ),
  ]),
  scenario(
    {
      id: 'isolation/remap/there-and-back',
      title: 'An entry moved to another page and back reaches the first page again',
      clauses: [TRANSLATED],
      claims: [
        { says: 'back at the first page the device reads it', clause: TRANSLATED, holds: 'equal', loads: ['first', 'again'] },
        { says: 'in between it reads the other', clause: TRANSLATED, holds: 'different', loads: ['first', 'between'] },
      ],
    },
    (p) => {
      const window = p.defaultWindow();
      const device = deviceOf(window);
      p.fill(DATA, LENGTH, MEMORY_BYTE).fill(OTHER, LENGTH, OTHER_BYTE);
      for (const [page, as] of [
        [DATA, 'first'],
        [OTHER, 'between'],
        [DATA, 'again'],
      ] as const) {
        map(p, window, 2n, page + BOTH);
        p.deviceReads(pageAt(window, 2n), LENGTH);
        drainBuffer(p, device, as);
      }
    },
  ),
  scenario(
    {
      id: 'isolation/remap/two-entries-swapped',
      title: "Two entries that swap their pages each reach the other's page",
      clauses: [TRANSLATED],
      claims: [
        {
          says: 'the first entry reaches what the second did',
          clause: TRANSLATED,
          holds: 'equal',
          loads: ['second-before', 'first-after'],
        },
        {
          says: 'the second entry reaches what the first did',
          clause: TRANSLATED,
          holds: 'equal',
          loads: ['first-before', 'second-after'],
        },
      ],
    },
    (p) => {
      const window = p.defaultWindow();
      const device = deviceOf(window);
      p.fill(DATA, LENGTH, MEMORY_BYTE).fill(OTHER, LENGTH, OTHER_BYTE);
      const look = (when: string): void => {
        for (const [page, which] of [
          [2n, 'first'],
          [3n, 'second'],
        ] as const) {
          p.deviceReads(pageAt(window, page), LENGTH);
          drainBuffer(p, device, `${which}-${when}`);
        }
      };
      p.putList(window, 0x2000n, [mapping(DATA), mapping(OTHER)]);
      look('before');
      p.putList(window, 0x2000n, [mapping(OTHER), mapping(DATA)]);
      look('after');
    },
  ),
  scenario(
    {
      id: 'isolation/remap/one-page-two-entries',
      title: 'Of two entries that map one page, unmapping one leaves the other',
      clauses: [TRANSLATED, 'dma/read-permission'],
      claims: [{ says: 'the other entry still reaches the page', clause: TRANSLATED, holds: 'equal', loads: ['before', 'after'] }],
    },
    (p) => {
      const window = p.defaultWindow();
      const device = deviceOf(window);
      p.fill(DATA, LENGTH, MEMORY_BYTE).stuff(window, 0x2000n, mapping(DATA), 2n);
      p.deviceReads(pageAt(window, 2n), LENGTH);
      drainBuffer(p, device, 'before');
      map(p, window, 2n, 0n);
      p.deviceReads(pageAt(window, 3n), LENGTH);
      drainBuffer(p, device, 'after');
      fillBuffer(p, device);
      p.deviceReads(pageAt(window, 2n), LENGTH);
      drainBuffer(p, device);
    },
  ),
];
