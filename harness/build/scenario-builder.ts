import type { Capability } from '../../adapters/target.js';
import type { Operation } from '../../reference/doors/operations.js';
import { isReference, type Term } from '../../reference/doors/term.js';
import type { Claim, Scenario } from '../scenario.js';
import { ProgramBuilder } from './program-builder.js';

/** What a scenario says of itself; see `Scenario`. */
export interface ScenarioHead {
  readonly id: string;
  readonly title: string;
  readonly clauses: readonly string[];
  /** Beyond what the program's operations need. */
  readonly requires?: readonly Capability[];
  readonly destructive?: true;
  readonly claims?: readonly Claim[];
}

/** A scenario, its program written by `write`; what its operations need of a target is found by looking at them. */
export function scenario(head: ScenarioHead, write: (p: ProgramBuilder) => void): Scenario {
  const builder = new ProgramBuilder();
  write(builder);
  return fromOperations(head, builder.program.operations);
}

/** A scenario of operations already at hand. */
export function fromOperations(head: ScenarioHead, operations: readonly Operation[]): Scenario {
  const { requires = [], ...rest } = head;
  // A scenario on what a call answers where it is not offered (`no-hcall-rdma`) makes the call all the same.
  const absent = requires.filter((capability) => capability.startsWith('no-')).map((capability) => capability.slice(3));
  const needed = new Set([...operations.flatMap(capabilitiesOf).filter((c) => !absent.includes(c)), ...requires]);
  return { ...rest, requires: [...needed].sort(), program: { operations } };
}

/** What one operation needs of a target. */
function capabilitiesOf(operation: Operation): Capability[] {
  switch (operation.door) {
    case 'papr':
      if (operation.op === 'property') return [`pe:${operation.pe}`];
      return [...callCapabilities(operation), ...operation.args.flatMap(termCapabilities)];
    case 'memory':
      return operation.op === 'store' ? ['memory', ...operation.doublewords.flatMap(termCapabilities)] : ['memory'];
    case 'dma':
      return ['dma', `pe:${operation.device.split('.')[0]}`, ...termCapabilities(operation.iova)];
    case 'platform':
      return platformCapabilities(operation.op);
  }
}

function callCapabilities(operation: Extract<Operation, { op: 'hcall' | 'rtas' }>): Capability[] {
  switch (operation.call) {
    case 'H_STUFF_TCE':
    case 'H_PUT_TCE_INDIRECT':
    case 'H_PUT_RTCE_INDIRECT':
      return ['hcall-multi-tce'];
    case 'H_PUT_RTCE':
    case 'H_REMOVE_RTCE':
      return ['hcall-rdma'];
    case 'H_MIGRATE_DMA':
      return ['hcall-migrate'];
    case 'ibm,query-pe-dma-window':
      return ['ddw'];
    case 'ibm,reset-pe-dma-window':
      return ['ddw-reset'];
    default:
      return operation.op === 'rtas' ? ['ddw'] : [];
  }
}

function platformCapabilities(op: string): Capability[] {
  if (op === 'reboot') return ['reboot'];
  if (op === 'entitlement') return ['platform', 'cmo'];
  return op.startsWith('rescind') ? ['platform', 'slr'] : ['platform'];
}

/** A fact of a PE or virtual adapter needs that PE or adapter. */
function termCapabilities(term: Term): Capability[] {
  if (!isReference(term)) return [];
  const [part = ''] = term.from.split('.');
  if (part === 'memory' || /^w\d*$/.test(part) || !/\d$/.test(part)) return [];
  return part.startsWith('vio') ? [`vio:${part}`] : /^(pe|vf|old|lim|plain|wide)\d+$/.test(part) ? [`pe:${part}`] : [];
}
