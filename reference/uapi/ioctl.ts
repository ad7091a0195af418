import { IOMMUFD_CALLS, isIommufdCall, type IommufdCallName } from './iommufd.js';
import { isKvmCall, KVM_CALLS, type KvmCall, type KvmCallName } from './kvm.js';
import { FIRST_NUMBER, VFIO_CALLS, type Argument, type VfioCallName } from './vfio.js';

/** Every ioctl of the stack by name: VFIO's, those of /dev/iommu, and KVM's. */
export type IoctlName = VfioCallName | IommufdCallName | KvmCallName;

export const IOCTL_NAMES = [...Object.keys(VFIO_CALLS), ...Object.keys(IOMMUFD_CALLS), ...Object.keys(KVM_CALLS)] as [IoctlName, ...IoctlName[]];

export const isIoctl = (name: string): name is IoctlName => name in VFIO_CALLS || isIommufdCall(name) || isKvmCall(name);

/** What an ioctl takes. */
export const argumentOf = (name: IoctlName): Argument => (isKvmCall(name) ? KVM_CALLS[name].argument : isIommufdCall(name) ? IOMMUFD_CALLS[name].argument : VFIO_CALLS[name].argument);

/** n of `_IO(';', n)`, or of `_IO(0xAE, n)`. */
export const numberOf = (name: IoctlName): number =>
  isKvmCall(name) ? KVM_CALLS[name].number : isIommufdCall(name) ? IOMMUFD_CALLS[name].number : FIRST_NUMBER + VFIO_CALLS[name].number;

/** How a kernel's ioctl numbers say which way the structure goes: POWER has three direction bits, others two. */
const DIRECTIONS = {
  ppc64: { none: 0x2000_0000, read: 0x4000_0000, write: 0x8000_0000, both: 0xc000_0000 },
  x86: { none: 0, read: 0x8000_0000, write: 0x4000_0000, both: 0xc000_0000 },
} as const;

/** VFIO and /dev/iommu share a type, `;`, and say nothing of direction and size; KVM's requests do. */
const OWN_TYPE = 0x3b << 8;
const KVM_TYPE = 0xae << 8;

/** The request that a program gives to ioctl. Source: arch/powerpc/include/uapi/asm/ioctl.h. */
export function ioctlRequest(name: IoctlName, architecture: keyof typeof DIRECTIONS = 'ppc64'): number {
  if (!isKvmCall(name)) return DIRECTIONS[architecture].none + OWN_TYPE + numberOf(name);
  const { argument, direction, number } = KVM_CALLS[name];
  return kvmRequest({ number, direction, bytes: argument.kind === 'struct' ? argument.bytes : 0 }, architecture);
}

/** The request of a call of KVM: its number, which way its structure goes, and the bytes of that. */
export const kvmRequest = (
  { number, direction, bytes }: Pick<KvmCall, 'number' | 'direction'> & { readonly bytes: number },
  architecture: keyof typeof DIRECTIONS = 'ppc64',
): number => DIRECTIONS[architecture][direction] + bytes * 0x1_0000 + KVM_TYPE + number;
