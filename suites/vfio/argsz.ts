import { vfioScenario } from '../../harness/build/scenario-builder.js';
import type { ContainerHandle, VfioProgramBuilder } from '../../harness/build/vfio-program-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import type { Term } from '../../reference/doors/term.js';
import { argumentOf } from '../../reference/uapi/ioctl.js';
import type { VfioCallName } from '../../reference/uapi/vfio.js';
import { IO_PAGE, ofType, PAGE, TWO_WINDOWS, TYPE_V1, TYPE_V2, V2 } from './steps.js';

/** What a scenario does around each call, and the fields of the call beside argsz. */
interface Sized {
  readonly call: VfioCallName;
  /** Makes everything ready, and returns how the call is made once with an argsz. */
  readonly ready: (p: VfioProgramBuilder) => (argsz: bigint) => void;
  readonly requires: readonly string[];
}

/** The size of the whole structure. */
function sizeOf(call: VfioCallName): bigint {
  const argument = argumentOf(call);
  return argument.kind === 'struct' ? BigInt(argument.bytes) : 0n;
}

/** From nothing in steps of a field to the whole structure, with the sizes beside it, and sizes beyond. */
function sizes(call: VfioCallName): bigint[] {
  const whole = sizeOf(call);
  const fields = Array.from({ length: Number(whole) / 4 }, (_, i) => BigInt(i * 4));
  return [...fields, whole - 1n, whole, whole + 1n, whole + 8n, 4096n, 0x7fff_ffffn, 0xffff_ffffn];
}

/** A call on a container that can be made any number of times. */
const repeatable = (call: VfioCallName, fields: (p: VfioProgramBuilder, container: ContainerHandle) => Readonly<Record<string, Term>>): Sized => ({
  call,
  requires: V2,
  ready(p) {
    const container = p.v2();
    const args = fields(p, container);
    return (argsz) => p.ioctl(container.fd, call, { ...args, argsz });
  },
});

const CALLS: readonly Sized[] = [
  repeatable('VFIO_IOMMU_SPAPR_TCE_GET_INFO', () => ({})),
  repeatable('VFIO_IOMMU_MAP_DMA', (p, container) => ({ flags: 3n, vaddr: p.registered(container).address, iova: p.defaultWindow().start, size: IO_PAGE })),
  repeatable('VFIO_IOMMU_UNMAP_DMA', (p, container) => {
    p.registered(container);
    return { iova: p.defaultWindow().start, size: IO_PAGE };
  }),
  {
    call: 'VFIO_IOMMU_SPAPR_REGISTER_MEMORY',
    requires: V2,
    ready(p) {
      const container = p.v2();
      const buffer = p.memory(PAGE);
      // Where it was registered it is given back; where it was not, there is nothing to give back.
      return (argsz) => p.ioctl(container.fd, 'VFIO_IOMMU_SPAPR_REGISTER_MEMORY', { vaddr: buffer.address, size: buffer.length, argsz }).unregister(container, buffer);
    },
  },
  {
    call: 'VFIO_IOMMU_SPAPR_UNREGISTER_MEMORY',
    requires: V2,
    ready(p) {
      const container = p.v2();
      const buffer = p.memory(PAGE);
      return (argsz) => p.register(container, buffer).ioctl(container.fd, 'VFIO_IOMMU_SPAPR_UNREGISTER_MEMORY', { vaddr: buffer.address, size: buffer.length, argsz });
    },
  },
  {
    call: 'VFIO_IOMMU_SPAPR_TCE_CREATE',
    requires: TWO_WINDOWS,
    ready(p) {
      const container = p.v2();
      let made = 0;
      return (argsz) => {
        const as = `sized${made++}`;
        p.ioctl(container.fd, 'VFIO_IOMMU_SPAPR_TCE_CREATE', { page_shift: 16n, window_size: 1n << 26n, levels: 1n, argsz }, { as });
        if (argsz >= sizeOf('VFIO_IOMMU_SPAPR_TCE_CREATE')) p.remove(container, { from: `${as}.start_addr` });
      };
    },
  },
  {
    call: 'VFIO_IOMMU_SPAPR_TCE_REMOVE',
    requires: TWO_WINDOWS,
    ready(p) {
      const container = p.v2();
      let window = p.create(container);
      return (argsz) => {
        p.ioctl(container.fd, 'VFIO_IOMMU_SPAPR_TCE_REMOVE', { start_addr: window.start, argsz });
        if (argsz >= sizeOf('VFIO_IOMMU_SPAPR_TCE_REMOVE')) window = p.create(container);
      };
    },
  },
];

const place = (call: VfioCallName): string => call.replace(/^VFIO_(IOMMU_)?(SPAPR_)?/, '').toLowerCase().replaceAll('_', '-');

const every = CALLS.map(({ call, requires, ready }) =>
  vfioScenario(
    {
      id: `vfio/argsz/${place(call)}`,
      title: `${call} refuses every argsz that is too small with EINVAL, and takes every larger one as it takes the right one`,
      clauses: [`${call}/argsz`],
      requires,
    },
    (p) => {
      const once = ready(p);
      for (const argsz of sizes(call)) once(argsz);
    },
  ),
);

/** The descriptions of a group and of a device. */
const DESCRIPTIONS = ['VFIO_GROUP_GET_STATUS', 'VFIO_DEVICE_GET_INFO', 'VFIO_DEVICE_GET_REGION_INFO'] as const;

const descriptions = vfioScenario(
  { id: 'vfio/argsz/descriptions', title: 'A group and a device refuse every argsz that is too small for their description with EINVAL, and take every larger one', clauses: DESCRIPTIONS.map((call) => `${call}/argsz`), requires: V2 },
  (p) => {
    const container = p.v2();
    const { fd } = p.device(container);
    for (const call of DESCRIPTIONS) {
      for (const argsz of sizes(call)) p.ioctl(call === 'VFIO_GROUP_GET_STATUS' ? container.group : fd, call, { argsz, ...(call === 'VFIO_DEVICE_GET_REGION_INFO' ? { index: 7n } : {}) });
    }
  },
);

/** The part of the answer that is not asked for is left as it was. */
const partial = vfioScenario(
  { id: 'vfio/argsz/partial-info', title: 'With room for the first fields alone VFIO_IOMMU_SPAPR_TCE_GET_INFO leaves the rest of the structure as it was, on v1 and on v2', clauses: ['VFIO_IOMMU_SPAPR_TCE_GET_INFO/answer'], requires: V2 },
  (p) => {
    const rubbish = { flags: 0xffff_ffffn, dma32_window_start: 0x1111_1111n, dma32_window_size: 0x2222_2222n, pgsizes: 0x3333_3333_3333n, max_dynamic_windows_supported: 0x4444_4444n, levels: 0x5555_5555n };
    for (const type of [TYPE_V1, TYPE_V2]) {
      const { fd, group } = ofType(p, type);
      for (const argsz of [16n, 20n, 24n, 28n, 31n, 32n]) p.ioctl(fd, 'VFIO_IOMMU_SPAPR_TCE_GET_INFO', { ...rubbish, argsz });
      p.close(group).close(fd);
    }
  },
);

export const scenarios: readonly Scenario[] = [...every, descriptions, partial];
