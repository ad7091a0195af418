import type { GroupDescription } from '../../reference/description.js';
import { field, type Observation } from '../../reference/doors/observation.js';
import type { Operation, VfioIoctl } from '../../reference/doors/operations.js';
import { E, syscallResultName } from '../../reference/uapi/errno.js';
import { IOMMU_TYPE } from '../../reference/uapi/vfio.js';
import { TargetLost } from '../target.js';
import { compile } from './compile.js';
import { eduAccess, probeSteps } from './edu.js';
import type { EduAccess, HostFacts } from './host-facts.js';
import type { Instruction } from './instructions.js';
import type { Answer } from './messages.js';
import { observe } from './observe.js';
import type { FoundGroup } from './devices.js';
import type { Session } from './session.js';
import { moduleMissing, noRights } from './trouble.js';

/** What VFIO tells of a group. */
export interface ProbedGroup extends Omit<GroupDescription, 'name' | 'devices'> {
  readonly eeh: boolean;
  /** How its `edu` devices are driven, by name; undefined for one that does not answer. */
  readonly edus: ReadonlyMap<string, EduAccess | undefined>;
}

const ioctl = (as: string, fd: string, call: VfioIoctl['call'], value: bigint): Operation => ({
  door: 'vfio',
  op: 'ioctl',
  as,
  fd: { from: `${fd}.fd` },
  call,
  args: { value },
});

/** A throw-away container with the group; of the two versions of SPAPR TCE the second, where there is one. */
const opening = (group: string): Operation[] => [
  { door: 'vfio', op: 'open', what: 'container', as: 'container' },
  { door: 'vfio', op: 'open', what: group, as: 'group' },
  { door: 'vfio', op: 'ioctl', as: 'joined', fd: { from: 'group.fd' }, call: 'VFIO_GROUP_SET_CONTAINER', args: { fd: { from: 'container.fd' } } },
  ioctl('v1', 'container', 'VFIO_CHECK_EXTENSION', BigInt(IOMMU_TYPE.SPAPR_TCE)),
  ioctl('eeh', 'container', 'VFIO_CHECK_EXTENSION', BigInt(IOMMU_TYPE.EEH)),
  ioctl('second', 'container', 'VFIO_SET_IOMMU', BigInt(IOMMU_TYPE.SPAPR_TCE_V2)),
  // Refused where the line before was not.
  ioctl('first', 'container', 'VFIO_SET_IOMMU', BigInt(IOMMU_TYPE.SPAPR_TCE)),
  { door: 'vfio', op: 'ioctl', as: 'info', fd: { from: 'container.fd' }, call: 'VFIO_IOMMU_SPAPR_TCE_GET_INFO', args: {} },
];

/** Asks VFIO about a group and its devices. @throws UsageError, TargetLost where it cannot be asked */
export async function probeGroup(session: Session, host: HostFacts, group: FoundGroup): Promise<ProbedGroup> {
  const edus = namesOf(group).filter((_, i) => group.devices[i]!.kind === 'edu');
  const operations = [...opening(group.name), ...edus.map(deviceDescriptor)];
  const probes = edus.map((name): Instruction => ({ by: 'main', steps: probeSteps(host, { ref: name }), limit: 60 }));
  const { answers } = await session.run([...compile({ operations }, host), ...probes]);
  const results = new Map(operations.map((operation, i) => [operation.as!, answers[i] && observe(operation, answers[i], host)]));
  const value = (name: string, of = 'result'): bigint => valueOf(results.get(name), of);
  checkOpened(session.link.name, group, value);
  return {
    dma32Start: Number(value('info', 'dma32_window_start')),
    dma32Size: Number(value('info', 'dma32_window_size')),
    pageSizes: value('info', 'pgsizes'),
    windows: Number(value('info', 'max_dynamic_windows_supported')),
    levels: Math.max(1, Number(value('info', 'levels'))),
    eeh: value('eeh') === 1n,
    edus: new Map(edus.map((name, i) => [name, eduOf(answers[operations.length + i])])),
  };
}

/** `pe0.dev0`, `pe0.dev1` … in the order of their addresses. */
export const namesOf = ({ name, devices }: FoundGroup): string[] => devices.map((_, i) => `${name}.dev${i}`);

const deviceDescriptor = (device: string): Operation => ({
  door: 'vfio',
  op: 'ioctl',
  as: device,
  fd: { from: 'group.fd' },
  call: 'VFIO_GROUP_GET_DEVICE_FD',
  args: {},
  device,
});

function checkOpened(name: string, { node, devices }: FoundGroup, value: (name: string) => bigint): void {
  const failed = (as: string): string => syscallResultName(value(as));
  if (value('container') === BigInt(-E.ENOENT)) throw moduleMissing(name, 'no /dev/vfio/vfio');
  if (value('container') < 0n) throw noRights(name, `${failed('container')} for /dev/vfio/vfio`);
  if (value('group') === BigInt(-E.EACCES)) throw noRights(name, `${failed('group')} for ${node}`);
  for (const as of ['group', 'joined']) {
    if (value(as) < 0n) throw new TargetLost(`expected to use ${node} (${devices[0]!.address}) of ${name}, but saw ${failed(as)}; does another program have it?`);
  }
  if (value('v1') !== 1n) throw moduleMissing(name, 'no SPAPR TCE in VFIO');
  if (value('info') < 0n) throw new TargetLost(`expected VFIO on ${name} to tell of ${node}, but saw ${failed('info')}; look at its kernel log (dmesg)`);
}

/** A number as the system call returned it: negative for an error. */
const valueOf = (observation: Observation | undefined, name: string): bigint =>
  observation === undefined ? -1n : BigInt.asIntN(64, field(observation, name) ?? 0n);

/** The last three of the probe's steps tell. */
function eduOf(answer: Answer | undefined): EduAccess | undefined {
  const [identification, , source] = answer !== undefined && 'steps' in answer ? answer.steps.slice(-3) : [];
  return identification?.[2] ? eduAccess(identification[2], source?.[2] ?? undefined) : undefined;
}
