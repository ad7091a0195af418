/*
 * The ioctls of KVM that a virtual machine with TCE tables needs: numbers and structures. Sources: Linux 7.2
 * include/uapi/linux/kvm.h, Documentation/virt/kvm/api.rst; `ioctl.ts` has the encoding.
 */

import type { Argument, Field } from './vfio.js';

export interface KvmCall {
  /** n of `_IO…(0xAE, n, …)`. */
  readonly number: number;
  /** What the request says of the structure: POWER's direction bits and its size. */
  readonly direction: 'none' | 'read' | 'write' | 'both';
  readonly argument: Argument;
  /** The call returns a new descriptor. */
  readonly descriptor?: true;
}

const u32 = (name: string, offset: number): Field => ({ name, offset, bytes: 4 });
const u64 = (name: string, offset: number): Field => ({ name, offset, bytes: 8 });

const struct = (bytes: number, ...fields: Field[]): Argument => ({ kind: 'struct', bytes, fields });

const none: Argument = { kind: 'none' };
const value: Argument = { kind: 'value' };

const deviceAttribute = struct(24, u32('flags', 0), u32('group', 4), u64('attr', 8), u64('addr', 16));

export const KVM_CALLS = {
  KVM_GET_API_VERSION: { number: 0x00, direction: 'none', argument: none },
  /** `value`: the kind of machine; 0 the usual one, 1 HV, 2 PR. */
  KVM_CREATE_VM: { number: 0x01, direction: 'none', argument: value, descriptor: true },
  KVM_CHECK_EXTENSION: { number: 0x03, direction: 'none', argument: value },
  /** `userspace_addr` must be a multiple of the system page size, `memory_size` 0 removes the slot. */
  KVM_SET_USER_MEMORY_REGION: {
    number: 0x46,
    direction: 'write',
    argument: struct(32, u32('slot', 0), u32('flags', 4), u64('guest_phys_addr', 8), u64('memory_size', 16), u64('userspace_addr', 24)),
  },
  /** `window_size` in bytes. */
  KVM_CREATE_SPAPR_TCE: { number: 0xa8, direction: 'write', argument: struct(16, u64('liobn', 0), u32('window_size', 8)), descriptor: true },
  /** `offset` and `size` in pages of the window. */
  KVM_CREATE_SPAPR_TCE_64: {
    number: 0xa8,
    direction: 'write',
    argument: struct(32, u64('liobn', 0), u32('page_shift', 8), u32('flags', 12), u64('offset', 16), u64('size', 24)),
    descriptor: true,
  },
  /** On a VM: KVM_CAP_PPC_ENABLE_HCALL with `arg0` the hypercall's number and `arg1` 1 or 0. */
  KVM_ENABLE_CAP: {
    number: 0xa3,
    direction: 'write',
    argument: struct(104, u32('cap', 0), u32('flags', 4), u64('arg0', 8), u64('arg1', 16), u64('arg2', 24), u64('arg3', 32)),
  },
  /** `fd` is what the kernel writes. */
  KVM_CREATE_DEVICE: { number: 0xe0, direction: 'both', argument: struct(12, u32('type', 0), u32('fd', 4), u32('flags', 8)) },
  /** `addr` points to what the attribute takes: a descriptor of 4 bytes, or the two of KVM_DEV_VFIO_GROUP_SET_SPAPR_TCE. */
  KVM_SET_DEVICE_ATTR: { number: 0xe1, direction: 'write', argument: deviceAttribute },
  KVM_HAS_DEVICE_ATTR: { number: 0xe3, direction: 'write', argument: deviceAttribute },
} as const satisfies Readonly<Record<string, KvmCall>>;

export type KvmCallName = keyof typeof KVM_CALLS;

export const isKvmCall = (name: string): name is KvmCallName => name in KVM_CALLS;

/** Extensions. */
export const KVM_CAP = {
  SPAPR_TCE: 63,
  PPC_PAPR: 68,
  PPC_ENABLE_HCALL: 104,
  SPAPR_MULTITCE: 94,
  SPAPR_TCE_64: 125,
  SPAPR_TCE_VFIO: 142,
} as const;

/** KVM's own VFIO device: its type, its one group of attributes that matters here, and their numbers. */
export const KVM_VFIO = { type: 4, file: 1, add: 1, del: 2, setSpaprTce: 3 } as const;

/** KVM_GET_API_VERSION. */
export const KVM_API_VERSION = 12;

/** What KVM's own handlers say of a hypercall that the monitor must answer; no guest ever sees it. Source: asm/hvcall.h. */
export const H_TOO_HARD = 9999;

/** Hypercalls are enabled by number. */
export const KVM_HCALL_ENABLED_BY_DEFAULT = ['H_PUT_TCE', 'H_GET_TCE'] as const;

/**
 * The part of a guest's memory that the operation `guest` takes for itself: code and mailboxes, at guest address 0, a memory slot
 * of its own. A program's own slots lie elsewhere and have other numbers.
 */
export const GUEST_CODE = { slot: 31, start: 0n, bytes: 0x1_0000n } as const;
