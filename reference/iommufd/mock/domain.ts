import { defineCall, type Answer, type Guard } from '../../rules.js';
import { E } from '../../uapi/errno.js';
import { MOCK_DEVICE } from '../../uapi/iommufd.js';
import { arg, type Ioctl, type IoctlInput } from '../../vfio/checks.js';
import type { Host } from '../../vfio/host.js';
import { bindDevice, changed } from '../attach.js';
import { changeChecks, goalOf, type ChangeContext } from '../attach-checks.js';
import { answerChecks, IOAS, IOMMU, readIommufd, sizeChecks, WITH_IOAS, type IommufdContext } from '../checks.js';
import { mockFacts, type DeviceFacts } from '../groups.js';
import { freeId, NO_PASID, type MockDevice } from '../state/context.js';
import { mockClause, refusal } from './checks.js';

const PLAIN = 'IOMMU_TEST_OP_MOCK_DOMAIN';
const FLAGS = 'IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS';

interface Make extends IommufdContext, ChangeContext {
  readonly facts: DeviceFacts;
}

/** PASIDs of a device that has them: 2^20. */
const PASID_BITS = 20;

function readMake(host: Host, ioctl: Ioctl, flags: bigint): Make {
  const c = readIommufd(host, ioctl);
  const id = freeId(c.context);
  const facts = mockFacts(`mock${id}`, (flags & MOCK_DEVICE.NO_DIRTY) === 0n, (flags & MOCK_DEVICE.PASID) === 0n ? 0 : PASID_BITS);
  return { ...c, facts, change: { host, context: c.context, device: facts, pasid: NO_PASID, object: c.context.objects.get(Number(arg(c, 'id'))) } };
}

/** The device that is seen, the one that is bound, and the table get their numbers in this order. */
function make({ host, context, facts, change }: Make, clause: string): Answer {
  const goal = goalOf(change);
  const id = freeId(context);
  context.objects.set(id, { kind: 'tombstone', id });
  const device = bindDevice(host, context, facts, freeId(context));
  const table = changed(host, context, device, NO_PASID, goal, freeId(context));
  const seen: MockDevice = { kind: 'mock-device', id, device };
  context.objects.set(id, seen);
  const output = (index: number, name: string, value: number) => ({ index, name, value: BigInt(value), clause });
  return { clause, status: 0, outputs: [output(4, 'out_stdev_id', id), output(5, 'out_hwpt_id', table.id), output(6, 'out_idev_id', device.id)] };
}

const common = (name: typeof PLAIN | typeof FLAGS): Guard<Make>[] => [
  ...changeChecks<Make>(name, { table: { args: { id: 0x7fff_ffffn } }, kind: undefined, driver: undefined, alignment: undefined, aperture: undefined }),
  answerChecks(name),
];

const made = (name: string) => mockClause(`${name}/made`, 'A device of the test driver is made, bound, and attached to what was named; ending it ends all of that.');

/** Makes a device of the test driver and attaches it. */
export const mockDomain = defineCall<Make, IoctlInput>({
  name: PLAIN,
  parameters: ['size', 'op', 'id', '__reserved', 'out_stdev_id', 'out_hwpt_id', 'out_idev_id'],
  read: (host, ioctl) => readMake(host, ioctl, 0n),
  guards: [...sizeChecks<Make>(PLAIN), ...common(PLAIN)],
  effect: { clauses: [made(PLAIN)], apply: (c) => make(c, `${PLAIN}/made`) },
  sample: { requires: ['mock'], fd: IOMMU, setup: WITH_IOAS, args: { id: IOAS } },
});

const KNOWN = MOCK_DEVICE.NO_DIRTY | MOCK_DEVICE.PASID;

/** The same, with flags of the device. */
export const mockDomainFlags = defineCall<Make, IoctlInput>({
  name: FLAGS,
  parameters: ['size', 'op', 'id', '__reserved', 'out_stdev_id', 'out_hwpt_id', 'out_idev_id', 'dev_flags'],
  read: (host, ioctl) => readMake(host, ioctl, ioctl.args['dev_flags'] ?? 0n),
  guards: [
    ...sizeChecks<Make>(FLAGS),
    refusal(`${FLAGS}/flags`, 'An unknown flag of the device is refused with EINVAL.', E.EINVAL, (c) => (arg(c, 'dev_flags') & ~KNOWN) !== 0n, { args: { dev_flags: 2n } }),
    ...common(FLAGS),
  ],
  effect: { clauses: [made(FLAGS)], apply: (c) => make(c, `${FLAGS}/made`) },
  sample: { requires: ['mock'], fd: IOMMU, setup: WITH_IOAS, args: { id: IOAS } },
});
