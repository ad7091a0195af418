import { realAddress, type Region } from '../memory/process.js';
import { defineCall, type Guard } from '../rules.js';
import { E } from '../uapi/errno.js';
import { MAP_READ, MAP_WRITE } from '../uapi/vfio.js';
import { arg, badPointer, BUFFER, CONTAINER, foreignProcess, READY_V2, spaprClause, tooShort, unknownFlags, type IoctlInput } from './checks.js';
import { afterDefault, chargedSpace, defaultChecks, noBytes, notEnabled, offsetMask, outsideWindows, partialPage, readMapping, unalignedIova } from './mapping-checks.js';
import { firstEntry, pageBytes, pageChecks, pageCount, regionOf, rollBackFatal, type Map } from './map-pages.js';
import { makePromisedDefault, mapEntry, regionPage, windowAt, type MappedPage } from './windows.js';

const NAME = 'VFIO_IOMMU_MAP_DMA';

const unalignedAddress: Guard<Map> = afterDefault({
  ...spaprClause(`${NAME}/vaddr`, 'An address in memory that is not a multiple of the I/O page is refused with EINVAL.'),
  when: (c) => (c.vaddr & offsetMask(c.window!)) !== 0n,
  refuse: [-E.EINVAL],
  violation: { args: { vaddr: { from: 'buffer.address', plus: 0x800n } } },
});

const noDirection: Guard<Map> = afterDefault({
  ...spaprClause(`${NAME}/direction`, 'A mapping that the device may neither read nor write is refused with EINVAL.'),
  when: (c) => (arg(c, 'flags') & (MAP_READ | MAP_WRITE)) === 0n,
  refuse: [-E.EINVAL],
  violation: { args: { flags: 0n } },
});

/** What firmware says reaches the caller as it is: any refusal will do (choice V2). */
const REFUSALS = [-E.EINVAL, -E.ENXIO, -E.EINTR, -E.EPERM, -E.EFAULT, -E.ENOMEM, -E.ERANGE, -E.ENOSPC, 1] as const;

const beyondWindow: Guard<Map> = {
  ...spaprClause(`${NAME}/beyond-window`, 'A mapping that begins in a window and ends outside is refused, and maps nothing.'),
  when: (c) => c.iova + c.size > c.window!.start + c.window!.size,
  refuse: REFUSALS,
  // Memory may end before the window does.
  damage: rollBackFatal,
};

/** The page at an address as the call maps it. */
function pageAt(c: Map, address: bigint, region: Region | undefined): MappedPage {
  const permission = arg(c, 'flags') & (MAP_READ | MAP_WRITE);
  if (region !== undefined) return regionPage(region, address, permission);
  return { region: undefined, real: realAddress(c.process.space, address)!, permission };
}

/** VFIO_IOMMU_MAP_DMA: points entries of a window to the process's memory. */
export const mapDma = defineCall<Map, IoctlInput>({
  name: NAME,
  parameters: ['argsz', 'flags', 'vaddr', 'iova', 'size'],
  read: (host, ioctl) => ({ ...readMapping(host, ioctl), vaddr: ioctl.args['vaddr'] ?? 0n }),
  guards: [
    foreignProcess(NAME),
    notEnabled(NAME),
    badPointer(NAME),
    tooShort(NAME, 32n),
    unknownFlags(NAME, MAP_READ | MAP_WRITE),
    ...defaultChecks<Map>(NAME),
    outsideWindows(NAME),
    partialPage(NAME),
    unalignedAddress,
    noDirection,
    unalignedIova(NAME),
    noBytes(NAME),
    beyondWindow,
    ...pageChecks,
  ],
  effect: {
    clauses: [
      spaprClause(`${NAME}/mapped`, 'Every I/O page of the range maps its page of memory, with the directions asked for; a mapping that was there is replaced.'),
    ],
    apply(c) {
      makePromisedDefault(c.host, c.container, chargedSpace(c));
      const table = windowAt(c.container, c.iova);
      for (let i = 0; table !== undefined && i < pageCount(c); i++) {
        const address = c.vaddr + BigInt(i) * pageBytes(c);
        mapEntry(c.host, c.container, table, firstEntry(c) + i, pageAt(c, address, regionOf(c, address)));
      }
      return { clause: `${NAME}/mapped`, status: 0 };
    },
  },
  sample: {
    fd: CONTAINER,
    setup: READY_V2,
    args: { argsz: 32n, flags: MAP_READ | MAP_WRITE, vaddr: BUFFER, iova: { from: 'pe0.dma32.start' }, size: 0x1000n },
  },
});
