import { scenario } from '../../harness/build/scenario-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import type { Term } from '../../reference/doors/term.js';
import { DATA, mapping, NONE } from '../tce/entries.js';
import { access, deviceOf, DIRECTIONS, map, pageAt, refused } from './device.js';

/** Entries without permission bits. */
const POISONS: readonly { readonly name: string; readonly text: string; readonly entry: Term }[] = [
  { name: 'page-number', text: 'the number of a page of memory', entry: mapping(DATA, NONE) },
  { name: 'lowest-reserved-bit', text: 'a page number and reserved bit 2^2', entry: DATA + 0x4n },
  { name: 'every-reserved-bit', text: 'a page number and every reserved bit', entry: DATA + 0xffcn },
  { name: 'old-valid-bit', text: 'a page number and bit 2^11, once the valid bit of other machines', entry: DATA + 0x800n },
  { name: 'outside', text: 'the number of a page outside memory', entry: { from: 'memory.end' } },
  { name: 'all-ones', text: 'every bit but the permission bits', entry: (1n << 64n) - 4n },
];

const single = POISONS.flatMap(({ name, text, entry }) =>
  DIRECTIONS.map((direction) =>
    scenario(
      {
        id: `isolation/poisoned/${name}/${direction}`,
        title: `An entry with ${text} and no permission is kept as given, and refuses a device's ${direction}`,
        clauses: ['H_PUT_TCE/store', `dma/${direction}-permission`],
        claims: [refused(direction, 'access', 'without a permission bit nothing is accessed')],
      },
      (p) => {
        const window = p.defaultWindow();
        map(p, window, 2n, entry);
        access(p, deviceOf(window), { direction, iova: pageAt(window, 2n), memory: DATA, as: 'access' });
        p.get(window, 0x2000n);
      },
    ),
  ),
);

/** The same in larger pages, where more bits of an entry mean nothing. */
const large = [16, 24].flatMap((shift) =>
  DIRECTIONS.map((direction) =>
    scenario(
      {
        id: `isolation/poisoned/2^${shift}-pages/${direction}`,
        title: `With pages of 2^${shift} bytes an entry of every bit below the page size but the permissions refuses a device's ${direction}`,
        clauses: ['H_PUT_TCE/store', `dma/${direction}-permission`],
        claims: [refused(direction, 'access', 'without a permission bit nothing is accessed')],
      },
      (p) => {
        const window = p.create(shift, 28);
        map(p, window, 2n, DATA + (1n << BigInt(shift)) - 4n);
        access(p, deviceOf(window), { direction, iova: pageAt(window, 2n), memory: DATA, as: 'access' });
        p.get(window, 2n << BigInt(shift));
      },
    ),
  ),
);

/** Poisoned entries: permission bits 00, and other bits set. */
export const scenarios: readonly Scenario[] = [...single, ...large];
