/** Debian's source of the kernel. */

import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { UsageError } from '../../target.js';
import { PrivateApt, type Suite } from '../apt.js';
import { cached } from '../cache.js';
import { unpackedInto, type Progress } from '../packages.js';
import { runTool } from '../tools.js';

const SUITE: Suite = 'sid';
/** The release whose departures the ledger lists. */
const PREFERRED = 'linux-source-7.2';
const NAME = /^linux-source-(\d+)\.(\d+)$/;
const UNPACK_TIMEOUT_MS = 600_000;

/** A source package on this machine. */
export interface KernelSource {
  /** Of the package: `7.2.13-1`. */
  readonly version: string;
  /** `linux-source-7.2.tar.xz`. */
  readonly archive: string;
}

/** The source, fetched once. @throws UsageError when Debian cannot be reached or has none */
export async function kernelSource(progress: Progress): Promise<KernelSource> {
  const root = await cached('linux-source', async (scratch) => {
    progress('fetching the source of Linux from Debian (164 MB)');
    const apt = await PrivateApt.open(join(scratch, 'apt'), SUITE);
    const name = choosePackage(await apt.names('linux-source-'));
    if (name === undefined) throw new UsageError(`expected a package ${PREFERRED} in Debian ${SUITE}, but saw none; name a tree with --source`);
    return unpackedInto(scratch, apt, [name]);
  });
  const version = /^linux-source-[^_]+_([^_]+)_/m.exec(readFileSync(join(root, 'packages.txt'), 'utf8'))?.[1];
  const folder = join(root, 'usr/src');
  const archive = readdirSync(folder).find((file) => /^linux-source-.*\.tar\.xz$/.test(file));
  if (version === undefined || archive === undefined) {
    throw new UsageError(`expected the source of a kernel in '${root}', but saw none; remove that directory so that it is fetched again`);
  }
  return { version, archive: join(folder, archive) };
}

/** The preferred release, or the newest of those that are offered: Debian drops the old one when a new one comes. */
export function choosePackage(offered: ReadonlySet<string>): string | undefined {
  if (offered.has(PREFERRED)) return PREFERRED;
  const age = (name: string): number => {
    const [, major, minor] = NAME.exec(name)!;
    return Number(major) * 1000 + Number(minor);
  };
  return [...offered].filter((name) => NAME.test(name)).sort((a, b) => age(b) - age(a))[0];
}

/** Unpacks the source (1.8 GB) below a directory and returns its root. */
export async function unpackSource({ archive }: KernelSource, directory: string, progress: Progress): Promise<string> {
  const tree = join(directory, 'tree');
  mkdirSync(tree);
  progress('unpacking the source (1.8 GB, removed afterwards)');
  await runTool('tar', ['-xJf', archive, '-C', tree, '--strip-components=1'], { timeoutMs: UNPACK_TIMEOUT_MS });
  return tree;
}
