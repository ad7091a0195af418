import type { Guard, Violation } from '../rules.js';
import { E } from '../uapi/errno.js';
import type { IommufdCallName } from '../uapi/iommufd.js';
import { arg, type Ioctl } from '../vfio/checks.js';
import type { Host } from '../vfio/host.js';
import { objectOf, readIommufd, type iommufdClause, type IommufdContext } from './checks.js';
import type { BoundDevice, PagingTable } from './state/context.js';

/* What calls of /dev/iommu on a device, or on a page table, look at. */

export interface OfDevice extends IommufdContext {
  readonly bound: BoundDevice | undefined;
}

export function readDevice(host: Host, ioctl: Ioctl): OfDevice {
  const c = readIommufd(host, ioctl);
  return { ...c, bound: objectOf(c.context, arg(c, 'dev_id'), 'device') };
}

export interface OfTable extends IommufdContext {
  readonly table: PagingTable | undefined;
}

export function readTable(host: Host, ioctl: Ioctl): OfTable {
  const c = readIommufd(host, ioctl);
  return { ...c, table: objectOf(c.context, arg(c, 'hwpt_id'), 'hwpt-paging') };
}

/** No device has that number. */
export const noDevice = <C extends OfDevice>(call: IommufdCallName, clause: ReturnType<typeof iommufdClause>): Guard<C> => ({
  ...clause(`${call}/dev_id`, 'A number of no device is refused with ENOENT.'),
  when: (c) => c.bound === undefined,
  refuse: [-E.ENOENT],
  violation: { args: { dev_id: 0n } },
});

/** No page table that follows an IOAS has that number. */
export const noTable = <C extends OfTable>(call: IommufdCallName, clause: ReturnType<typeof iommufdClause>): Guard<C> => ({
  ...clause(`${call}/hwpt_id`, 'A number of nothing, or of anything but a page table that follows an IOAS, is refused with ENOENT.'),
  when: (c) => c.table === undefined,
  refuse: [-E.ENOENT],
  violation: { args: { hwpt_id: 0n } },
});

/** A field or its flags have a bit that means nothing. */
export const notSupported = <C extends IommufdContext>(id: string, clause: ReturnType<typeof iommufdClause>, text: string, when: (c: C) => boolean, violation?: Violation): Guard<C> => ({
  ...clause(id, text),
  when,
  refuse: [-E.EOPNOTSUPP],
  ...(violation && { violation }),
});
