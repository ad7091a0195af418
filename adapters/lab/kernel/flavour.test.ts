import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describe, expect, test } from '@jest/globals';

import { kernelName, recipeOf, type Recipe } from './flavour.js';

const PLAIN = { mock: false, page: '4k' } as const;
const MOCK = { mock: true, page: '4k' } as const;

const values = ({ options }: Recipe) => Object.fromEntries(options.map(({ name, value }) => [name, value]));

describe('a flavour', () => {
  test('has all under test built in, and modules nowhere', () => {
    const options = values(recipeOf(PLAIN));
    expect(options).toMatchObject({ IOMMUFD: 'y', VFIO_PCI: 'y', VFIO_IOMMU_SPAPR_TCE: 'y', EEH: 'y', VIRTIO_NET: 'y', E1000E: 'y', BLK_DEV_NVME: 'y' });
    expect(Object.values(options)).not.toContain('m');
  });

  test('has pages of the size that was asked for, and of no other', () => {
    expect(values(recipeOf(PLAIN))).toMatchObject({ PPC_4K_PAGES: 'y' });
    const large = values(recipeOf({ mock: false, page: '64k' }));
    expect(large).toMatchObject({ PPC_64K_PAGES: 'y' });
    expect(large).not.toHaveProperty('PPC_4K_PAGES');
  });

  test('with the mock has all of the plain one and the mock', () => {
    const { LOCALVERSION: _, ...plain } = values(recipeOf(PLAIN));
    const mock = recipeOf(MOCK);
    expect(values(mock)).toMatchObject({ ...plain, IOMMUFD_TEST: 'y', FAULT_INJECTION: 'y' });
    expect(values(recipeOf(PLAIN))).not.toHaveProperty('IOMMUFD_TEST');
    expect(mock.kconfig).toContain('select IOMMU_PT_AMDV1');
    expect(mock.essential).toContain('IOMMUFD_TEST');
  });

  test('gives way to the options of the user', () => {
    const folder = mkdtempSync(join(tmpdir(), 'papr-flavour-'));
    const config = join(folder, 'mine.config');
    writeFileSync(config, 'CONFIG_NR_CPUS=4\n');
    try {
      expect(values(recipeOf({ ...PLAIN, config }))).toMatchObject({ NR_CPUS: '4', IOMMUFD: 'y' });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('needs a file of the user to be there', () => {
    expect(() => recipeOf({ ...PLAIN, config: '/no/such.config' })).toThrow("'/no/such.config' does not exist");
  });
});

describe('the name of a kernel', () => {
  const name = (recipe: Recipe, version = '7.2.13-1', compiler = 'gcc 12') => kernelName(version, recipe, compiler);
  const recipe = recipeOf(PLAIN);

  test('tells what it is', () => {
    expect(name(recipe)).toMatch(/^linux-7\.2\.13-1-iommufd-4k-[0-9a-f]{12}$/);
    expect(name(recipeOf(MOCK))).toMatch(/^linux-7\.2\.13-1-iommufd-mock-4k-[0-9a-f]{12}$/);
  });

  test('is the same for the same ingredients, and another for each that is another', () => {
    const more = { ...recipe, options: [...recipe.options, { name: 'KVM', value: 'y', optional: false }] };
    const names = [name(recipe), name(recipe, '7.2.14-1'), name(recipe, '7.2.13-1', 'gcc 13'), name(more), name({ ...recipe, kconfig: 'config X' })];
    expect(new Set(names).size).toBe(names.length);
    expect(name(recipeOf(PLAIN))).toBe(names[0]);
  });
});
