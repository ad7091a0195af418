import { defineCall, type Guard } from '../../rules.js';
import { E } from '../../uapi/errno.js';
import { arg, type IoctlInput } from '../../vfio/checks.js';
import { IOMMU, iommufdClause, objectOf, readIommufd, sizeChecks, type IommufdContext } from '../checks.js';
import { DEVICE, WITH_DEVICE } from '../samples.js';
import { NO_PASID, type BoundDevice, type Table } from '../state/context.js';
import { FAULT_FLAG } from '../state/fault-queue.js';

const NAME = 'IOMMU_TEST_OP_TRIGGER_IOPF';
const clause = iommufdClause('selftest.c iommufd_test_trigger_iopf; drivers/iommu/io-pgfault.c iommu_report_device_fault');

const deviceOf = (c: IommufdContext): BoundDevice | undefined => objectOf(c.context, arg(c, 'dev_id'), 'device');

const noDevice: Guard<IommufdContext> = {
  ...clause(`${NAME}/device`, 'A number of no device is refused with ENOENT.'),
  when: (c) => deviceOf(c) === undefined,
  refuse: [-E.ENOENT],
  violation: { args: { dev_id: 0n } },
};

/** Where a fault comes in: the table of its PASID; a guest that has the table of PASIDs to itself gets all others with the nested table of the whole. */
function entrance({ group }: BoundDevice, pasid: number): { readonly pasid: number; readonly table: Table } | undefined {
  const own = group.attached.get(pasid)?.table;
  if (own !== undefined) return { pasid, table: own };
  const whole = group.attached.get(NO_PASID)?.table;
  return whole?.kind === 'hwpt-nested' ? { pasid: NO_PASID, table: whole } : undefined;
}

/** IOMMU_TEST_OP_TRIGGER_IOPF: a device of the test driver asks for a page and does not get it. */
export const triggerIopf = defineCall<IommufdContext, IoctlInput>({
  name: NAME,
  parameters: ['size', 'op', 'id', '__reserved', 'dev_id', 'pasid', 'grpid', 'perm', 'addr'],
  read: readIommufd,
  guards: [...sizeChecks(NAME), noDevice],
  effect: {
    clauses: [
      clause(`${NAME}/delivered`, 'A fault goes to the queue of the table by which the access went: that of its PASID, else the nested one of the device.'),
      clause(`${NAME}/dropped`, 'A fault of a device whose table has no queue is nobody\'s: the device is told at once.'),
    ],
    apply(c) {
      const device = deviceOf(c)!;
      const pasid = Number(arg(c, 'pasid'));
      const into = entrance(device, pasid);
      if (into?.table.fault === undefined) return { clause: `${NAME}/dropped`, status: 0 };
      const flags = FAULT_FLAG.LAST_PAGE | (pasid === NO_PASID ? 0n : FAULT_FLAG.PASID_VALID);
      const fault = { flags, pasid: arg(c, 'pasid'), grpid: arg(c, 'grpid'), perm: arg(c, 'perm'), addr: arg(c, 'addr') };
      into.table.fault.waiting.push({ group: device.group, pasid: into.pasid, device: device.id, faults: [fault] });
      return { clause: `${NAME}/delivered`, status: 0 };
    },
  },
  sample: { requires: ['mock'], fd: IOMMU, setup: WITH_DEVICE, args: { dev_id: DEVICE } },
});
