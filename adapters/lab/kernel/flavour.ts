/** The kernels that the lab builds: which options make them, and the name under which each is kept. */

import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { UsageError } from '../../target.js';
import { fragmentText, merged, parseFragment, type Option } from './fragment.js';

/** What a user may choose. */
export interface Flavour {
  /** With the mock IOMMU of the kernel's own selftests. */
  readonly mock: boolean;
  readonly page: '4k' | '64k';
  /** File with more options, which win over the project's. */
  readonly config?: string;
}

/** What a kernel is made of besides its source. */
export interface Recipe {
  /** `iommufd-4k`, `iommufd-mock-64k`. */
  readonly name: string;
  readonly options: readonly Option[];
  /** Without these the kernel is of no use. */
  readonly essential: readonly string[];
  /** Text that is added to the tree's own Kconfig; empty unless mock. */
  readonly kconfig: string;
}

const ESSENTIAL = ['PPC_PSERIES', 'PPC_POWERNV', 'VFIO_PCI', 'IOMMUFD'] as const;
const ESSENTIAL_MOCK = ['IOMMUFD_TEST', 'IOMMU_IOPF', 'IOMMU_DMA'] as const;

/** @throws UsageError when the user's file cannot be read */
export function recipeOf({ mock, page, config }: Flavour): Recipe {
  const pages = parseFragment(`CONFIG_PPC_${page.toUpperCase()}_PAGES=y`, page);
  const files = ['iommufd.config', ...(mock ? ['mock.config'] : [])];
  const shipped = files.map((file) => parseFragment(packageText(file), file));
  return {
    name: `iommufd-${mock ? 'mock-' : ''}${page}`,
    options: merged(...shipped, pages, config === undefined ? [] : parseFragment(userText(config), config)),
    essential: mock ? [...ESSENTIAL, ...ESSENTIAL_MOCK] : ESSENTIAL,
    kconfig: mock ? packageText('mock.Kconfig') : '',
  };
}

/**
 * The name of a built kernel in the cache: another source, another option or another compiler makes another kernel.
 *
 * @param version of the source package, `7.2.13-1`
 * @param compiler what it says of its version
 */
export function kernelName(version: string, { name, options, kconfig }: Recipe, compiler: string): string {
  return `linux-${version}-${name}-${digest(fragmentText(options), kconfig, compiler)}`;
}

/** Short, and different for different texts. */
export const digest = (...texts: readonly string[]): string => createHash('sha256').update(texts.join('\0')).digest('hex').slice(0, 12);

function userText(file: string): string {
  if (!existsSync(file)) throw new UsageError(`expected a file with options of the kernel, but '${file}' does not exist; name another one`);
  return readFileSync(file, 'utf8');
}

/** A file of this folder in the package that this file, or what it was compiled to, is part of: `dist` has none of them. */
function packageText(name: string): string {
  const place = join('adapters', 'lab', 'kernel', name);
  for (let folder = __dirname; ; folder = dirname(folder)) {
    if (existsSync(join(folder, place))) return readFileSync(join(folder, place), 'utf8');
    if (folder === dirname(folder)) throw new Error(`The package is incomplete: it has no ${place}.`);
  }
}
