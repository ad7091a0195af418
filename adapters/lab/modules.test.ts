import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

import { describe, expect, test } from '@jest/globals';

import { kernelModules, modulesDep, parseModule } from './modules.js';

const RELEASE = '6.12.1-test';
const moduleFile = (depends: string): Buffer => Buffer.from(`\x7fELF\0license=GPL\0depends=${depends}\0vermagic=${RELEASE} SMP mod_unload \0rest`);

describe('a kernel module', () => {
  test('tells what it needs and for which kernel it is', () => {
    expect(parseModule('vfio-pci', moduleFile('vfio-pci-core,vfio'))).toMatchObject({ depends: ['vfio-pci-core', 'vfio'], release: RELEASE });
  });

  test('may need nothing', () => {
    expect(parseModule('failover', moduleFile('')).depends).toEqual([]);
  });
});

describe('the modules for a machine', () => {
  test('are those it loads and all they need, wherever they lie and however they are packed', async () => {
    const root = mkdtempSync(join(tmpdir(), 'papr-lab-test-'));
    try {
      mkdirSync(join(root, 'drivers/net'), { recursive: true });
      writeFileSync(join(root, 'drivers/net/virtio_net.ko'), moduleFile('net_failover'));
      writeFileSync(join(root, 'net_failover.ko.gz'), gzipSync(moduleFile('')));
      writeFileSync(join(root, 'unrelated.ko'), moduleFile(''));
      const modules = await kernelModules(root);
      expect(modules.map(({ name }) => name)).toEqual(['net_failover', 'virtio_net']);
    } finally {
      rmSync(root, { recursive: true });
    }
  });

  test('stand in modules.dep with everything they need, what must be inserted first last', () => {
    const modules = [
      parseModule('vfio-pci', moduleFile('vfio-pci-core,vfio')),
      parseModule('vfio-pci-core', moduleFile('vfio')),
      parseModule('vfio', moduleFile('')),
    ];
    expect(modulesDep(modules).split('\n')).toEqual(['vfio-pci.ko: vfio-pci-core.ko vfio.ko', 'vfio-pci-core.ko: vfio.ko', 'vfio.ko:', '']);
  });
});
