import type { BufferHandle, QueueHandle, VfioProgramBuilder } from '../../harness/build/vfio-program-builder.js';
import type { Term } from '../../reference/doors/term.js';

/* What scenarios of queues and virtual objects share. Their devices are those of the kernel's own test driver. */

/** What the test driver calls its virtual IOMMUs and their queues, and the data of its nested tables. */
export const SELFTEST = 0xdead_beefn;
const NESTED_DATA = 0xdeadn;
export const EVENTS = 0xbeef_beefn;

/** Bytes of a fault, and of an event of the test driver. */
export const FAULT = 40;
export const EVENT = 12;

/** What the test driver keeps of a nested table, and of a device, from the start. */
export const IOTLB = 0xbad_beefn;
export const CACHE = 0xbad_dadn;

/** A device of the test driver: as it ends it, its number, and the table that it is attached to. */
export interface MockHandle {
  readonly stdev: Term;
  readonly id: Term;
  readonly table: Term;
}

/** Makes a device and attaches it to an IOAS. Flag 4: with PASIDs. */
export function mock(p: VfioProgramBuilder, fd: Term, ioas: Term, as = 'mock', flags = 0n): MockHandle {
  if (flags === 0n) p.iommufd(fd, 'IOMMU_TEST_OP_MOCK_DOMAIN', { id: ioas }, { as });
  else p.iommufd(fd, 'IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS', { id: ioas, dev_flags: flags }, { as });
  return { stdev: { from: `${as}.out_stdev_id` }, id: { from: `${as}.out_idev_id` }, table: { from: `${as}.out_hwpt_id` } };
}

/** A table of a device on an IOAS. Flag 1: a parent of nested ones; 4: with a queue for faults; 8: for PASIDs. */
export function table(p: VfioProgramBuilder, fd: Term, device: MockHandle, on: Term, as: string, args: Readonly<Record<string, Term>> = {}): Term {
  p.iommufd(fd, 'IOMMU_HWPT_ALLOC', { dev_id: device.id, pt_id: on, ...args }, { as });
  return { from: `${as}.out_hwpt_id` };
}

/** Memory with words of 4 bytes in it. */
export function words(p: VfioProgramBuilder, ...values: readonly Term[]): BufferHandle {
  const buffer = p.memory();
  p.store(buffer.address, values, 4);
  return buffer;
}

/** A nested table on a parent, or on a virtual IOMMU. */
export function nested(p: VfioProgramBuilder, fd: Term, device: MockHandle, on: Term, as: string, args: Readonly<Record<string, Term>> = {}): Term {
  const data = words(p, IOTLB, 0n);
  return table(p, fd, device, on, as, { data_type: NESTED_DATA, data_len: 8n, data_uptr: data.address, ...args });
}

export function viommu(p: VfioProgramBuilder, fd: Term, device: MockHandle, parent: Term, as = 'viommu'): Term {
  p.iommufd(fd, 'IOMMU_VIOMMU_ALLOC', { type: SELFTEST, dev_id: device.id, hwpt_id: parent }, { as });
  return { from: `${as}.out_viommu_id` };
}

export function vdevice(p: VfioProgramBuilder, fd: Term, on: Term, device: MockHandle, virtualId: bigint, as = 'vdevice'): Term {
  p.iommufd(fd, 'IOMMU_VDEVICE_ALLOC', { viommu_id: on, dev_id: device.id, virt_id: virtualId }, { as });
  return { from: `${as}.out_vdevice_id` };
}

/** A queue for the events of a virtual IOMMU's devices. */
export function events(p: VfioProgramBuilder, fd: Term, on: Term, depth: bigint, as = 'events', type = EVENTS): QueueHandle {
  p.iommufd(fd, 'IOMMU_VEVENTQ_ALLOC', { viommu_id: on, type, veventq_depth: depth, out_veventq_fd: 0xffff_ffffn }, { as });
  return { id: { from: `${as}.out_veventq_id` }, fd: { from: `${as}.out_veventq_fd` } };
}

/** Attaches the device to another table, or IOAS. */
export const replace = (p: VfioProgramBuilder, fd: Term, { stdev }: MockHandle, on: Term): VfioProgramBuilder => p.iommufd(fd, 'IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE', { id: stdev, pt_id: on });

export const destroy = (p: VfioProgramBuilder, fd: Term, ...ids: readonly Term[]): void => {
  for (const id of ids) p.iommufd(fd, 'IOMMU_DESTROY', { id });
};

/** The device faults: the address tells one fault from another. */
export const fault = (p: VfioProgramBuilder, fd: Term, { id }: MockHandle, addr: bigint, args: Readonly<Record<string, Term>> = {}): VfioProgramBuilder =>
  p.iommufd(fd, 'IOMMU_TEST_OP_TRIGGER_IOPF', { dev_id: id, addr, grpid: 5n, perm: 3n, ...args });

/** The device raises an event. */
export const raise = (p: VfioProgramBuilder, fd: Term, { id }: MockHandle, times = 1): void => {
  for (let i = 0; i < times; i++) p.iommufd(fd, 'IOMMU_TEST_OP_TRIGGER_VEVENT', { dev_id: id });
};

/** A device with a virtual IOMMU on a parent table. */
export interface Guest {
  readonly fd: Term;
  readonly ioas: Term;
  readonly device: MockHandle;
  readonly parent: Term;
  readonly viommu: Term;
}

export function guest(p: VfioProgramBuilder): Guest {
  const fd = p.iommu();
  const ioas = p.ioas(fd);
  const device = mock(p, fd, ioas);
  const parent = table(p, fd, device, ioas, 'parent', { flags: 1n });
  return { fd, ioas, device, parent, viommu: viommu(p, fd, device, parent) };
}

/** The same with the device as one of the guest's, so that it raises events there. */
export function raising(p: VfioProgramBuilder, virtualId = 0x99n): Guest & { readonly vdevice: Term; readonly nested: Term } {
  const made = guest(p);
  const { fd, device } = made;
  const virtual = vdevice(p, fd, made.viommu, device, virtualId);
  const on = nested(p, fd, device, made.viommu, 'nested');
  replace(p, fd, device, on);
  return { ...made, vdevice: virtual, nested: on };
}
