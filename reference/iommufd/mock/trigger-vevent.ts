import { defineCall, type Guard } from '../../rules.js';
import { E } from '../../uapi/errno.js';
import { arg, type IoctlInput } from '../../vfio/checks.js';
import { IOMMU, iommufdClause, objectOf, readIommufd, sizeChecks, type IommufdContext } from '../checks.js';
import { DEVICE, VEVENTQ_ALLOC, WITH_RAISING, WITH_VDEVICE } from '../samples.js';
import type { IommuGroup } from '../state/context.js';
import { report, type EventQueue } from '../state/event-queue.js';

const NAME = 'IOMMU_TEST_OP_TRIGGER_VEVENT';
const clause = iommufdClause('selftest.c iommufd_test_trigger_vevent');

const virtualOf = (c: IommufdContext): IommuGroup['virtual'] => objectOf(c.context, arg(c, 'dev_id'), 'device')?.group.virtual;

const queueOf = (c: IommufdContext): EventQueue | undefined => {
  const virtual = virtualOf(c);
  return [...c.context.objects.values()].find((object): object is EventQueue => object.kind === 'veventq' && object.viommu === virtual?.viommu.id && object.type === BigInt(virtual.viommu.driver.viommu!.events));
};

const noDevice: Guard<IommufdContext> = {
  ...clause(`${NAME}/device`, 'A number of no device is refused with ENOENT.'),
  when: (c) => objectOf(c.context, arg(c, 'dev_id'), 'device') === undefined,
  refuse: [-E.ENOENT],
  violation: { args: { dev_id: 0n } },
};

const notVirtual: Guard<IommufdContext> = {
  ...clause(`${NAME}/virtual`, 'A device that is not attached to a nested table of a virtual IOMMU, or has number 0 there, raises no event: ENOENT.'),
  when: (c) => (virtualOf(c)?.id ?? 0n) === 0n,
  refuse: [-E.ENOENT],
  violation: { instead: WITH_VDEVICE },
};

const noQueue: Guard<IommufdContext> = {
  ...clause(`${NAME}/queue`, 'Without a queue for events of that type the driver is told EOPNOTSUPP.', 'Linux 7.2 drivers/iommu/iommufd/driver.c iommufd_viommu_report_event'),
  when: (c) => queueOf(c) === undefined,
  refuse: [-E.EOPNOTSUPP],
  violation: { instead: WITH_RAISING },
};

/** IOMMU_TEST_OP_TRIGGER_VEVENT: a device of the test driver raises an event, whose data are its virtual number. */
export const triggerVevent = defineCall<IommufdContext, IoctlInput>({
  name: NAME,
  parameters: ['size', 'op', 'id', '__reserved', 'dev_id'],
  read: readIommufd,
  guards: [...sizeChecks(NAME), noDevice, notVirtual, noQueue],
  effect: {
    clauses: [clause(`${NAME}/reported`, 'The event is in the queue, or counted as lost where the queue is full: either way the driver is told of no error.', 'Linux 7.2 drivers/iommu/iommufd/driver.c iommufd_viommu_report_event')],
    apply(c) {
      report(queueOf(c)!, [BigInt.asUintN(32, virtualOf(c)!.id)]);
      return { clause: `${NAME}/reported`, status: 0 };
    },
  },
  sample: { requires: ['mock'], fd: IOMMU, setup: [...WITH_RAISING, VEVENTQ_ALLOC], args: { dev_id: DEVICE } },
});
