/** QEMU's command line, and the life of its process. */

import { spawn, type ChildProcess } from 'node:child_process';

import { leashed, QUIET_CAPABILITIES } from '../qemu.js';
import { childPath } from './nameless.js';

/** What to start. */
export interface MachineOptions {
  /** Program name or path; `qemu-system-ppc64` unless told. */
  readonly qemu?: string;
  /** As for `-cpu`; `power9` unless told. */
  readonly cpu?: string;
  /** 128 to 2048; 256 unless told. */
  readonly memoryMib?: number;
  /** PCI host bridges, 1 to 31; 1 unless told. PHB i has index i. */
  readonly phbs?: number;
  /** `edu` devices on each PHB, 0 to 8, in slots 1 upwards; 1 unless told. */
  readonly edusPerPhb?: number;
  /**
   * Counts instructions for time, so that a DMA of `edu` (100 ms) takes a fraction of a millisecond and
   * its order among the calls is repeatable; true unless told. A false value gives wall-clock time.
   */
  readonly icount?: boolean;
  /** Properties of `-machine pseries` to add, such as `ic-mode=xics`. */
  readonly machineProperties?: string;
  /** More arguments for QEMU, such as `-device spapr-vscsi`. */
  readonly extraArgs?: readonly string[];
}

/** `-icount shift`: 1 instruction = 2^10 ns, the coarsest QEMU takes. */
export const ICOUNT_SHIFT = 10;

/** Descriptors under which QEMU finds the guest's memory and the payload. */
const RAM_FD = 3;
const PAYLOAD_FD = 4;

/** The arguments of QEMU for a machine. */
export function qemuArguments(options: MachineOptions, memoryBytes: number): string[] {
  const { cpu = 'power9', phbs = 1, edusPerPhb = 1, icount = true, machineProperties, extraArgs = [] } = options;
  const machine = ['pseries,memory-backend=ram,usb=off,dump-guest-core=off', QUIET_CAPABILITIES, machineProperties].filter(Boolean).join(',');
  const bridges = Array.from({ length: phbs - 1 }, (_, i) => ['-device', `spapr-pci-host-bridge,index=${i + 1}`]);
  const edus = Array.from({ length: phbs }, (_, phb) =>
    Array.from({ length: edusPerPhb }, (__, i) => [
      '-device',
      `edu,bus=pci.${phb},addr=${(i + 1).toString(16)}.0,dma_mask=0xffffffffffffffff`,
    ]),
  );
  return [
    ...['-machine', machine, '-accel', 'tcg', '-cpu', cpu, '-m', `${memoryBytes / 0x10_0000}M`],
    ...['-object', `memory-backend-file,id=ram,share=on,size=${memoryBytes},mem-path=${childPath(RAM_FD)}`],
    ...['-bios', childPath(PAYLOAD_FD)],
    ...['-nodefaults', '-display', 'none', '-serial', 'none', '-monitor', 'none', '-qmp', 'stdio'],
    ...(icount ? ['-icount', `shift=${ICOUNT_SHIFT},sleep=on`] : []),
    ...bridges.flat(),
    ...edus.flat(2),
    ...extraArgs,
  ];
}

/** Open descriptors that QEMU inherits. */
export interface QemuFiles {
  readonly ram: number;
  readonly payload: number;
}

const living = new Set<ChildProcess>();
let guarded = false;

/**
 * Starts QEMU so that it does not outlive this process, however that ends: handlers for an orderly end and
 * for signals, the kernel's parent-death signal where `setpriv` exists, and elsewhere the payload, which
 * powers off when it has not heard of the host for minutes.
 */
export function launchQemu(qemu: string, args: readonly string[], files: QemuFiles): ChildProcess {
  guardAgainstOrphans();
  const stdio: ('pipe' | number)[] = ['pipe', 'pipe', 'pipe'];
  stdio[RAM_FD] = files.ram;
  stdio[PAYLOAD_FD] = files.payload;
  const [program, words] = leashed(qemu, args);
  const child = spawn(program, words, { stdio, detached: true });
  living.add(child);
  child.once('exit', () => living.delete(child));
  return child;
}

function guardAgainstOrphans(): void {
  if (guarded) return;
  guarded = true;
  const killAll = (): void => living.forEach((child) => child.kill('SIGKILL'));
  process.on('exit', killAll);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      killAll();
      // Somebody else's handler decides what the signal means; without one it keeps its usual effect.
      if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
    });
  }
}
