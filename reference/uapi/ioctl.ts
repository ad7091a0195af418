import { IOMMUFD_CALLS, isIommufdCall, type IommufdCallName } from './iommufd.js';
import { FIRST_NUMBER, VFIO_CALLS, type Argument, type VfioCallName } from './vfio.js';

/** Every ioctl of the stack by name: VFIO's, and those of /dev/iommu. */
export type IoctlName = VfioCallName | IommufdCallName;

export const IOCTL_NAMES = [...Object.keys(VFIO_CALLS), ...Object.keys(IOMMUFD_CALLS)] as [IoctlName, ...IoctlName[]];

export const isIoctl = (name: string): name is IoctlName => name in VFIO_CALLS || isIommufdCall(name);

/** What an ioctl takes. */
export const argumentOf = (name: IoctlName): Argument => (isIommufdCall(name) ? IOMMUFD_CALLS[name].argument : VFIO_CALLS[name].argument);

/** n of `_IO(';', n)`. */
export const numberOf = (name: IoctlName): number => (isIommufdCall(name) ? IOMMUFD_CALLS[name].number : FIRST_NUMBER + VFIO_CALLS[name].number);

/** How a kernel's ioctl numbers say "no direction": POWER has three direction bits, and 1 for none. */
const NO_DIRECTION = { ppc64: 0x2000_0000, x86: 0 } as const;

/** The request that a program gives to ioctl. Bytes of the structure are no part of it. Source: arch/powerpc/include/uapi/asm/ioctl.h. */
export const ioctlRequest = (name: IoctlName, architecture: keyof typeof NO_DIRECTION = 'ppc64'): number =>
  NO_DIRECTION[architecture] + (0x3b << 8) + numberOf(name);
