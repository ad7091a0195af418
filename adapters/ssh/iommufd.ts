import type { LinuxDescription } from '../../reference/description.js';
import type { Operation } from '../../reference/doors/operations.js';
import { E } from '../../reference/uapi/errno.js';
import { compile } from './compile.js';
import { observations } from './ending.js';
import type { HostFacts } from './host-facts.js';
import { Look } from './look.js';
import type { Session } from './session.js';

const NODE = '/dev/iommu';
const UNSAFE = '/sys/module/iommufd/parameters/allow_unsafe_interrupts';
const NODES_OF_DEVICES = '/dev/vfio/devices';

/** What a kernel's /dev/iommu is; undefined where it has none, or we may not use it. */
export async function describeIommufd(session: Session, facts: HostFacts): Promise<LinuxDescription['iommufd']> {
  const look = new Look(session.link);
  const [there = false] = await look.access([NODE]);
  if (!there) return undefined;
  const [unsafe = ''] = await look.texts([UNSAFE]);
  const cdev = [...facts.devices.values()].some(({ node }) => node !== undefined);
  return { cdev, allowUnsafe: /^[Y1]/.test(unsafe), ...((await hasTestDriver(session, facts)) && { mock: true as const }) };
}

/** Asked for an operation that it does not have: a kernel without it does not know the number at all. */
const ASKING: readonly Operation[] = [
  { door: 'iommufd', op: 'open', what: 'iommu', as: 'iommu' },
  { door: 'iommufd', op: 'ioctl', fd: { from: 'iommu.fd' }, call: 'IOMMU_TEST_OP_UNKNOWN', args: {} },
  { door: 'vfio', op: 'close', fd: { from: 'iommu.fd' } },
];

async function hasTestDriver(session: Session, facts: HostFacts): Promise<boolean> {
  const program = { operations: ASKING };
  const [, asked] = observations(program, await session.run(compile(program, facts)), facts);
  return asked?.kind === 'syscall' && asked.result !== BigInt(-E.ENOTTY);
}

/** The nodes that devices have of their own, by PCI address. A kernel that makes none has a name for them all the same. */
export async function deviceNodes(look: Look, addresses: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const names = await look.names(addresses.map((address) => `/sys/bus/pci/devices/${address}/vfio-dev`));
  const nodes = addresses.map((_, i) => `${NODES_OF_DEVICES}/${names[i]?.[0] ?? '-'}`);
  const there = await look.access(nodes);
  return new Map(addresses.flatMap((address, i) => (there[i] === true ? [[address, nodes[i]!] as const] : [])));
}
