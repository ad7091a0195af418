/** The first and only file system of a lab machine. */

import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { cached } from './cache.js';
import { cpioArchive, type CpioEntry } from './cpio.js';
import { INIT_SCRIPT, SUSPEND_PROGRAM, SUSPEND_SCRIPT } from './init.js';
import { kernelModules, modulesDep, type KernelModule } from './modules.js';
import { userland, type KernelFiles, type Progress } from './packages.js';

const EXECUTABLE = 0o755;
const PRIVATE = 0o700;
const DIRECTORIES = ['dev', 'proc', 'sys', 'run', 'tmp', 'mnt', 'etc', 'etc/dropbear'] as const;
/** Directories of a merged /usr. */
const MERGED = ['bin', 'sbin', 'lib', 'lib64'] as const;
/** What the packages bring and no guest needs. */
const LEFT_OUT = /^(packages\.txt|etc|usr\/share|usr\/bin\/dbclient|usr\/lib\/[^/]+\/gconv|.*\/lib-dynload\/_(test|xxtest).*)$/;

/**
 * The initramfs for a kernel, in the cache. Its name is a digest of all that went into it.
 *
 * @param authorizedKey line of the SSH key that may log in as root
 */
export async function initramfs(kernel: KernelFiles, authorizedKey: string, progress: Progress): Promise<string> {
  const root = await userland(progress);
  const modules = kernel.modules === undefined ? [] : await kernelModules(kernel.modules);
  const own = [...skeleton(authorizedKey), ...moduleEntries(modules)];
  const digest = createHash('sha256').update(readFileSync(join(root, 'packages.txt'))).update(cpioArchive(own)).digest('hex');
  return cached(`initramfs-${digest.slice(0, 16)}.cpio`, (scratch) => {
    progress('making the initramfs');
    const file = join(scratch, 'cpio');
    writeFileSync(file, cpioArchive([...own, ...tree(root, '')]));
    return Promise.resolve(file);
  });
}

function skeleton(authorizedKey: string): CpioEntry[] {
  return [
    ...DIRECTORIES.map((path) => directory(path)),
    ...['usr', 'usr/bin', 'usr/sbin', 'usr/lib', 'usr/lib64'].map((path) => directory(path)),
    ...MERGED.map((path) => link(path, `usr/${path}`)),
    // PID 1 opens the console before it can mount /dev.
    { kind: 'device', path: 'dev/console', mode: 0o600, major: 5, minor: 1 },
    file('init', EXECUTABLE, INIT_SCRIPT),
    file(`usr/sbin/${SUSPEND_PROGRAM}`, EXECUTABLE, SUSPEND_SCRIPT),
    link('usr/bin/sh', 'busybox'),
    link('usr/bin/python3', 'python3.13'),
    file('etc/passwd', 0o644, 'root:x:0:0:root:/root:/bin/sh\n'),
    file('etc/group', 0o644, 'root:x:0:\n'),
    directory('root', PRIVATE),
    directory('root/.ssh', PRIVATE),
    file('root/.ssh/authorized_keys', 0o600, `${authorizedKey}\n`),
  ];
}

/** All modules in one directory, with the file by which modprobe finds what each needs. */
function moduleEntries(modules: readonly KernelModule[]): CpioEntry[] {
  const release = modules[0]?.release;
  if (release === undefined) return [];
  const folder = `usr/lib/modules/${release}`;
  return [
    directory('usr/lib/modules'),
    directory(folder),
    file(`${folder}/modules.dep`, 0o644, modulesDep(modules)),
    ...modules.map(({ name, data }): CpioEntry => ({ kind: 'file', path: `${folder}/${name}.ko`, mode: 0o644, data })),
  ];
}

const directory = (path: string, mode = EXECUTABLE): CpioEntry => ({ kind: 'directory', path, mode });
const link = (path: string, target: string): CpioEntry => ({ kind: 'link', path, target });
const file = (path: string, mode: number, text: string): CpioEntry => ({ kind: 'file', path, mode, data: Buffer.from(text) });

/** Everything below a directory of this machine that is worth taking along, in a fixed order. */
function tree(root: string, folder: string): CpioEntry[] {
  const names = readdirSync(join(root, folder)).sort();
  const paths = names.map((name) => (folder === '' ? name : `${folder}/${name}`)).filter((path) => !LEFT_OUT.test(path));
  return paths.flatMap((path): CpioEntry[] => {
    const place = join(root, path);
    const stat = lstatSync(place);
    if (stat.isDirectory()) return [directory(path), ...tree(root, path)];
    if (stat.isSymbolicLink()) return [link(path, readlinkSync(place))];
    return [{ kind: 'file', path, mode: stat.mode & 0o777, data: readFileSync(place) }];
  });
}
