import { defineCall, type Guard } from '../rules.js';
import { E } from '../uapi/errno.js';
import { badPointer, BUFFER, CONTAINER, foreignProcess, READY_V2, spaprClause, tooShort, unknownFlags, type IoctlInput } from './checks.js';
import {
  afterDefault,
  chargedSpace,
  defaultChecks,
  noBytes,
  notEnabled,
  outsideWindows,
  partialPage,
  readMapping,
  unalignedIova,
  type MappingContext,
} from './mapping-checks.js';
import { clearEntries, makePromisedDefault, windowAt } from './windows.js';

const NAME = 'VFIO_IOMMU_UNMAP_DMA';

const beyondWindow: Guard<MappingContext> = afterDefault({
  ...spaprClause(`${NAME}/beyond-window`, 'A range that begins in a window and ends outside is refused (EINVAL; Linux says 1).'),
  when: (c) => c.iova + c.size > c.window!.start + c.window!.size,
  refuse: [-E.EINVAL, -E.ENXIO, 1],
  violation: { destructive: true, args: { size: { from: 'pe0.dma32.size', plus: 0x1000n } } },
});

/** VFIO_IOMMU_UNMAP_DMA: entries map nothing any more; those that mapped nothing stay so. */
export const unmapDma = defineCall<MappingContext, IoctlInput>({
  name: NAME,
  parameters: ['argsz', 'flags', 'iova', 'size'],
  read: readMapping,
  guards: [
    foreignProcess(NAME),
    notEnabled(NAME),
    badPointer(NAME),
    tooShort(NAME, 24n),
    unknownFlags(NAME),
    ...defaultChecks<MappingContext>(NAME),
    outsideWindows(NAME),
    partialPage(NAME),
    unalignedIova(NAME),
    noBytes(NAME),
    beyondWindow,
  ],
  effect: {
    clauses: [
      spaprClause(`${NAME}/unmapped`, 'No I/O page of the range maps anything any more, whether it did or not; the size is not changed.'),
    ],
    apply(c) {
      makePromisedDefault(c.host, c.container, chargedSpace(c));
      const table = windowAt(c.container, c.iova);
      if (table !== undefined) {
        const shift = BigInt(c.window!.pageShift);
        clearEntries(c.host, c.container, table, Number((c.iova - c.window!.start) >> shift), Number(c.size >> shift));
      }
      return { clause: `${NAME}/unmapped`, status: 0 };
    },
  },
  sample: {
    fd: CONTAINER,
    setup: [
      ...READY_V2,
      {
        door: 'vfio',
        op: 'ioctl',
        fd: CONTAINER,
        call: 'VFIO_IOMMU_MAP_DMA',
        args: { flags: 3n, vaddr: BUFFER, iova: { from: 'pe0.dma32.start' }, size: 0x1000n },
      },
    ],
    args: { argsz: 24n, flags: 0n, iova: { from: 'pe0.dma32.start' }, size: 0x1000n },
  },
});
