/** `lab kernel`: a kernel with IOMMUFD for the lab's machines, built here. */

import { copyFileSync, existsSync, mkdirSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

import { UsageError } from '../../target.js';
import { atEnd } from '../cleanup.js';
import { cached, labCache } from '../cache.js';
import type { Progress } from '../packages.js';
import { isAlive } from '../process-identity.js';
import { digest, kernelName, recipeOf, type Flavour, type Recipe } from './flavour.js';
import { fragmentText, unmet, type Option } from './fragment.js';
import { configurationOf, make, type Workplace } from './make.js';
import { kernelSource, unpackSource } from './source.js';
import { findToolchain, type Toolchain } from './toolchain.js';

/** What to build. */
export interface KernelOrder extends Flavour {
  /** A developer's own tree, in place of Debian's source. */
  readonly source?: string;
  /** Compilers at a time. */
  readonly jobs: number;
  readonly progress: Progress;
  /** This machine's unless told. */
  readonly toolchain?: Toolchain;
}

/** A kernel on this machine. */
export interface BuiltKernel {
  /** For `--kernel`. */
  readonly vmlinux: string;
  /** Options that the tree has not taken, `VFIO_DEVICE_CDEV`. */
  readonly without: readonly string[];
  readonly log: string;
}

/** Files of a kernel in the cache. */
const FILES = { vmlinux: 'vmlinux', config: 'config', log: 'build.log' } as const;
const LOCK = 'papr-lab.pid';

/**
 * Builds a kernel. Of Debian's source, one that is in the cache is taken from there; a developer's tree is built each time, as far as it has
 * changed, in a build directory that stays in the cache.
 *
 * @throws UsageError when tools are missing, the source cannot be had, or the build fails
 */
export async function buildKernel(order: KernelOrder): Promise<BuiltKernel> {
  const recipe = recipeOf(order);
  return order.source === undefined ? fromDebian(order, recipe) : fromTree(order, recipe, order.source);
}

async function fromDebian(order: KernelOrder, recipe: Recipe): Promise<BuiltKernel> {
  const toolchain = order.toolchain ?? (await findToolchain());
  const source = await kernelSource(order.progress);
  const name = kernelName(source.version, recipe, toolchain.compiler);
  const directory = await cached(name, async (scratch) => {
    const [output, kept] = [join(scratch, 'build'), join(scratch, 'kept')];
    for (const folder of [output, kept]) mkdirSync(folder);
    const log = join(kept, FILES.log);
    try {
      const tree = await unpackSource(source, scratch, order.progress);
      await build({ toolchain, tree, output, log }, order, recipe);
    } catch (error) {
      throw withLog(error, log, join(labCache(), `${name}.log`));
    }
    renameSync(join(output, 'vmlinux'), join(kept, FILES.vmlinux));
    copyFileSync(join(output, '.config'), join(kept, FILES.config));
    return kept;
  });
  const config = readFileSync(join(directory, FILES.config), 'utf8');
  return { vmlinux: join(directory, FILES.vmlinux), without: names(unmet(recipe.options, config)), log: join(directory, FILES.log) };
}

/** The scratch directory goes, the log of what failed stays. */
function withLog(error: unknown, log: string, place: string): unknown {
  if (!existsSync(log)) return error;
  copyFileSync(log, place);
  return error instanceof UsageError ? new UsageError(error.message.replaceAll(log, place)) : error;
}

async function fromTree(order: KernelOrder, recipe: Recipe, source: string): Promise<BuiltKernel> {
  const tree = kernelTree(source);
  const toolchain = order.toolchain ?? (await findToolchain());
  const output = join(labCache(), 'kernel-builds', `${basename(tree)}-${recipe.name}-${digest(tree)}`);
  mkdirSync(output, { recursive: true });
  const log = join(output, FILES.log);
  const release = lock(output);
  try {
    rmSync(log, { force: true });
    const config = await build({ toolchain, tree, output, log }, order, recipe);
    return { vmlinux: join(output, 'vmlinux'), without: names(unmet(recipe.options, config)), log };
  } finally {
    release();
  }
}

/** @throws UsageError when it is none, or one in which somebody has built before: Kbuild refuses that */
function kernelTree(source: string): string {
  if (!existsSync(join(source, 'Kconfig')) || !existsSync(join(source, 'arch/powerpc/Kconfig'))) {
    throw new UsageError(`expected the source of Linux, but '${source}' has no Kconfig and arch/powerpc; name the root of a tree`);
  }
  const tree = realpathSync(source);
  const built = ['.config', 'include/config', 'arch/powerpc/include/generated'].find((place) => existsSync(join(tree, place)));
  if (built === undefined) return tree;
  throw new UsageError(`expected a tree that is only read, but '${tree}' has been built in (${built}); make a clean one beside it (git worktree add) or clean it (make ARCH=powerpc mrproper)`);
}

/** Configures and compiles. Returns the text of `.config`. */
async function build(place: Omit<Workplace, 'kconfig'>, { jobs, progress }: KernelOrder, recipe: Recipe): Promise<string> {
  const { output, tree } = place;
  const [fragment, kconfig] = [join(output, 'papr-lab.config'), join(output, 'papr-lab.Kconfig')];
  writeFileSync(fragment, fragmentText(recipe.options));
  writeFileSync(kconfig, `${readFileSync(join(tree, 'Kconfig'), 'utf8')}\n${recipe.kconfig}`);
  progress('configuring');
  await make({ ...place, kconfig }, { target: 'allnoconfig', jobs: 1, variables: { KCONFIG_ALLCONFIG: fragment } });
  const config = configurationOf(output);
  report(config, recipe, progress);
  progress(`compiling with ${jobs} jobs (some 1,100 files; seven minutes on two cores)`);
  await make({ ...place, kconfig }, { target: 'vmlinux', jobs, progress });
  return config;
}

/** @throws UsageError when the kernel would be of no use */
function report(config: string, { essential, options }: Recipe, progress: Progress): void {
  const fatal = unmet(essential.map((name) => ({ name, value: 'y', optional: false })), config);
  if (fatal.length > 0) {
    throw new UsageError(`expected a tree that can have ${names(fatal).join(', ')} on POWER, but its Kconfig does not give it; name another tree, or mend what these options depend on`);
  }
  for (const { name, value, optional } of unmet(options, config)) if (!optional) progress(`the tree has not taken CONFIG_${name}=${value}`);
}

const names = (options: readonly Option[]): string[] => options.map(({ name }) => name);

/** Two builds in one directory would spoil each other. @throws UsageError when another process is at it */
function lock(directory: string): () => void {
  const file = join(directory, LOCK);
  const pid = existsSync(file) ? Number(readFileSync(file, 'utf8')) : undefined;
  if (pid !== undefined && isAlive({ pid })) {
    throw new UsageError(`expected to build in '${directory}' alone, but process ${pid} builds there; wait until it has finished`);
  }
  writeFileSync(file, String(process.pid));
  const remove = (): void => rmSync(file, { force: true });
  const done = atEnd(remove);
  return () => {
    done();
    remove();
  };
}
