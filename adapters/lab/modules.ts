/** The kernel modules that a lab machine needs, taken from the files of a kernel package or build. */

import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { gunzipSync } from 'node:zlib';

import { UsageError } from '../target.js';
import { runTool } from './tools.js';

/** VFIO and the drivers of its devices. A kernel that has one built in needs no file for it. */
export const LOADED_MODULES = ['vfio_iommu_spapr_tce', 'vfio-pci'] as const;
/** Drivers of the machines' network cards, by platform. */
export const NETWORK_MODULES = { pseries: 'virtio_net', powernv: 'e1000e' } as const;
/** Drivers of the machines' disks, by platform. */
export const DISK_MODULES = { pseries: 'virtio_blk', powernv: 'nvme' } as const;
/** What makes a machine a host of guests, by platform. */
export const HOST_MODULES = { pseries: [], powernv: ['kvm-hv'] } as const;
/** There for `modprobe`: other ways to be a host of guests. */
const OFFERED_MODULES = ['kvm-pr'] as const;

/** A module, ready for insmod. */
export interface KernelModule {
  /** As modprobe knows it. */
  readonly name: string;
  readonly data: Buffer;
  /** Names of the modules it needs before it. */
  readonly depends: readonly string[];
  /** `uname -r` of the kernel it was made for. */
  readonly release: string;
}

const MODULE_FILE = /^(.+)\.ko(\.xz|\.gz|\.zst)?$/;

/** The modules named above that lie anywhere below a directory, and what they depend on. */
export async function kernelModules(directory: string): Promise<KernelModule[]> {
  const files = moduleFiles(directory);
  const found = new Map<string, KernelModule>();
  const wanted: string[] = [...Object.values(NETWORK_MODULES), ...LOADED_MODULES, ...Object.values(DISK_MODULES), ...Object.values(HOST_MODULES).flat(), ...OFFERED_MODULES];
  for (let name = wanted.shift(); name !== undefined; name = wanted.shift()) {
    const key = canonical(name);
    const file = files.get(key);
    if (file === undefined || found.has(key)) continue;
    const module = parseModule(MODULE_FILE.exec(basename(file))?.[1] ?? name, await unpacked(file));
    found.set(key, module);
    wanted.push(...module.depends);
  }
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The kernel takes `-` and `_` in a module's name for the same. */
const canonical = (name: string): string => name.replaceAll('-', '_');

function moduleFiles(directory: string): Map<string, string> {
  const files = new Map<string, string>();
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    const name = MODULE_FILE.exec(entry.name)?.[1];
    if (name !== undefined && entry.isFile()) files.set(canonical(name), join(entry.parentPath, entry.name));
  }
  return files;
}

async function unpacked(file: string): Promise<Buffer> {
  if (file.endsWith('.xz')) return runTool('xz', ['-dc', file]);
  if (file.endsWith('.gz')) return gunzipSync(readFileSync(file));
  if (file.endsWith('.zst')) throw new UsageError(`expected modules as .ko, .ko.xz or .ko.gz, but saw '${file}'; unpack them (zstd -d --rm)`);
  return readFileSync(file);
}

/** Reads what a module says of itself: section .modinfo holds `key=value` strings, each ended by NUL. */
export function parseModule(name: string, data: Buffer): KernelModule {
  const depends = modinfo(data, 'depends') ?? '';
  return {
    name,
    data,
    depends: depends === '' ? [] : depends.split(','),
    release: (modinfo(data, 'vermagic') ?? '').split(' ')[0] ?? '',
  };
}

function modinfo(data: Buffer, key: string): string | undefined {
  const mark = Buffer.from(`\0${key}=`);
  const at = data.indexOf(mark);
  if (at < 0) return undefined;
  const start = at + mark.length;
  return data.toString('latin1', start, data.indexOf(0, start));
}

/** The text of modules.dep for modules that all lie in one directory. */
export function modulesDep(modules: readonly KernelModule[]): string {
  const byName = new Map(modules.map((module) => [canonical(module.name), module]));
  const line = ({ name }: KernelModule): string => {
    const needed = closure(name, byName).map((dependency) => ` ${dependency}.ko`);
    return `${name}.ko:${needed.join('')}\n`;
  };
  return modules.map(line).join('');
}

/** Everything a module needs, the nearest first: modprobe inserts from the end. */
function closure(name: string, byName: ReadonlyMap<string, KernelModule>): string[] {
  const direct = byName.get(canonical(name))?.depends ?? [];
  const all = direct.flatMap((dependency) => {
    const module = byName.get(canonical(dependency));
    return module === undefined ? [] : [module.name, ...closure(dependency, byName)];
  });
  // Of a module that several need, the last place counts: it must be inserted before all of them.
  return all.filter((dependency, i) => all.lastIndexOf(dependency) === i);
}
