import { AgentLink, type AgentOptions } from './agent-link.js';
import { describeHost, type DescribedHost } from './describe.js';
import { findGroups, pciAddresses, type FoundGroup } from './devices.js';
import { refuseUsed } from './in-use.js';
import { Look } from './look.js';
import { Session } from './session.js';
import { systemFacts, type SystemFacts } from './system.js';
import { noRights } from './trouble.js';
import type { Transport } from './transport.js';

/** User id of root. */
const ROOT = 0;

/** An agent that has its devices, and what the host is. */
export interface OpenedHost {
  readonly session: Session;
  readonly host: DescribedHost;
}

/**
 * Starts the agent, takes the devices and finds out what the host is.
 *
 * @param texts PCI addresses of the devices
 * @throws TargetLost where the host cannot be reached; UsageError where it cannot be used as it is
 */
export async function openHost(transport: Transport, texts: readonly string[], options: AgentOptions): Promise<OpenedHost> {
  const addresses = pciAddresses(texts);
  const link = await AgentLink.start(transport, options);
  try {
    if (link.hello.uid !== ROOT) throw noRights(link.name, `user id ${link.hello.uid}`);
    const system = await systemFacts(link);
    const groups = await findGroups(new Look(link), link.name, addresses);
    const devices = groups.flatMap((group) => group.devices);
    await refuseUsed(new Look(link), link.name, devices);
    const session = await Session.take(link, devices);
    return { session, host: await settle(session, system, groups) };
  } catch (error) {
    await link.close();
    throw error;
  }
}

/** Gives the devices to vfio-pci, asks what they are, and gives the disks back to the host. */
async function settle(session: Session, system: SystemFacts, groups: readonly FoundGroup[]): Promise<DescribedHost> {
  const devices = groups.flatMap((group) => group.devices);
  await session.bind(new Map(devices.map(({ address }) => [address, 'vfio-pci'])));
  const host = await describeHost(session, system, groups);
  const disks = devices.filter(({ kind }) => kind === 'disk');
  if (disks.length > 0) await session.bind(new Map(disks.map(({ address }) => [address, 'host'])));
  return host;
}

