/** What a user may say about a machine, and what it is made of then. */

import { resolve } from 'node:path';

import { findQemu } from '../qemu.js';
import { UsageError } from '../target.js';
import type { Blueprint } from './boot.js';
import type { Hardware, Platform } from './hardware.js';
import { initramfs } from './initramfs.js';
import { DEFAULT_KERNEL, kernelFiles, type Progress } from './packages.js';
import { labIdentity } from './ssh-identity.js';

/** What to start. */
export interface LabOptions {
  readonly platform: Platform;
  /** `power9` unless told. */
  readonly cpu?: Hardware['cpu'];
  /** `debian:6.12` unless told; `debian:6.12-64k`, `debian:7`, `debian:7-64k`, or the path of a vmlinux or vmlinuz. */
  readonly kernel?: string;
  /** With the path of a kernel: directory with its modules; `modules` beside it if there is one; else none are needed. */
  readonly modules?: string;
  /** More words for the kernel's command line, such as `disable_radix`. */
  readonly kernelArguments?: string;
  /** Mebibytes; a multiple of 256, 512 to 3840. 1024 unless told, on PowerNV 2048. */
  readonly memoryMib?: number;
  /** `boot` (unless told): a cold start. `snapshot` (pSeries only): from a machine that was saved after its boot; it is made at the first use. */
  readonly from?: 'boot' | 'snapshot';
  /** Outlives this process, until `stop` is called or the host goes down; false unless told. */
  readonly detached?: boolean;
  /** QEMU's name or path; `qemu-system-ppc64` unless told. */
  readonly qemu?: string;
  /** More arguments for QEMU. */
  readonly extraArgs?: readonly string[];
  /** Longest time for booting, in milliseconds; 3 minutes unless told, on PowerNV 5. */
  readonly timeoutMs?: number;
  /** Called with one line for each step that takes long. */
  readonly progress?: Progress;
}

const DEFAULTS = {
  pseries: { memoryMib: 1024, timeoutMs: 180_000 },
  powernv: { memoryMib: 2048, timeoutMs: 300_000 },
} as const;
const MEMORY_UNIT_MIB = 256;
const LEAST_MEMORY_MIB = 512;
/** Below `maxmem`. */
const MOST_MEMORY_MIB = 3840;

/** Longest time for booting, in milliseconds. */
export const bootTimeout = ({ platform, timeoutMs = DEFAULTS[platform].timeoutMs }: LabOptions): number => timeoutMs;

/** Finds or fetches everything a machine is made of. @throws UsageError when something is missing or the options do not fit */
export async function blueprintOf(options: LabOptions, progress: Progress): Promise<Blueprint> {
  const { platform, cpu = 'power9', kernel: choice = DEFAULT_KERNEL, modules, kernelArguments = '', extraArgs = [] } = options;
  const hardware = { platform, cpu, memoryMib: memoryOf(options), kernelArguments, extraArgs };
  const qemu = findQemu(options.qemu);
  const identity = await labIdentity();
  const kernel = await kernelFiles(choice, modules, progress);
  const initrd = await initramfs(kernel, identity.publicKey, progress);
  return { hardware, qemu, kernel: choice, image: resolve(kernel.image), initrd, identity };
}

function memoryOf({ platform, memoryMib = DEFAULTS[platform].memoryMib }: LabOptions): number {
  if (memoryMib % MEMORY_UNIT_MIB === 0 && memoryMib >= LEAST_MEMORY_MIB && memoryMib <= MOST_MEMORY_MIB) return memoryMib;
  throw new UsageError(`expected memory as a multiple of ${MEMORY_UNIT_MIB} MiB from ${LEAST_MEMORY_MIB} to ${MOST_MEMORY_MIB}, but saw ${memoryMib}; choose one`);
}
