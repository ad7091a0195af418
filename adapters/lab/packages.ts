/** The Debian packages of a lab machine: its programs and its kernels, fetched once and kept unpacked in the cache. */

import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

import { UsageError } from '../target.js';
import { PrivateApt, type Suite } from './apt.js';
import { cached } from './cache.js';

/** dropbear and the libraries it needs; Python with ctypes, json, mmap and the other modules an agent uses. */
const USERLAND = [
  ...['busybox-static', 'dropbear-bin', 'libc6', 'libtomcrypt1', 'libtommath1', 'libgmp10', 'zlib1g', 'libcrypt1'],
  ...['python3.13-minimal', 'libpython3.13-minimal', 'libpython3.13-stdlib', 'libexpat1', 'libffi8'],
] as const;
const USERLAND_SUITE: Suite = 'trixie';

/** A kernel that Debian builds for ppc64el: the release it is in, its metapackage, and the version expected there. */
interface DebianKernel {
  readonly suite: Suite;
  readonly metapackage: string;
  readonly version: string;
}

const DEBIAN_KERNELS: Readonly<Record<string, DebianKernel>> = {
  'debian:6.12': { suite: 'trixie', metapackage: 'linux-image-powerpc64le', version: '6.12.' },
  'debian:6.12-64k': { suite: 'trixie', metapackage: 'linux-image-powerpc64le-64k', version: '6.12.' },
  'debian:7': { suite: 'sid', metapackage: 'linux-image-powerpc64le', version: '7.' },
  'debian:7-64k': { suite: 'sid', metapackage: 'linux-image-powerpc64le-64k', version: '7.' },
};

/** The kernel of a machine unless another is asked for: 6.12 with pages of 4 KiB. */
export const DEFAULT_KERNEL = 'debian:6.12';

/** A kernel on this machine. */
export interface KernelFiles {
  /** `debian:6.12`, or the user's file. */
  readonly choice: string;
  /** vmlinux or vmlinuz, an ELF file. */
  readonly image: string;
  /** Directory with its modules anywhere below; absent when all it needs is built in. */
  readonly modules?: string;
}

/** Called with one line for each step that takes long. */
export type Progress = (step: string) => void;

/** The root directory of the unpacked programs. */
export function userland(progress: Progress): Promise<string> {
  return cached(`userland-${USERLAND_SUITE}`, async (scratch) => {
    progress(`fetching ${USERLAND.length} Debian packages for the guest (10 MB)`);
    const apt = await PrivateApt.open(join(scratch, 'apt'), USERLAND_SUITE);
    return unpackedInto(scratch, apt, USERLAND);
  });
}

/**
 * A kernel by its name.
 *
 * @param choice `debian:6.12` (4 KiB pages), `debian:6.12-64k`, `debian:7`, `debian:7-64k`, or the path of a vmlinux or vmlinuz
 * @param modules for a path: directory with the modules; `modules` beside the file if there is one; else none are needed
 * @throws UsageError when there is no such kernel
 */
export async function kernelFiles(choice: string, modules: string | undefined, progress: Progress): Promise<KernelFiles> {
  const debian = DEBIAN_KERNELS[choice];
  if (debian === undefined) return userKernel(choice, modules);
  const root = await cached(`kernel-${choice.replace(':', '-')}`, (scratch) => fetchKernel(debian, scratch, progress));
  // /boot/vmlinux-RELEASE; since 7.x /usr/lib/modules/RELEASE/vmlinuz.
  const image = readdirSync(root, { recursive: true, encoding: 'utf8' }).find((file) => /^vmlinu[xz]/.test(basename(file)));
  if (image === undefined) throw new UsageError(`expected a kernel in '${root}', but saw none; remove that directory so that it is fetched again`);
  return { choice, image: join(root, image), modules: join(root, 'usr/lib/modules') };
}

function userKernel(image: string, modules: string | undefined): KernelFiles {
  if (image.startsWith('debian:') || !existsSync(image) || !statSync(image).isFile()) {
    const names = Object.keys(DEBIAN_KERNELS).join(', ');
    throw new UsageError(`expected a kernel, but '${image}' is neither a file nor one of ${names}; name one of these or the path of a vmlinux`);
  }
  if (modules !== undefined && !existsSync(modules)) {
    throw new UsageError(`expected a directory with kernel modules, but '${modules}' does not exist; leave it out if all drivers are built in`);
  }
  const beside = join(dirname(image), 'modules');
  const directory = modules ?? (existsSync(beside) ? beside : undefined);
  return { choice: image, image, ...(directory === undefined ? {} : { modules: directory }) };
}

async function fetchKernel({ suite, metapackage, version }: DebianKernel, scratch: string, progress: Progress): Promise<string> {
  progress(`fetching a Linux ${version}x kernel from Debian ${suite} (80 MB)`);
  const apt = await PrivateApt.open(join(scratch, 'apt'), suite);
  const image = (await apt.dependencies(metapackage)).find((name) => name.startsWith('linux-image-'));
  const release = image?.slice('linux-image-'.length);
  if (image === undefined || !release?.startsWith(version)) {
    throw new UsageError(`expected Linux ${version}x in Debian ${suite}, but its kernel is ${image ?? 'absent'}; name another kernel`);
  }
  // Since 7.x the image package is empty and needs two others, which hold the kernel and the modules.
  const offered = await apt.names('linux-');
  const split = [`linux-binary-${release}`, `linux-modules-${release}`].filter((name) => offered.has(name));
  return unpackedInto(scratch, apt, split.length > 0 ? split : [image]);
}

/** Fetches packages and unpacks them below `scratch`. Their file names are listed in packages.txt of the directory that is returned. */
export async function unpackedInto(scratch: string, apt: PrivateApt, names: readonly string[]): Promise<string> {
  const root = join(scratch, 'root');
  const files = await apt.unpack(names, root);
  writeFileSync(join(root, 'packages.txt'), files.map((file) => `${basename(file, '.deb')}\n`).join(''));
  return root;
}
