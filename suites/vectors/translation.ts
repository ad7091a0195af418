import { scenario } from '../../harness/build/scenario-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import { LENGTH, loadDevice, readThrough } from './device.js';

/*
 * Vectors 34–37, with bytes that really move. The vectors' memory addresses are moved up by 16 MiB, where programs may
 * write; offsets, indexes and permissions are as printed.
 */

const largePage = scenario(
  {
    id: 'vectors/translation/64k',
    title: 'Vector 34: in a window of 64K pages the low 16 bits of the bus address are the offset in the page of the entry',
    clauses: ['dma/translated'],
    claims: [
      { says: 'the device read the bytes at offset 0x1234 of the page', clause: 'dma/translated', holds: 'equal', loads: ['there', 'read'] },
      { says: 'the device wrote the bytes at offset 0x1234 of the page', clause: 'dma/translated', holds: 'different', loads: ['there', 'written'] },
    ],
  },
  (p) => {
    const small = p.defaultWindow();
    const window = p.create(16, 26);
    p.fill(0x112_1200n, 0x100, 0x11).fill(0x112_1234n, LENGTH, 0x77).load(0x112_1234n, LENGTH, 'there');
    p.put(window, 0x5_0000n, 0x112_0003n);
    readThrough(p, small, window.at(0x5_1234n), 'read');
    loadDevice(p, small, 0x99);
    p.deviceWrites(window.at(0x5_1234n), LENGTH).load(0x112_1234n, LENGTH, 'written').load(0x112_1230n, 0x18);
  },
);

const readOnly = scenario(
  {
    id: 'vectors/translation/read-only',
    title: 'Vector 35: through an entry with permission 01 a device reads, and does not write',
    clauses: ['dma/translated', 'dma/write-permission'],
    claims: [
      { says: 'the device read the bytes at offset 8 of the page', clause: 'dma/translated', holds: 'equal', loads: ['there', 'read'] },
      { says: 'the device wrote nothing', clause: 'dma/write-permission', holds: 'equal', loads: ['there', 'after'] },
    ],
  },
  (p) => {
    const window = p.defaultWindow();
    p.fill(0x104_0008n, LENGTH, 0x77).load(0x104_0008n, LENGTH, 'there');
    p.put(window, 0n, 0x104_0001n);
    readThrough(p, window, window.at(8n), 'read');
    loadDevice(p, window, 0x99);
    p.deviceWrites(window.at(8n), LENGTH).load(0x104_0008n, LENGTH, 'after');
  },
);

const writeOnly = scenario(
  {
    id: 'vectors/translation/write-only',
    title: 'Vector 36: through an entry with permission 10 a device writes, and does not read',
    clauses: ['dma/translated', 'dma/read-permission'],
    claims: [
      { says: 'the device wrote at the beginning of the page', clause: 'dma/translated', holds: 'different', loads: ['there', 'after'] },
      { says: 'the device read nothing', clause: 'dma/read-permission', holds: 'different', loads: ['after', 'read'] },
    ],
  },
  (p) => {
    const window = p.defaultWindow();
    p.fill(0x105_0000n, 0x20, 0x77).load(0x105_0000n, LENGTH, 'there');
    p.put(window, 0x1000n, 0x105_0002n);
    loadDevice(p, window, 0x99);
    p.deviceWrites(window.at(0x1000n), LENGTH).load(0x105_0000n, LENGTH, 'after').load(0x105_0000n, 0x20);
    readThrough(p, window, window.at(0x1000n), 'read');
  },
);

const unmapped = scenario(
  {
    id: 'vectors/translation/unmapped',
    title: 'Vector 37: through an entry that was cleared a device reaches nothing, and memory is unchanged',
    clauses: ['dma/write-permission', 'dma/read-permission'],
    claims: [
      { says: 'memory is unchanged', clause: 'dma/write-permission', holds: 'equal', loads: ['there', 'after'] },
      { says: 'the device read nothing', clause: 'dma/read-permission', holds: 'different', loads: ['there', 'read'] },
    ],
  },
  (p) => {
    const window = p.defaultWindow();
    p.fill(0x105_0000n, LENGTH, 0x77).load(0x105_0000n, LENGTH, 'there');
    p.put(window, 0x1000n, 0x105_0003n).put(window, 0x1000n, 0n);
    loadDevice(p, window, 0x99);
    p.deviceWrites(window.at(0x1000n), LENGTH).load(0x105_0000n, LENGTH, 'after');
    readThrough(p, window, window.at(0x1000n), 'read');
  },
);

/** Vectors 34–37. */
export const translationVectors: readonly Scenario[] = [largePage, readOnly, writeOnly, unmapped];
