import { describe, expect, test } from '@jest/globals';

import { kernelFiles } from './packages.js';
import { startLab } from './start.js';

describe("a user's mistake", () => {
  test('is told before anything is started: a snapshot of PowerNV', async () => {
    await expect(startLab({ platform: 'powernv', from: 'snapshot' })).rejects.toThrow(/expected a cold start for powernv/);
  });

  test('is told before anything is started: an odd size of memory', async () => {
    await expect(startLab({ platform: 'pseries', memoryMib: 700 })).rejects.toThrow(/multiple of 256 MiB.*saw 700/);
  });

  test('is told before anything is fetched: a kernel that does not exist', async () => {
    await expect(kernelFiles('debian:5', undefined, () => undefined)).rejects.toThrow(/neither a file nor one of debian:6.12,/);
    await expect(kernelFiles(__filename, '/nonexistent', () => undefined)).rejects.toThrow(/directory with kernel modules/);
  });
});

test("a user's kernel may do without modules", async () => {
  expect(await kernelFiles(__filename, undefined, () => undefined)).toEqual({ choice: __filename, image: __filename });
});
