import type { VfioProgramBuilder } from '../../harness/build/vfio-program-builder.js';
import type { Term } from '../../reference/doors/term.js';
import { HWPT } from '../../reference/uapi/iommufd.js';
import { GUEST_TCE_LAYOUT, HWPT_DATA_PPC64_GUEST, INVALIDATE_PPC64_TCES } from '../../reference/uapi/iommufd-ppc64.js';
import { map, table } from '../iommufd/device-steps.js';
import { described, ready, type Ready, type WindowRequest } from '../iommufd/ppc64/steps.js';

/* A guest with its memory pinned, and its tables. */

/** Bytes of the guest's memory, from its address 0. */
export const MEMORY = 0x10_0000n;

export interface Guest extends Ready {
  /** The page table that has the guest's memory. */
  readonly parent: Term;
  /** Where the program has that memory: the guest's address 0. */
  readonly memory: (address: bigint) => Term;
}

/** A guest: its memory mapped from address 0 on, and a page table with it on which its own can rest. */
export function guest(p: VfioProgramBuilder, device?: string): Guest {
  const r = ready(p, device);
  const buffer = p.memory(MEMORY);
  map(p, r.fd, r.ioas, buffer.address, 0n, MEMORY);
  return { ...r, parent: table(p, r.fd, r.device, r.ioas, 'parent', { flags: HWPT.NEST_PARENT }), memory: buffer.at };
}

/** A table of the guest with these windows. */
export const guestTable = (p: VfioProgramBuilder, { fd, device, parent }: Guest, as: string, ...windows: readonly WindowRequest[]): Term =>
  table(p, fd, device, parent, as, described(p, windows, HWPT_DATA_PPC64_GUEST));

/** One update: entries from a bus address on get a TCE. */
export type Update = readonly [ioba: bigint, tce: bigint, pages?: bigint];

/** Enters TCEs as H_STUFF_TCE does. */
export function enter(p: VfioProgramBuilder, { fd }: Guest, into: Term, ...updates: readonly Update[]): void {
  const at = p.memory(0x1_0000n).address;
  p.store(at, updates.flatMap(([ioba, tce, pages = 1n]) => [ioba, tce, pages]));
  p.iommufd(fd, 'IOMMU_HWPT_INVALIDATE', { hwpt_id: into, data_uptr: at, data_type: BigInt(INVALIDATE_PPC64_TCES), entry_len: BigInt(GUEST_TCE_LAYOUT.bytes), entry_num: BigInt(updates.length) });
}
