import { describe, expect, test } from '@jest/globals';

import { driveContent, labPes, qemuArguments, SECTOR_BYTES, type Hardware } from './hardware.js';

const PSERIES: Hardware = { platform: 'pseries', cpu: 'power9', memoryMib: 1024, kernelArguments: '', extraArgs: [] };
const POWERNV: Hardware = { ...PSERIES, platform: 'powernv', memoryMib: 2048 };

/** Values of an option that may stand several times. */
const values = (args: readonly string[], option: string): string[] => args.filter((_, i) => args[i - 1] === option);

describe('the PEs for tests', () => {
  test('are three or four with one edu, one with a disk, and one with two edus; on PowerNV spare ones besides', () => {
    const shape = ({ platform }: Hardware): string[] => labPes(platform).map(({ name, model, devices }) => `${name} ${model} ${devices.join(' ')}`);
    expect(shape(PSERIES)).toEqual([
      'edu1 edu 0001:00:01.0',
      'edu2 edu 0002:00:01.0',
      'edu3 edu 0003:00:01.0',
      'edu4 edu 0004:00:01.0',
      'disk virtio-blk-pci 0005:00:01.0',
      'pair edu 0006:00:01.0 0006:00:02.0',
    ]);
    expect(shape(POWERNV).slice(0, 4)).toEqual(['edu1 edu 0001:01:00.0', 'edu2 edu 0002:01:00.0', 'edu3 edu 0003:03:00.0', 'spare1 edu 0003:05:00.0']);
    expect(shape(POWERNV).slice(10)).toEqual(['spare8 edu 0003:13:00.0', 'disk nvme 0005:01:00.0', 'pair edu 0004:01:00.0 0004:01:00.1']);
  });

  test('have no NVMe drive on pSeries, whose machines are saved: QEMU cannot save one', () => {
    expect(labPes('pseries').map(({ model }) => model)).not.toContain('nvme');
  });
});

describe("QEMU's command line", () => {
  test.each([PSERIES, POWERNV])('of $platform gives the guest no way to the network but its SSH on the loopback', (hardware) => {
    const [network] = values(qemuArguments(hardware, 'K', 'I'), '-netdev');
    expect(network).toBe('user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:0-:22');
  });

  test.each([PSERIES, POWERNV])('of $platform has a device for each one named in the PEs, besides the network card', (hardware) => {
    const devices = values(qemuArguments(hardware, 'K', 'I'), '-device').filter((device) => /^(edu|nvme|virtio-blk-pci),/.test(device));
    expect(devices).toHaveLength(labPes(hardware.platform).flatMap((pe) => pe.devices).length);
  });

  test('keeps the network card of pSeries on a bridge of its own', () => {
    const devices = values(qemuArguments(PSERIES, 'K', 'I'), '-device');
    expect(devices.filter((device) => device.includes('bus=pci.0'))).toEqual([]);
    expect(devices).toContain('virtio-net-pci,netdev=net,romfile=');
  });

  test('hands the user\'s words to the kernel', () => {
    const [words] = values(qemuArguments({ ...POWERNV, kernelArguments: 'disable_radix' }, 'K', 'I'), '-append');
    expect(words).toMatch(/^console=hvc0 .* disable_radix$/);
  });
});

describe('the drive', () => {
  test('tells in each sector which one it is', () => {
    const content = driveContent();
    expect(content).toHaveLength(1_048_576);
    expect(content.subarray(SECTOR_BYTES * 0x102, SECTOR_BYTES * 0x102 + 8)).toEqual(Buffer.from([2, 1, 0, 0, 2, 1, 0, 0]));
  });
});
