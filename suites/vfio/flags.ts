import { vfioScenario } from '../../harness/build/scenario-builder.js';
import type { VfioProgramBuilder } from '../../harness/build/vfio-program-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import type { Term } from '../../reference/doors/term.js';
import type { VfioCallName } from '../../reference/uapi/vfio.js';
import { IO_PAGE, inUse, TWO_WINDOWS, V2 } from './steps.js';

const BITS: readonly bigint[] = Array.from({ length: 32 }, (_, bit) => 1n << BigInt(bit));

/** A call that is made with each flag alone; every bit but those known is refused, so the rest is never done. */
interface Flagged {
  readonly call: VfioCallName;
  readonly known?: bigint;
  readonly requires: readonly string[];
  readonly fields: (p: VfioProgramBuilder) => { readonly fd: Term; readonly args: Readonly<Record<string, Term>> };
}

const CALLS: readonly Flagged[] = [
  {
    call: 'VFIO_IOMMU_MAP_DMA',
    known: 3n,
    requires: V2,
    fields(p) {
      const { container, buffer } = inUse(p);
      return { fd: container.fd, args: { vaddr: buffer.address, iova: p.defaultWindow().start, size: IO_PAGE } };
    },
  },
  {
    call: 'VFIO_IOMMU_UNMAP_DMA',
    requires: V2,
    fields: (p) => ({ fd: inUse(p).container.fd, args: { iova: p.defaultWindow().start, size: IO_PAGE } }),
  },
  {
    call: 'VFIO_IOMMU_SPAPR_REGISTER_MEMORY',
    requires: V2,
    fields(p) {
      const container = p.v2();
      const buffer = p.memory();
      return { fd: container.fd, args: { vaddr: buffer.address, size: buffer.length } };
    },
  },
  {
    call: 'VFIO_IOMMU_SPAPR_UNREGISTER_MEMORY',
    requires: V2,
    fields(p) {
      const container = p.v2();
      const buffer = p.registered(container);
      return { fd: container.fd, args: { vaddr: buffer.address, size: buffer.length } };
    },
  },
  {
    call: 'VFIO_IOMMU_SPAPR_TCE_CREATE',
    requires: TWO_WINDOWS,
    fields: (p) => ({ fd: p.v2().fd, args: { page_shift: 16n, window_size: 1n << 26n, levels: 1n } }),
  },
  {
    call: 'VFIO_IOMMU_SPAPR_TCE_REMOVE',
    requires: TWO_WINDOWS,
    fields(p) {
      const container = p.v2();
      return { fd: container.fd, args: { start_addr: p.create(container).start } };
    },
  },
];

const place = (call: VfioCallName): string => call.replace(/^VFIO_IOMMU_(SPAPR_)?/, '').toLowerCase().replaceAll('_', '-');

const each = CALLS.map(({ call, known = 0n, requires, fields }) =>
  vfioScenario(
    { id: `vfio/flags/${place(call)}`, title: `${call} refuses each of its 32 flags that means nothing, alone and all together`, clauses: [`${call}/flags`], requires },
    (p) => {
      const { fd, args } = fields(p);
      for (const flags of [...BITS, 0xffff_ffffn ^ known, 0xffff_ffffn]) p.ioctl(fd, call, { ...args, flags });
    },
  ),
);

/** Flags that are an answer, not a question. */
const answered: readonly Scenario[] = [
  vfioScenario(
    { id: 'vfio/flags/answered', title: 'Where flags are part of the answer what was there before changes nothing', clauses: ['VFIO_IOMMU_SPAPR_TCE_GET_INFO/answer', 'VFIO_GROUP_GET_STATUS/answer', 'VFIO_DEVICE_GET_INFO/answer'], requires: V2 },
    (p) => {
      const container = p.v2();
      const { fd } = p.device(container);
      for (const flags of [1n, 2n, 1n << 31n, 0xffff_ffffn]) {
        p.ioctl(container.fd, 'VFIO_IOMMU_SPAPR_TCE_GET_INFO', { flags }).ioctl(container.group, 'VFIO_GROUP_GET_STATUS', { flags }).ioctl(fd, 'VFIO_DEVICE_GET_INFO', { flags });
      }
    },
  ),
  vfioScenario(
    { id: 'vfio/flags/reserved-fields', title: 'Reserved fields of VFIO_IOMMU_SPAPR_TCE_CREATE and what stood in its answer before change nothing', clauses: ['VFIO_IOMMU_SPAPR_TCE_CREATE/created'], requires: TWO_WINDOWS },
    (p) => {
      const container = p.v2();
      const reserved = { __resv1: 0xffff_ffffn, __resv2: 0x8000_0001n, start_addr: 0x1234_5678_9abc_def0n };
      p.ioctl(container.fd, 'VFIO_IOMMU_SPAPR_TCE_CREATE', { page_shift: 12n, window_size: 1n << 26n, levels: 1n, ...reserved }, { as: 'window' });
      const buffer = p.registered(container);
      p.map(container, buffer.address, { from: 'window.start_addr' }, buffer.length).remove(container, { from: 'window.start_addr' });
    },
  ),
];

export const scenarios: readonly Scenario[] = [...each, ...answered];
