import type { Observation } from '../../reference/doors/observation.js';
import type { Operation } from '../../reference/doors/operations.js';
import { compile } from './compile.js';
import type { AgentLink } from './agent-link.js';
import { observations } from './ending.js';
import type { HostFacts } from './host-facts.js';
import { Session } from './session.js';

/** This machine as a host: two harmless device nodes in place of groups. */
export const LOCAL: HostFacts = {
  order: 'little',
  architecture: 'x86',
  pageBytes: 4096,
  facts: new Map([['system.page', 4096n]]),
  groups: new Map([['null', '/dev/null'], ['zero', '/dev/zero']]),
  devices: new Map([
    ['pe0.dev0', { address: '0001:00:01.0', edu: { order: 'big', wide: true } }],
    ['pe1.dev0', { address: '0002:00:01.0', edu: { order: 'little', wide: false } }],
    ['disk0.dev0', { address: '0005:00:01.0' }],
  ]),
};

/** A session with no devices, on this machine. */
export const localSession = (link: AgentLink): Promise<Session> => Session.take(link, []);

/** Runs operations through the agent. */
export async function observed(session: Session, operations: readonly Operation[]): Promise<Observation[]> {
  const program = { operations };
  return observations(program, await session.run(compile(program, LOCAL)), LOCAL);
}
