import type { BufferHandle, VfioProgramBuilder } from '../../../harness/build/vfio-program-builder.js';
import type { ScenarioHead } from '../../../harness/build/scenario-builder.js';
import { vfioScenario } from '../../../harness/build/scenario-builder.js';
import type { Scenario } from '../../../harness/scenario.js';
import type { Term } from '../../../reference/doors/term.js';
import { AS_PLANNED, windowWords } from '../../../reference/iommufd/ppc64/hwpt-checks.js';
import { HWPT_DATA_PPC64_WINDOWS } from '../../../reference/uapi/iommufd-ppc64.js';
import { bound, table, type BoundHandle } from '../device-steps.js';

/* What scenarios of the plan for POWER share. */

/** A scenario on a kernel as planned: tentative. Interrupts of POWER are not isolated, so binding needs the parameter. */
export const plannedScenario = (head: ScenarioHead, write: (p: VfioProgramBuilder) => void): Scenario =>
  vfioScenario({ ...head, tentative: true, requires: [AS_PLANNED, 'unsafe-interrupts', ...(head.requires ?? [])] }, write);

/** Where a window beside the default one starts. */
export const HIGH = 1n << 59n;

/** A window as `windowWords` describes it. */
export interface WindowRequest {
  readonly start: Term;
  readonly size: bigint;
  readonly pageShift: number;
  readonly levels?: bigint;
}

/** A window of 64 MiB of 64 KiB pages, high up. */
export const HIGH_WINDOW: WindowRequest = { start: HIGH, size: 1n << 26n, pageShift: 16 };

/** The lower half of the default window of a PE, of 4 KiB pages. */
export const LOW_WINDOW: WindowRequest = { start: { from: 'pe0.dma32.start' }, size: 1n << 29n, pageShift: 12 };

/** The windows as IOMMU_HWPT_ALLOC takes them. */
export function described(p: VfioProgramBuilder, windows: readonly WindowRequest[], type = HWPT_DATA_PPC64_WINDOWS): Record<string, Term> {
  const at = p.memory(0x1_0000n).address;
  const words = windows.flatMap(({ start, size, pageShift, levels = 1n }) => windowWords(size, BigInt(pageShift), levels, start));
  p.store(at, words);
  return { data_type: BigInt(type), data_len: BigInt(8 * words.length), data_uptr: at };
}

/** A context with an IOAS and a device of a PE. */
export interface Ready {
  readonly fd: Term;
  readonly ioas: Term;
  readonly device: BoundHandle;
}

export function ready(p: VfioProgramBuilder, device = 'pe0.dev0'): Ready {
  const fd = p.iommu();
  return { fd, ioas: p.ioas(fd), device: bound(p, fd, device) };
}

/** A page table with windows. */
export const withWindows = (p: VfioProgramBuilder, { fd, ioas, device }: Ready, as: string, ...windows: readonly WindowRequest[]): Term =>
  table(p, fd, device, ioas, as, described(p, windows));

/** Asks for the ranges that can be mapped, and looks at them. */
export function ranges(p: VfioProgramBuilder, { fd, ioas }: Pick<Ready, 'fd' | 'ioas'>): void {
  const array = p.memory(0x1_0000n).address;
  p.iommufd(fd, 'IOMMU_IOAS_IOVA_RANGES', { ioas_id: ioas, num_iovas: 8n, allowed_iovas: array });
  p.load(array, 64);
}

/** Memory with a byte everywhere in its first page. */
export function filled(p: VfioProgramBuilder, byte: number, length?: bigint): BufferHandle {
  const buffer = p.memory(length);
  p.fill(buffer.address, 0x1000, byte);
  return buffer;
}
