import { machineFacts, type GroupDescription, type LinuxDescription, type MachineDescription } from '../../reference/description.js';
import type { AgentLink } from './agent-link.js';
import { treeWindow } from './default-window.js';
import type { FoundGroup } from './devices.js';
import { EEH_DEBUGFS } from './eeh-debugfs.js';
import type { DeviceFacts, HostFacts } from './host-facts.js';
import { describeIommufd, deviceNodes } from './iommufd.js';
import { askKvm } from './ask-kvm.js';
import { Look } from './look.js';
import { namesOf, probeGroup, type ProbedGroup } from './probe.js';
import type { Session } from './session.js';
import type { SystemFacts } from './system.js';

/** Where Linux puts a window beside another one: QEMU's pSeries and PowerNV both. Only the model's own choice. */
const SECOND_WINDOW = 1n << 59n;

/** A host as programs are turned into system calls for it, and as the model is configured for it. */
export interface DescribedHost {
  readonly machine: MachineDescription;
  readonly facts: HostFacts;
  readonly system: SystemFacts;
  /** Why there is no KVM to be tested. */
  readonly noKvm?: string;
  /** The kernel's EEH can be told things. */
  readonly eehDebugfs: boolean;
}

/**
 * Completes what is known of a host: asks VFIO about each group, in a container that is thrown away. Every device is with
 * vfio-pci.
 */
export async function describeHost(session: Session, system: SystemFacts, groups: readonly FoundGroup[]): Promise<DescribedHost> {
  const { link } = session;
  const bare = bareFacts(link, groups);
  const described: GroupDescription[] = [];
  const devices = await asFound(new Look(link), bare.devices);
  let eeh = false;
  for (const group of groups) {
    const probed = await probeGroup(session, bare, group);
    eeh ||= probed.eeh;
    described.push(await describeGroup(new Look(link), system.platform, group, probed));
    for (const [name, edu] of probed.edus) if (edu !== undefined) devices.set(name, { ...devices.get(name)!, edu });
  }
  const iommufd = await describeIommufd(session, { ...bare, devices });
  const noKvm = await askKvm(session, { ...bare, devices });
  const machine = machineOf(system, link.hello.page, described, eeh, { ...(iommufd !== undefined && { iommufd }), ...(noKvm === undefined && { kvm: true as const }) });
  const [eehDebugfs = false] = await new Look(link).access([`${EEH_DEBUGFS}/eeh_dev_check`]);
  return { machine, system, eehDebugfs, ...(noKvm !== undefined && { noKvm }), facts: { ...bare, devices, facts: machineFacts(machine) } };
}

/** The devices with the numbers of their PEs, where the kernel has EEH, and their own nodes, where it makes any. */
async function asFound(look: Look, devices: HostFacts['devices']): Promise<Map<string, DeviceFacts>> {
  const addresses = [...devices.values()].map(({ address }) => address);
  const texts = await look.texts(addresses.map((address) => `/sys/bus/pci/devices/${address}/eeh_pe_config_addr`));
  const nodes = await deviceNodes(look, addresses);
  const found = ({ address }: DeviceFacts, pe: string | undefined): Partial<DeviceFacts> => ({
    ...(pe !== undefined && { pe: Number(pe) }),
    ...(nodes.has(address) && { node: nodes.get(address)! }),
  });
  return new Map([...devices].map(([name, facts], i) => [name, { ...facts, ...found(facts, texts[i]) }]));
}

/** What is known before VFIO was asked. */
function bareFacts({ hello }: AgentLink, groups: readonly FoundGroup[]): HostFacts {
  return {
    order: hello.order,
    architecture: hello.machine.startsWith('ppc64') ? 'ppc64' : 'x86',
    pageBytes: hello.page,
    facts: new Map(),
    groups: new Map(groups.map(({ name, node }) => [name, node])),
    devices: new Map(groups.flatMap((group) => namesOf(group).map((name, i) => [name, { address: group.devices[i]!.address }] as const))),
  };
}

/** The firmware's word goes before the kernel's: what VFIO tells is itself to be tested. */
async function describeGroup(look: Look, platform: LinuxDescription['platform'], group: FoundGroup, { eeh: _eeh, edus: _edus, ...probed }: ProbedGroup): Promise<GroupDescription> {
  const tree = await treeWindow(look, platform, group.devices[0]!);
  return {
    ...probed,
    name: group.name,
    devices: group.devices.map(({ kind, id }, i) => ({ name: `dev${i}`, kind, id })),
    ...(tree !== undefined && { dma32Start: Number(tree.start), dma32Size: Number(tree.size) }),
    // A kernel without windows of its own choosing tells no page sizes: a v1 container has 4 KiB pages.
    pageSizes: (probed.windows > 0 ? tree?.pageSizes : undefined) ?? probed.pageSizes,
  };
}

const machineOf = (system: SystemFacts, pageBytes: number, groups: GroupDescription[], eeh: boolean, offers: Pick<LinuxDescription, 'iommufd' | 'kvm'>): MachineDescription => ({
  platform: system.platform,
  linux: {
    platform: system.platform,
    pageShift: Math.log2(pageBytes),
    groups,
    hugePages: system.hugePages,
    eeh,
    ...offers,
    // QEMU's host bridge keeps the error states of its PEs, and stops nothing of them.
    ...(eeh && system.platform === 'powernv' && system.machine.startsWith('qemu') && { emulatedEeh: true as const }),
    secondStart: SECOND_WINDOW,
  },
  memoryBytes: system.memoryBytes,
  functions: [],
  pes: [],
  vios: [],
});
