import type { AddressSpace } from '../../memory/process.js';
import type { IommuTable } from '../../platform/table-group.js';
import { KVM_HCALL_ENABLED_BY_DEFAULT } from '../../uapi/kvm.js';

/*
 * What KVM keeps of a virtual machine, as far as its TCE tables go. The real counterparts are struct kvm, kvm_memory_slot,
 * kvmppc_spapr_tce_table and kvmppc_spapr_tce_iommu_table (Linux include/linux/kvm_host.h, arch/powerpc/include/asm/kvm_host.h).
 */

export interface Vm {
  /** The process that made it: its memory is the machine's, and it pays. */
  readonly space: AddressSpace;
  /** By number. */
  readonly slots: Map<number, MemorySlot>;
  /** Tables that somebody still has, the oldest first. */
  tables: SpaprTable[];
  /** Hypercalls that KVM answers itself, by name. */
  readonly enabled: Set<string>;
  /** Numbers of processors: they stay as long as the machine. */
  readonly processors: Set<number>;
  /** KVM's VFIO device exists: a machine has one at most. */
  hasDevice: boolean;
}

/** A part of the guest's memory: addresses and size in bytes. */
export interface MemorySlot {
  readonly flags: bigint;
  /** First guest address. */
  readonly start: bigint;
  readonly size: bigint;
  /** The same memory in the process. */
  readonly address: bigint;
}

/** A TCE table of a machine: the guest's copy of the entries, and the hardware tables that follow it. */
export interface SpaprTable {
  readonly vm: Vm;
  readonly liobn: bigint;
  /** log2 of the guest's I/O page, bytes. */
  readonly pageShift: number;
  /** First I/O page of the window. */
  readonly offset: bigint;
  /** Number of I/O pages, each with an entry. */
  readonly size: bigint;
  /** Where its entries are in real memory: 8 bytes each, in the system's own order. */
  readonly real: bigint;
  /** The latest first, as the kernel keeps them. */
  attached: Attachment[];
}

/** A hardware table that gets what the guest stores. */
export interface Attachment {
  readonly table: IommuTable;
  /** The groups through which it was attached, and that were not taken away since. */
  readonly groups: Set<object>;
}

/** A file that KVM's VFIO device was given, and whether a table was ever attached through it. */
export interface Added<File> {
  readonly file: File;
  attached: boolean;
}

export const makeVm = (space: AddressSpace): Vm => ({
  space,
  slots: new Map(),
  tables: [],
  enabled: new Set(KVM_HCALL_ENABLED_BY_DEFAULT),
  processors: new Set(),
  hasDevice: false,
});
