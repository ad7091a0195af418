import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import { labCache } from '../cache.js';
import { usePrivateCache } from '../private-cache.fixture.js';
import { buildKernel, type KernelOrder } from './build.js';
import { kernelName, recipeOf } from './flavour.js';
import { firstError } from './make.js';

usePrivateCache();

const FLAVOUR = { mock: false, page: '4k' } as const;

/** In place of make: `allnoconfig` takes what it is given, of which a tree may lack something; `vmlinux` is made of nothing. */
const MAKE = `#!/bin/sh
for word; do
  case $word in O=*) output=\${word#O=} ;; KCONFIG_ALLCONFIG=*) given=\${word#*=} ;; esac
  target=$word
done
tree=$2
if [ "$target" = allnoconfig ]; then
  if [ -e $tree/lacks ]; then grep -v "$(cat $tree/lacks)" $given > $output/.config; else cp $given $output/.config; fi
elif [ -e $tree/broken ]; then
  echo "  CC      drivers/iommu/broken.o"
  echo "drivers/iommu/broken.c:7:1: error: expected ';'" >&2
  echo "make: *** [Makefile:1: vmlinux] Error 2" >&2
  exit 2
else
  echo "$KBUILD_OUTPUT$MAKEFLAGS" > $output/vmlinux
fi
`;

let folder = '';
let tree = '';
let told: string[] = [];

const order = (more: Partial<KernelOrder> = {}): KernelOrder => ({
  ...FLAVOUR,
  source: tree,
  jobs: 2,
  progress: (line) => told.push(line),
  toolchain: { make: join(folder, 'make'), prefix: 'ppc-', compiler: 'gcc 12' },
  ...more,
});

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'papr-kernel-test-'));
  writeFileSync(join(folder, 'make'), MAKE);
  chmodSync(join(folder, 'make'), 0o755);
});
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(() => {
  told = [];
  tree = mkdtempSync(join(folder, 'tree-'));
  mkdirSync(join(tree, 'arch/powerpc'), { recursive: true });
  for (const file of ['Kconfig', 'arch/powerpc/Kconfig']) writeFileSync(join(tree, file), 'config X\n');
});

describe("a developer's tree", () => {
  test('is built beside it, and nothing is written into it', async () => {
    const before = readdirSync(tree, { recursive: true });
    const { vmlinux, without, log } = await buildKernel(order());
    expect(existsSync(vmlinux)).toBe(true);
    expect(vmlinux).toContain(labCache());
    expect(without).toEqual([]);
    expect(readFileSync(log, 'utf8')).toContain('ARCH=powerpc CROSS_COMPILE=ppc-');
    expect(readdirSync(tree, { recursive: true })).toEqual(before);
  });

  test('is built in the same place the next time, and each flavour in a place of its own', async () => {
    const [first, second, other] = [await buildKernel(order()), await buildKernel(order()), await buildKernel(order({ page: '64k' }))];
    expect(second.vmlinux).toBe(first.vmlinux);
    expect(other.vmlinux).not.toBe(first.vmlinux);
  });

  test('hears nothing of other builds in the environment', async () => {
    process.env['KBUILD_OUTPUT'] = '/elsewhere';
    process.env['MAKEFLAGS'] = 'k';
    try {
      const { vmlinux } = await buildKernel(order());
      expect(readFileSync(vmlinux, 'utf8')).toBe('\n');
    } finally {
      delete process.env['KBUILD_OUTPUT'];
      delete process.env['MAKEFLAGS'];
    }
  });

  test('may lack an option; that is told', async () => {
    writeFileSync(join(tree, 'lacks'), 'VFIO_DEVICE_CDEV\\|DEBUG_LIST');
    const { without } = await buildKernel(order());
    expect(without).toEqual(['VFIO_DEVICE_CDEV', 'DEBUG_LIST']);
    expect(told).toContain('the tree has not taken CONFIG_DEBUG_LIST=y');
    expect(told.join()).not.toContain('CDEV');
  });

  test('is refused when it cannot have IOMMUFD', async () => {
    writeFileSync(join(tree, 'lacks'), 'CONFIG_IOMMUFD=');
    await expect(buildKernel(order())).rejects.toThrow('expected a tree that can have IOMMUFD on POWER');
    await expect(buildKernel(order({ mock: true }))).rejects.toThrow('expected a tree that can have IOMMUFD, IOMMU_IOPF, IOMMU_DMA on POWER');
  });

  test('that does not compile is told with the first error and the log', async () => {
    writeFileSync(join(tree, 'broken'), '');
    await expect(buildKernel(order())).rejects.toThrow(/it ended with 2: drivers\/iommu\/broken\.c:7:1: error: expected ';'; its whole output is in .*build\.log/);
  });

  test('is refused when it is none', async () => {
    await expect(buildKernel(order({ source: folder }))).rejects.toThrow('has no Kconfig and arch/powerpc');
  });

  test('is refused when it has been built in', async () => {
    writeFileSync(join(tree, '.config'), '');
    await expect(buildKernel(order())).rejects.toThrow(/has been built in \(\.config\); .*git worktree add/);
  });

  test('is not built twice at a time', async () => {
    const { vmlinux } = await buildKernel(order());
    writeFileSync(join(vmlinux, '..', 'papr-lab.pid'), String(process.pid));
    await expect(buildKernel(order())).rejects.toThrow(`process ${process.pid} builds there`);
  });
});

describe("Debian's kernel", () => {
  test('is taken from the cache, without a tool or a network, when it was built before', async () => {
    const source = join(labCache(), 'linux-source');
    mkdirSync(join(source, 'usr/src'), { recursive: true });
    writeFileSync(join(source, 'packages.txt'), 'linux-source-7.2_7.2.13-1_all\n');
    writeFileSync(join(source, 'usr/src/linux-source-7.2.tar.xz'), '');
    const kept = join(labCache(), kernelName('7.2.13-1', recipeOf(FLAVOUR), 'gcc 12'));
    mkdirSync(kept);
    writeFileSync(join(kept, 'config'), '');
    const { source: _, ...debian } = order();
    expect(await buildKernel(debian)).toMatchObject({ vmlinux: join(kept, 'vmlinux'), log: join(kept, 'build.log') });
    expect(told).toEqual([]);
  });
});

describe('the first error of a build', () => {
  test.each([
    ["a.c:1:2: error: x\nb.c:3:4: error: y\nmake[2]: *** [a.o] Error 1", 'a.c:1:2: error: x'],
    ["ld: a.o: undefined reference to `f'\nmake: *** [vmlinux] Error 1", "ld: a.o: undefined reference to `f'"],
    ['***\n*** The source tree is not clean, please run make mrproper\n***', '*** The source tree is not clean, please run make mrproper'],
    ['Kconfig:32: cannot open file\nmake[1]: *** [Makefile:1: x] Error 1', 'make[1]: *** [Makefile:1: x] Error 1'],
    ['', 'it said nothing'],
  ])('of %j', (text, line) => {
    expect(firstError(text)).toBe(line);
  });
});
