import { defineCall, type Guard } from '../../rules.js';
import { E } from '../../uapi/errno.js';
import type { IommufdCallName } from '../../uapi/iommufd.js';
import { arg, type Ioctl, type IoctlInput } from '../../vfio/checks.js';
import type { Host } from '../../vfio/host.js';
import { attachmentOf, changed, detach } from '../attach.js';
import { changeChecks, goalOf, type ChangeContext } from '../attach-checks.js';
import { answerChecks, IOMMU, iommufdClause, objectOf, readIommufd, sizeChecks, type IommufdContext } from '../checks.js';
import { MOCK, NO_SUCH_OBJECT, PASID_ATTACHED, PASID_TABLE, WITH_PASIDS } from '../samples.js';
import { freeId, type MockDevice, type Table } from '../state/context.js';

/* PASIDs of a device of the test driver: attached, replaced, detached, looked at. */

const ATTACH = 'IOMMU_TEST_OP_PASID_ATTACH';
const REPLACE = 'IOMMU_TEST_OP_PASID_REPLACE';
const DETACH = 'IOMMU_TEST_OP_PASID_DETACH';
const CHECK = 'IOMMU_TEST_OP_PASID_CHECK_HWPT';
const clause = iommufdClause('selftest.c iommufd_test_pasid_attach, iommufd_test_pasid_replace, iommufd_test_pasid_detach');

/** The PASID of which the test driver refuses every second table, to see that the first stays (IOMMU_TEST_PASID_RESERVED). */
const REFUSED = 1024;

interface OfMock extends IommufdContext {
  readonly seen: MockDevice | undefined;
}

interface Change extends OfMock, ChangeContext {}

const readMock = (host: Host, ioctl: Ioctl): OfMock => {
  const c = readIommufd(host, ioctl);
  return { ...c, seen: objectOf(c.context, arg(c, 'id'), 'mock-device') };
};

/** Without a device the first check decides; the others look at nothing then. */
const NOTHING = { group: { name: '', owner: undefined, bound: 0, attached: new Map() }, driver: { name: '', dirtyTracking: false, pasidBits: 0, ats: false }, reserved: [] };

const readChange = (host: Host, ioctl: Ioctl): Change => {
  const c = readMock(host, ioctl);
  return { ...c, change: { host, context: c.context, device: c.seen?.device ?? NOTHING, pasid: Number(arg(c, 'pasid')), object: c.context.objects.get(Number(arg(c, 'pt_id'))) } };
};

const noDevice = <C extends OfMock>(call: IommufdCallName): Guard<C> => ({
  ...clause(`${call}/id`, 'A number of no device of the test driver is refused with ENOENT.'),
  when: ({ seen }) => seen === undefined,
  refuse: [-E.ENOENT],
  violation: { args: { id: NO_SUCH_OBJECT } },
});

const attached = ({ seen, change }: Change): Table | undefined => attachmentOf(seen!.device, change.pasid)?.table;

/** The driver is asked: the PASID goes to another table. */
const asksDriver = (c: Change): boolean => c.change.pasid === REFUSED && c.seen!.device.driver.pasidBits > 0 && attached(c) !== goalOf(c.change).table;

/** What the driver is asked for it remembers: a table for that PASID is followed by a refusal. */
const perform = (c: Change): Table => {
  if (asksDriver(c)) c.seen!.refuses = true;
  return changed(c.host, c.context, c.seen!.device, c.change.pasid, goalOf(c.change), freeId(c.context));
};

const driverRefuses: Guard<Change> = {
  ...clause(`${REPLACE}/driver-error`, `A table that the driver refuses (the test driver every second one for PASID ${REFUSED}) is refused with its error, and what was in force stays.`, 'Linux 7.2 drivers/iommu/iommufd/selftest.c mock_domain_set_dev_pasid_nop'),
  when: (c) => asksDriver(c) && c.seen!.refuses === true,
  refuse: [-E.ENOMEM],
  damage(c) {
    c.seen!.refuses = false;
  },
};

const OF_FILLING = ['memory', 'limit'].map((rule) => `${ATTACH}/${rule}`);

/** The checks of a change, with one more where the table is known to be one. */
function checks(call: typeof ATTACH | typeof REPLACE, state: Guard<Change>): Guard<Change>[] {
  const [table, kind, ...rest] = changeChecks<Change>(call, { table: { args: { pt_id: NO_SUCH_OBJECT } }, kind: { args: { pt_id: MOCK } }, pasid: undefined, driver: undefined, ...(call === ATTACH && { 'pasid-range': undefined }) });
  return [noDevice(call), table!, kind!, state, ...rest];
}

const busy: Guard<Change> = {
  ...clause(`${ATTACH}/attached`, 'A PASID that is attached, to whatever table, is refused with EBUSY.', 'Linux 7.2 drivers/iommu/iommufd/device.c iommufd_hw_pagetable_attach'),
  when: (c) => attached(c) !== undefined,
  refuse: [-E.EBUSY],
  violation: { setup: [PASID_ATTACHED] },
};

const free: Guard<Change> = {
  ...clause(`${REPLACE}/attached`, 'A PASID that is not attached is refused with EINVAL.', 'Linux 7.2 drivers/iommu/iommufd/device.c iommufd_device_do_replace'),
  when: (c) => attached(c) === undefined,
  refuse: [-E.EINVAL],
  violation: { args: { pasid: 8n } },
};

const PT_ID = 5;
const told = (c: Change, id: string) => ({ clause: id, status: 0, outputs: [{ index: PT_ID, name: 'pt_id', value: BigInt(perform(c).id), clause: id }] });

/** IOMMU_TEST_OP_PASID_ATTACH: accesses with the PASID go by a page table. */
export const pasidAttach = defineCall<Change, IoctlInput>({
  name: ATTACH,
  parameters: ['size', 'op', 'id', '__reserved', 'pasid', 'pt_id'],
  read: readChange,
  guards: [
    ...sizeChecks<Change>(ATTACH),
    // No table is made for a PASID before it is refused.
    ...checks(ATTACH, busy).filter(({ id }) => !OF_FILLING.includes(id)),
    {
      ...answerChecks<Change>(ATTACH),
      damage(c) {
        perform(c);
        leave(c, c.change.pasid);
      },
    },
  ],
  effect: { clauses: [clause(`${ATTACH}/done`, 'The PASID is attached, apart from the device itself.')], apply: (c) => told(c, `${ATTACH}/done`) },
  sample: { requires: ['mock'], fd: IOMMU, setup: WITH_PASIDS, args: { id: MOCK, pasid: 7n, pt_id: PASID_TABLE } },
});

/** IOMMU_TEST_OP_PASID_REPLACE: the PASID goes over to another table. */
export const pasidReplace = defineCall<Change, IoctlInput>({
  name: REPLACE,
  parameters: ['size', 'op', 'id', '__reserved', 'pasid', 'pt_id'],
  read: readChange,
  guards: [
    ...sizeChecks<Change>(REPLACE),
    ...checks(REPLACE, free),
    driverRefuses,
    {
      ...answerChecks<Change>(REPLACE, 'An answer that cannot be written is refused with EFAULT; the PASID has gone over.'),
      damage(c) {
        perform(c);
      },
    },
  ],
  effect: { clauses: [clause(`${REPLACE}/done`, 'The PASID has gone over; on an error it stays where it was.')], apply: (c) => told(c, `${REPLACE}/done`) },
  sample: { requires: ['mock'], fd: IOMMU, setup: [...WITH_PASIDS, PASID_ATTACHED], args: { id: MOCK, pasid: 7n, pt_id: PASID_TABLE } },
});

/** The PASID goes by nothing any more; what the driver remembers of it goes too. */
function leave({ host, context, seen }: OfMock, pasid: number): void {
  if (pasid === REFUSED && attachmentOf(seen!.device, pasid) !== undefined) seen!.refuses = false;
  detach(host, context, seen!.device, pasid);
}

/** IOMMU_TEST_OP_PASID_DETACH: no access with the PASID reaches memory any more. */
export const pasidDetach = defineCall<OfMock, IoctlInput>({
  name: DETACH,
  parameters: ['size', 'op', 'id', '__reserved', 'pasid'],
  read: readMock,
  guards: [...sizeChecks<OfMock>(DETACH), noDevice(DETACH)],
  effect: {
    clauses: [clause(`${DETACH}/done`, 'The PASID is detached, also where it was not attached.')],
    apply(c) {
      leave(c, Number(arg(c, 'pasid')));
      return { clause: `${DETACH}/done`, status: 0 };
    },
  },
  sample: { requires: ['mock'], fd: IOMMU, setup: WITH_PASIDS, args: { id: MOCK, pasid: 7n } },
});

const tableAt = ({ seen, ...c }: OfMock): Table | undefined => seen!.device.group.attached.get(Number(arg(c, 'pasid')))?.table;
const asked = (c: OfMock) => c.context.objects.get(Number(arg(c, 'hwpt_id')));

const noTable: Guard<OfMock> = {
  ...clause(`${CHECK}/hwpt_id`, 'A number other than 0 of no object is refused with ENOENT.', 'Linux 7.2 drivers/iommu/iommufd/selftest.c iommufd_test_pasid_check_hwpt'),
  when: (c) => arg(c, 'hwpt_id') !== 0n && (asked(c) === undefined || asked(c)!.kind === 'tombstone'),
  refuse: [-E.ENOENT],
  violation: { args: { hwpt_id: NO_SUCH_OBJECT } },
};

const other: Guard<OfMock> = {
  ...clause(`${CHECK}/table`, 'Another table than that, and for 0 any table at all, is told by EINVAL.', 'Linux 7.2 drivers/iommu/iommufd/selftest.c iommufd_test_pasid_check_hwpt'),
  when: (c) => (arg(c, 'hwpt_id') === 0n ? undefined : asked(c)) !== tableAt(c),
  refuse: [-E.EINVAL],
  violation: { args: { hwpt_id: PASID_TABLE } },
};

/** IOMMU_TEST_OP_PASID_CHECK_HWPT: looks which table is in force for the PASID. */
export const pasidCheck = defineCall<OfMock, IoctlInput>({
  name: CHECK,
  parameters: ['size', 'op', 'id', '__reserved', 'pasid', 'hwpt_id'],
  read: readMock,
  guards: [...sizeChecks<OfMock>(CHECK), noDevice(CHECK), noTable, other],
  effect: {
    clauses: [clause(`${CHECK}/same`, 'That table, or with 0 none, is in force for the PASID.', 'Linux 7.2 drivers/iommu/iommufd/selftest.c iommufd_test_pasid_check_hwpt')],
    apply: () => ({ clause: `${CHECK}/same`, status: 0 }),
  },
  sample: { requires: ['mock'], fd: IOMMU, setup: WITH_PASIDS, args: { id: MOCK, pasid: 7n } },
});
