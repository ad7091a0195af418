import type { Capability } from '../../adapters/target.js';
import type { HostOperation, IommufdOperation, Operation, VfioOperation } from '../../reference/doors/operations.js';
import { termsOf } from '../../reference/doors/terms.js';
import { isReference, type Term } from '../../reference/doors/term.js';
import { iommufdCall } from '../../reference/uapi/iommufd.js';
import type { Claim, Scenario } from '../scenario.js';
import { ProgramBuilder } from './program-builder.js';
import { VfioProgramBuilder } from './vfio-program-builder.js';

/** What a scenario says of itself; see `Scenario`. */
export interface ScenarioHead {
  readonly id: string;
  readonly title: string;
  readonly clauses: readonly string[];
  /** Beyond what the program's operations need. */
  readonly requires?: readonly Capability[];
  readonly destructive?: true;
  readonly tentative?: true;
  readonly claims?: readonly Claim[];
}

/** A scenario, its program written by `write`; what its operations need of a target is found by looking at them. */
export function scenario(head: ScenarioHead, write: (p: ProgramBuilder) => void): Scenario {
  const builder = new ProgramBuilder();
  write(builder);
  return fromOperations(head, builder.program.operations);
}

/** A scenario at Linux's doors. At its end everything is closed, and nothing must be left of it. */
export function vfioScenario(head: ScenarioHead, write: (p: VfioProgramBuilder) => void): Scenario {
  const builder = new VfioProgramBuilder();
  write(builder);
  return fromOperations(head, builder.finish().operations);
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
      if (operation.op === 'property') return ['papr', 'properties', `pe:${operation.pe}`];
      return ['papr', ...callCapabilities(operation), ...operation.args.flatMap(termCapabilities)];
    case 'memory':
      return operation.op === 'store' ? ['memory', ...operation.doublewords.flatMap(termCapabilities)] : ['memory'];
    case 'dma':
      return ['dma', ...(operation.fd === undefined ? ['memory'] : [`device:${operation.device}`]), `pe:${operation.device.split('.')[0]}`, ...termCapabilities(operation.iova)];
    case 'platform':
      return platformCapabilities(operation.op);
    case 'vfio':
      return ['vfio', ...vfioCapabilities(operation), ...termsOf(operation).flatMap(termCapabilities)];
    case 'iommufd':
      return ['iommufd', ...iommufdCapabilities(operation), ...termsOf(operation).flatMap(termCapabilities)];
    case 'kvm':
      return ['kvm', ...termsOf(operation).flatMap(termCapabilities)];
    case 'user':
      return ['vfio', ...((operation.op === 'map' || operation.op === 'file') && operation.hugePages !== undefined ? [`huge:${operation.hugePages}`] : [])];
    case 'host':
      return ['vfio', ...hostCapabilities(operation)];
  }
}

function iommufdCapabilities(operation: IommufdOperation): Capability[] {
  if (operation.op === 'open') return operation.what === 'iommu' ? [] : ['cdev', `device:${operation.what}`];
  return operation.op === 'ioctl' && iommufdCall(operation.call).test !== undefined ? ['mock'] : [];
}

function vfioCapabilities(operation: VfioOperation): Capability[] {
  if (operation.op === 'open') return operation.what === 'container' ? [] : [`pe:${operation.what}`];
  if (operation.op !== 'ioctl' || operation.device?.includes('.') !== true) return [];
  return [`device:${operation.device}`];
}

function hostCapabilities(operation: HostOperation): Capability[] {
  switch (operation.op) {
    case 'limit':
      return ['limit'];
    case 'bind':
      return ['bind', `device:${operation.device}`];
    case 'disk':
      return ['disk', `device:${operation.device}`];
    case 'witness':
      return ['witness', `pe:${operation.pe}`];
    case 'freeze':
      return ['eeh', 'freeze', `pe:${operation.pe}`];
    case 'eeh':
      return ['eeh-debugfs', `device:${operation.device}`, ...(operation.what === 'break' ? ['eeh-stops'] : [])];
    case 'eeh-limit':
    case 'eeh-resets':
      return ['eeh-debugfs'];
    case 'eeh-notify':
      return ['eeh-notify', `device:${operation.device}`];
    case 'eeh-state':
      return ['eeh-debugfs', `device:${operation.device}`];
    case 'together':
      return [...capabilitiesOf(operation.left), ...capabilitiesOf(operation.right)].flatMap((needed) => (needed === 'freeze' ? [needed, 'freeze-beside'] : [needed]));
    default:
      return [];
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
      if (operation.op !== 'rtas') return [];
      return operation.call.endsWith('-pe-dma-window') ? ['ddw'] : ['rtas-eeh'];
  }
}

function platformCapabilities(op: string): Capability[] {
  if (op === 'reboot') return ['reboot'];
  if (op === 'entitlement') return ['platform', 'cmo'];
  if (op === 'error' || op === 'unavailable') return ['platform', 'rtas-eeh'];
  return op.startsWith('rescind') ? ['platform', 'slr'] : ['platform'];
}

/** A fact of a PE or virtual adapter needs that PE or adapter. */
function termCapabilities(term: Term): Capability[] {
  if (!isReference(term)) return [];
  const [part = ''] = term.from.split('.');
  if (part === 'memory' || /^w\d*$/.test(part) || !/\d$/.test(part)) return [];
  return part.startsWith('vio') ? [`vio:${part}`] : /^(pe|vf|old|lim|plain|wide|pair|disk|eeh|reserved|mock|simple|power)\d+$/.test(part) ? [`pe:${part}`] : [];
}
