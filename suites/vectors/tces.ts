import { scenario } from '../../harness/build/scenario-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import { LENGTH, loadDevice, readThrough } from './device.js';

const KEPT = ['H_PUT_TCE/store', 'H_GET_TCE/value'];

/** Vectors 29–31: an entry for one page in a window of 64 pages of that size is taken and read back. */
const readBack = (vector: number, name: string, pageShift: number, tce: bigint): Scenario =>
  scenario(
    { id: `vectors/tce/${name}`, title: `Vector ${vector}: an entry for a page of ${name.toUpperCase()} is read back as given`, clauses: KEPT },
    (p) => {
      const window = p.create(pageShift, pageShift + 6);
      p.put(window, 0n, tce).get(window, 0n);
    },
  );

const POISONED = 0x105_5000n;

const poison = scenario(
  { id: 'vectors/tce/poison', title: 'Vector 33: an entry with permission 00 keeps its other bits', clauses: KEPT },
  (p) => {
    const window = p.defaultWindow();
    p.put(window, 0x3000n, 0x5_5000n).get(window, 0x3000n);
  },
);

const poisonIsNoAccess = scenario(
  {
    id: 'vectors/tce/poison-no-access',
    title: 'Vector 33: an entry with permission 00 lets a device neither read nor write its page',
    clauses: ['dma/read-permission', 'dma/write-permission'],
    claims: [
      { says: 'the page of the poisoned entry was not written', clause: 'dma/write-permission', holds: 'equal', loads: ['before', 'after'] },
      { says: 'the device did not read the page', clause: 'dma/read-permission', holds: 'different', loads: ['before', 'read'] },
    ],
  },
  (p) => {
    const window = p.defaultWindow();
    p.fill(POISONED, LENGTH, 0xa5).load(POISONED, LENGTH, 'before');
    p.put(window, 0x3000n, POISONED);
    loadDevice(p, window, 0x99);
    p.deviceWrites(window.at(0x3000n), LENGTH).load(POISONED, LENGTH, 'after');
    readThrough(p, window, window.at(0x3000n), 'read');
  },
);

/** Vectors 29–31 and 33. Those of 27, 28 and 32 need memory above 256 MiB, which not every partition has. */
export const tceVectors: readonly Scenario[] = [
  readBack(29, '64k', 16, 0x1_0003n),
  readBack(30, '2m', 21, 0x20_0003n),
  readBack(31, '16m', 24, 0x700_0003n),
  poison,
  poisonIsNoAccess,
];
