import type { Operation } from '../doors/operations.js';
import type { Term } from '../doors/term.js';
import type { IommufdCallName } from '../uapi/iommufd.js';
import { IOAS, IOMMU, WITH_IOAS } from './checks.js';
import { NO_DESCRIPTOR } from './new-queue.js';

/* Objects as the samples of the calls on queues and virtual objects name them. Devices are those of the kernel's test driver. */

const ioctl = (call: IommufdCallName, args: Readonly<Record<string, Term>>, as: string): Operation => ({ door: 'iommufd', op: 'ioctl', fd: IOMMU, call, args, as });

/** A number that no object has. */
export const NO_SUCH_OBJECT = 0x7fff_fff0n;

/** What the test driver calls its virtual IOMMUs, their queues, and what is invalidated. */
export const SELFTEST = 0xdead_beefn;

/** The type of data with which the test driver makes nested tables, and the words that it keeps of them. */
export const SELFTEST_DATA = 0xdeadn;

export const DEVICE: Term = { from: 'mock.out_idev_id' };
export const MOCK: Term = { from: 'mock.out_stdev_id' };
/** The table that the device is attached to, made by attaching: no parent of any other. */
export const TABLE: Term = { from: 'mock.out_hwpt_id' };
export const PARENT: Term = { from: 'parent.out_hwpt_id' };
export const VIOMMU: Term = { from: 'viommu.out_viommu_id' };
export const VDEVICE: Term = { from: 'vdevice.out_vdevice_id' };

export const WITH_DEVICE: readonly Operation[] = [...WITH_IOAS, ioctl('IOMMU_TEST_OP_MOCK_DOMAIN', { id: IOAS }, 'mock')];

export const WITH_PARENT: readonly Operation[] = [...WITH_DEVICE, ioctl('IOMMU_HWPT_ALLOC', { flags: 1n, dev_id: DEVICE, pt_id: IOAS }, 'parent')];

export const WITH_VIOMMU: readonly Operation[] = [...WITH_PARENT, ioctl('IOMMU_VIOMMU_ALLOC', { type: SELFTEST, dev_id: DEVICE, hwpt_id: PARENT }, 'viommu')];

export const VDEVICE_ALLOC: Operation = ioctl('IOMMU_VDEVICE_ALLOC', { viommu_id: VIOMMU, dev_id: DEVICE, virt_id: 0x99n }, 'vdevice');

export const WITH_VDEVICE: readonly Operation[] = [...WITH_VIOMMU, VDEVICE_ALLOC];

/** Another device, of the same driver. */
export const SECOND_DEVICE: Operation = ioctl('IOMMU_TEST_OP_MOCK_DOMAIN', { id: IOAS }, 'second');

export const VEVENTQ_ALLOC: Operation = ioctl('IOMMU_VEVENTQ_ALLOC', { viommu_id: VIOMMU, type: 0xbeef_beefn, veventq_depth: 2n, out_veventq_fd: NO_DESCRIPTOR }, 'events');

/** A nested table, its data of two words. */
export const DATA: Term = { from: 'data.address' };
/** An entry of an invalidation: no flag, place 0. */
export const ENTRY: Term = { from: 'data.address', plus: 8n };
export const WITH_NESTED: readonly Operation[] = [
  ...WITH_PARENT,
  { door: 'user', op: 'map', length: 0x1_0000n, protection: 'rw', as: 'data' },
  { door: 'user', op: 'store', address: DATA, wordBytes: 4, words: [0xbad_beefn, 0n] },
  ioctl('IOMMU_HWPT_ALLOC', { dev_id: DEVICE, pt_id: PARENT, data_type: SELFTEST_DATA, data_len: 8n, data_uptr: DATA }, 'nested'),
];
export const NESTED: Term = { from: 'nested.out_hwpt_id' };

/** A page of memory at IOVA 16 MiB of the IOAS. */
export const MAPPED: readonly Operation[] = [
  { door: 'user', op: 'map', length: 0x2_0000n, protection: 'rw', as: 'queue' },
  ioctl('IOMMU_IOAS_MAP', { flags: 7n, ioas_id: IOAS, user_va: { from: 'queue.address' }, length: 0x2_0000n, iova: 0x100_0000n }, 'mapped'),
];

/** The device attached to a nested table of its virtual IOMMU, so that it raises events there; nobody reads them. */
export const WITH_RAISING: readonly Operation[] = [
  ...WITH_VDEVICE,
  { door: 'user', op: 'map', length: 0x1_0000n, protection: 'rw', as: 'data' },
  ioctl('IOMMU_HWPT_ALLOC', { dev_id: DEVICE, pt_id: VIOMMU, data_type: SELFTEST_DATA, data_len: 8n, data_uptr: DATA }, 'nested'),
  ioctl('IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE', { id: MOCK, pt_id: NESTED }, 'raising'),
];

/** A device with PASIDs, attached to a table that was made for them. */
export const PASID_TABLE: Term = { from: 'pasids.out_hwpt_id' };
export const WITH_PASIDS: readonly Operation[] = [
  ...WITH_IOAS,
  ioctl('IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS', { id: IOAS, dev_flags: 4n }, 'mock'),
  ioctl('IOMMU_HWPT_ALLOC', { flags: 8n, dev_id: DEVICE, pt_id: IOAS }, 'pasids'),
  ioctl('IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE', { id: MOCK, pt_id: PASID_TABLE }, 'whole'),
];
export const PASID_ATTACHED: Operation = ioctl('IOMMU_TEST_OP_PASID_ATTACH', { id: MOCK, pasid: 7n, pt_id: PASID_TABLE }, 'attached');
