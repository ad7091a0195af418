import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, test } from '@jest/globals';

import { GrowingFile } from './growing-file.js';
import { Witness } from './witness.js';

const LIOBN = (bridge: number, window: number): string => `liobn=0x${(0x8000_0000 + bridge * 0x100 + window).toString(16)}`;
const put = (bridge: number, ioba: number, tce: string): string => `spapr_iommu_put ${LIOBN(bridge, 0)} ioba=0x${ioba.toString(16)} tce=${tce} ret=0\n`;

let directory = '';
let trace: GrowingFile;
let witness: Witness;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'papr-lab-test-'));
  trace = new GrowingFile(join(directory, 'trace.log'));
  const startTrace = (): Promise<void> => {
    writeFileSync(trace.path, '');
    return Promise.resolve();
  };
  witness = new Witness({ trace, startTrace, stopTrace: () => Promise.resolve() });
  await witness.start();
});
afterEach(() => rmSync(directory, { recursive: true }));

test('entries are counted for the bridge whose window has them, as far as the trace has come', () => {
  appendFileSync(trace.path, put(1, 0x1000, '0x2000003') + put(2, 0, '0x3000003') + put(1, 0x2000, '0x4000003').slice(0, 20));
  expect(witness.look(1)).toEqual({ mapped: 1n, lost: 0n });
  appendFileSync(trace.path, put(1, 0x2000, '0x4000003').slice(20) + put(1, 0x1000, '0x0'));
  expect(witness.look(1)).toEqual({ mapped: 1n, lost: 0n });
});

test('a refused call has mapped nothing', () => {
  appendFileSync(trace.path, put(1, 0, '0x2000003').replace('ret=0', 'ret=-4'));
  expect(witness.look(1)).toEqual({ mapped: 0n, lost: 0n });
});

test('entries that a window still had when it went are lost', () => {
  const create = `spapr_iommu_ddw_create buid=0x800000020000001 addr=0x0 cfgaddr=0x0 page size=0x10000 requested=0x20000 start addr=0x0 ${LIOBN(1, 1)}\n`;
  const indirect = `spapr_iommu_indirect ${LIOBN(1, 1)} ioba=0x0 tce=0x2000003 ret=0\n`;
  appendFileSync(trace.path, create + indirect + `spapr_iommu_ddw_remove ${LIOBN(1, 1)} ret=0\n`);
  expect(witness.look(1)).toEqual({ mapped: 0n, lost: 1n });
});

test('a new trace knows nothing of the one before', async () => {
  appendFileSync(trace.path, put(1, 0, '0x2000003'));
  expect(witness.look(1).mapped).toBe(1n);
  await witness.start();
  expect(witness.look(1).mapped).toBe(0n);
});
