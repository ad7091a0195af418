import type { BufferHandle, ContainerHandle, DeviceHandle, IovaWindow, VfioProgramBuilder } from '../../../harness/build/vfio-program-builder.js';
import { plus, type Term } from '../../../reference/doors/term.js';
import { DEVICE_BYTE, LENGTH, MEMORY_BYTE, OTHER_BYTE } from '../device.js';

/*
 * What every program with a device needs: a container, memory, and a way to fill the device's buffer and to see what is in
 * it. A transfer takes a tenth of a second on a real machine, so a program fills once, and looks once.
 */

export { DEVICE_BYTE, LENGTH, MEMORY_BYTE, OTHER_BYTE, reached, refused } from '../device.js';

/** What a target must have for SPAPR TCE v2, and for a window of 4 KiB pages beside the default one. */
export const V2 = ['spapr-v2'] as const;
export const TWO_WINDOWS = ['spapr-v2', 'second-window', 'page-size:12'] as const;

/** The I/O page of the default window and of those that `secondWindow` makes: any system has pages at least as large. */
export const PAGE = 0x1000n;

/** Bytes of a window that a program creates: no platform makes it larger. */
export const WINDOW_BYTES = 1n << 26n;

/** A program's memory: two parts of 64 KiB that scenarios map, and two that fill the device's buffer and show it. */
export const DATA = 0n;
export const OTHER = 0x1_0000n;
const STAGE = 0x2_0000n;
const DRAIN = 0x3_0000n;

/** Where scenarios map what they try, in bytes from the start of a window. */
export const TARGET = 0x10_0000n;

/** The device's buffer in slots of `LENGTH` bytes. Writes come from slot 0, the first read goes to slot 1. */
const SLOTS = 4;

export interface Rig {
  readonly container: ContainerHandle;
  readonly device: DeviceHandle;
  /** The window through which the device's buffer is filled and shown. */
  readonly window: IovaWindow;
  readonly buffer: BufferHandle;
}

/** How a rig differs from the usual one: `pe0`, its first device, new memory, the default window. */
export interface RigOptions {
  readonly group?: string;
  readonly buffer?: BufferHandle;
  readonly window?: (container: ContainerHandle) => IovaWindow;
}

/** A container of SPAPR TCE v2 with memory registered, the device's buffer within reach, and the device open. */
export function openRig(p: VfioProgramBuilder, { group = 'pe0', ...options }: RigOptions = {}): Rig {
  return furnish(p, p.v2(group), { group, ...options });
}

/** The rig with a page mapped for the device to find, and its buffer filled: where the page is on the bus, and in memory. */
export function mappedRig(p: VfioProgramBuilder, options: RigOptions = {}): { readonly rig: Rig; readonly iova: Term; readonly memory: Term } {
  const rig = openRig(p, options);
  const [iova, memory] = [rig.window.at(TARGET), rig.buffer.at(DATA)];
  p.map(rig.container, memory, iova, PAGE);
  fillDevice(p, rig);
  return { rig, iova, memory };
}

/** Both devices of one PE, each with bytes of its own, and a page that both find. */
export function openPair(p: VfioProgramBuilder): { readonly first: Rig; readonly second: Rig; readonly iova: Term; readonly memory: Term } {
  const first = openRig(p, { group: 'pair0' });
  const second = { ...first, device: p.device(first.container, 'pair0.dev1') };
  const [iova, memory] = [first.window.at(TARGET), first.buffer.at(DATA)];
  p.map(first.container, memory, iova, PAGE);
  fillDevice(p, first);
  fillDevice(p, second, OTHER_BYTE);
  return { first, second, iova, memory };
}

/** The same in a container that has its IOMMU. */
export function furnish(p: VfioProgramBuilder, container: ContainerHandle, { group = 'pe0', buffer = p.memory(), window }: RigOptions = {}): Rig {
  p.register(container, buffer);
  const device = p.device(container, `${group}.dev0`);
  return through(p, { container, device, buffer }, window?.(container) ?? p.defaultWindow(group));
}

/** The rig with the way to the device's buffer through this window. */
export function through(p: VfioProgramBuilder, { container, device, buffer }: Omit<Rig, 'window'>, window: IovaWindow): Rig {
  p.map(container, buffer.at(STAGE), window.at(STAGE), PAGE, 1n).map(container, buffer.at(DRAIN), window.at(DRAIN), PAGE, 2n);
  return { container, device, buffer, window };
}

/** Closes the device, the group and the container: all that the program had mapped is gone. */
export function closeRig(p: VfioProgramBuilder, { container, device }: Rig): void {
  p.close(device.fd).close(container.group).close(container.fd);
}

/** Closes the device and opens it again: where the platform stopped its PE after an access it refused, it goes on. */
export function reopen(p: VfioProgramBuilder, { container, device, ...rest }: Rig): Rig {
  p.close(device.fd);
  return { container, device: p.device(container, device.name), ...rest };
}

/** Fills every slot of the device's buffer: it reads them from memory. */
export function fillDevice(p: VfioProgramBuilder, { device, window, buffer }: Rig, byte = DEVICE_BYTE): void {
  const length = SLOTS * LENGTH;
  p.fill(buffer.at(STAGE), length, byte).deviceReads(device, window.at(STAGE), length, 0);
}

/** Shows what reads brought: slots 1, 2 … of the device's buffer, loaded by these names. */
export function drain(p: VfioProgramBuilder, rig: Rig, ...names: readonly string[]): void {
  const drained = drainSlots(p, rig, names.length + 1);
  names.forEach((name, i) => p.load(plus(drained, BigInt((i + 1) * LENGTH)), LENGTH, name));
}

/** Lets the device write its first slots to memory; returns where. */
export function drainSlots(p: VfioProgramBuilder, { device, window, buffer }: Rig, slots: number): Term {
  p.deviceWrites(device, window.at(DRAIN), slots * LENGTH, 0);
  return buffer.at(DRAIN);
}

/** One access of `LENGTH` bytes. */
export interface Access {
  /** Names of the loads that show it: `<as>-memory` before, `<as>` after. */
  readonly as: string;
  readonly iova: Term;
  /** The memory that may be reached. */
  readonly memory: Term;
  /** What it holds before; by default, not what the device's buffer has. */
  readonly byte?: number;
  /** The slot of the device's buffer. */
  readonly slot?: number;
}

/** The device writes: memory is loaded before (`<as>-memory`) and after (`<as>`). */
export function writes(p: VfioProgramBuilder, { device }: Pick<Rig, 'device'>, { as, iova, memory, byte = MEMORY_BYTE, slot = 0 }: Access): void {
  p.fill(memory, LENGTH, byte).load(memory, LENGTH, `${as}-memory`);
  p.deviceWrites(device, iova, LENGTH, slot * LENGTH).load(memory, LENGTH, as);
}

/** The device reads memory, which is loaded before (`<as>-memory`); `drain` shows what arrived, by the name `<as>`. */
export function reads(p: VfioProgramBuilder, { device }: Pick<Rig, 'device'>, { as, iova, memory, byte = MEMORY_BYTE, slot = 1 }: Access): void {
  p.fill(memory, LENGTH, byte).load(memory, LENGTH, `${as}-memory`);
  p.deviceReads(device, iova, LENGTH, slot * LENGTH);
}

/** A window of 4 KiB pages beside the default one. */
export const secondWindow = (p: VfioProgramBuilder, container: ContainerHandle): IovaWindow => p.create(container, WINDOW_BYTES, 12);

/** A window of the default one's shape; where the default one was removed, in its place. */
export function likeDefault(p: VfioProgramBuilder, container: ContainerHandle, group = 'pe0'): IovaWindow {
  const as = `${group}-default`;
  p.ioctl(container.fd, 'VFIO_IOMMU_SPAPR_TCE_CREATE', { page_shift: 12n, window_size: { from: `${group}.dma32.size` }, levels: 1n }, { as });
  const start: Term = { from: `${as}.start_addr` };
  return { start, pageShift: 12, at: (offset) => plus(start, offset) };
}

/** A container of v2 with a group in it that another process than the main one has open. */
export function v2By(p: VfioProgramBuilder, by: string, group = 'pe0'): ContainerHandle {
  const [fd, groupFd] = [p.open('container', `${by}-container`, by), p.open(group, `${by}-group`, by)];
  p.ioctl(groupFd, 'VFIO_GROUP_SET_CONTAINER', { fd }, { by }).ioctl(fd, 'VFIO_SET_IOMMU', { value: 7n }, { by });
  return { fd, group: groupFd };
}
