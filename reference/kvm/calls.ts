import type { AnyCall, RuleBook } from '../rules.js';
import type { IoctlName } from '../uapi/ioctl.js';
import { isKvmCall, type KvmCallName } from '../uapi/kvm.js';
import type { KvmOwnFile, OpenFile } from '../vfio/host.js';
import { createDevice } from './create-device.js';
import { createSpaprTce, createSpaprTce64 } from './create-spapr-tce.js';
import { hasDeviceAttr, setDeviceAttr } from './device-attributes.js';
import { enableCap } from './enable-cap.js';
import { makeGuest } from './guest.js';
import { kvmGetTce } from './h-get-tce.js';
import { kvmPutTceIndirect } from './h-put-tce-indirect.js';
import { kvmPutTce } from './h-put-tce.js';
import { kvmStuffTce } from './h-stuff-tce.js';
import { mapTable } from './map-table.js';
import { openKvm } from './open.js';
import { otherKvmCall } from './other-calls.js';
import { kvmOtherHcall } from './other-hcall.js';
import { setUserMemoryRegion } from './set-user-memory-region.js';
import { checkExtension, createVm, getApiVersion } from './system-calls.js';

/** The ioctls of KVM's files. */
export const KVM_IOCTL_RULES: readonly AnyCall[] = [
  getApiVersion,
  checkExtension,
  createVm,
  setUserMemoryRegion,
  createSpaprTce,
  createSpaprTce64,
  enableCap,
  createDevice,
  setDeviceAttr,
  hasDeviceAttr,
];

/** The hypercalls that KVM answers. */
export const KVM_HCALL_RULES: readonly AnyCall[] = [kvmPutTce, kvmGetTce, kvmStuffTce, kvmPutTceIndirect];

/** Every call of the door `kvm`. */
export const KVM_RULES: RuleBook = new Map([openKvm, ...KVM_IOCTL_RULES, otherKvmCall, mapTable, makeGuest, ...KVM_HCALL_RULES, kvmOtherHcall].map((call) => [call.name, call]));

const SERVED: Readonly<Record<KvmOwnFile['kind'], readonly KvmCallName[]>> = {
  kvm: ['KVM_GET_API_VERSION', 'KVM_CREATE_VM', 'KVM_CHECK_EXTENSION'],
  'kvm-vm': ['KVM_CHECK_EXTENSION', 'KVM_SET_USER_MEMORY_REGION', 'KVM_CREATE_SPAPR_TCE', 'KVM_CREATE_SPAPR_TCE_64', 'KVM_ENABLE_CAP', 'KVM_CREATE_DEVICE'],
  'kvm-device': ['KVM_SET_DEVICE_ATTR', 'KVM_HAS_DEVICE_ATTR'],
  'kvm-table': [],
  'kvm-processor': [],
};

export const isKvmFile = (file: OpenFile | undefined): file is KvmOwnFile => file !== undefined && file.kind in SERVED;

/** The call of the rule book that an ioctl of one of KVM's files comes to. */
export const servedByKvm = (file: KvmOwnFile, name: IoctlName): string => (isKvmCall(name) && SERVED[file.kind].includes(name) ? name : otherKvmCall.name);
