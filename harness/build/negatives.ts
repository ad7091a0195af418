import type { Operation } from '../../reference/doors/operations.js';
import type { Term } from '../../reference/doors/term.js';
import { SETTLED, type AnyCall, type Guard, type Sample, type Violation } from '../../reference/rules.js';
import { RTAS_CALLS, type RtasName } from '../../reference/uapi/rtas.js';
import type { HcallName } from '../../reference/uapi/hcall.js';
import { isIoctl, type IoctlName } from '../../reference/uapi/ioctl.js';
import { isIommufdCall } from '../../reference/uapi/iommufd.js';
import { isKvmCall } from '../../reference/uapi/kvm.js';
import type { Scenario } from '../scenario.js';
import { ProgramBuilder } from './program-builder.js';
import { fromOperations } from './scenario-builder.js';
import { VfioProgramBuilder } from './vfio-program-builder.js';

type Breakable = Guard<unknown> & { readonly violation: Violation };

/**
 * The negative scenarios of a call, made from its rule table: every guard broken alone, and every pair of guards
 * broken together, so that their order shows. What is to be answered only the model says.
 */
export function negativeScenarios(suite: string, call: AnyCall): Scenario[] {
  const guards = (call.guards as readonly Guard<unknown>[]).filter((g): g is Breakable => g.violation !== undefined);
  const alone = guards.map((guard) => negative(suite, call, [guard]));
  const pairs = guards.flatMap((first, i) =>
    guards.slice(i + 1).filter((second) => compatible(first, second)).map((second) => negative(suite, call, [first, second])),
  );
  return [...alone, ...pairs];
}

/** Two guards can be broken together where they change different arguments and need no opposite machines. */
function compatible(a: Breakable, b: Breakable): boolean {
  const [x, y] = [a.violation, b.violation];
  const shared = Object.keys(x.args ?? {}).some((name) => name in (y.args ?? {})) || EXCLUSIVE.some((part) => x[part] !== undefined && y[part] !== undefined);
  const cells = (x.nargs ?? x.nret) !== undefined && (y.nargs ?? y.nret) !== undefined;
  return !shared && !cells && !contradicts(x, y) && !contradicts(y, x);
}

/** What only one of two violations can change. */
const EXCLUSIVE = ['instead', 'pointer', 'by', 'fd', 'device', 'beyond'] as const;

const contradicts = (x: Violation, y: Violation): boolean =>
  (x.requires ?? []).some((capability) => (y.requires ?? []).includes(`no-${capability}`));

function negative(suite: string, call: AnyCall, guards: readonly Breakable[]): Scenario {
  const names = guards.map((guard) => guard.id.slice(guard.id.lastIndexOf('/') + 1));
  const kind = guards.length === 1 ? 'refuses' : 'order';
  const { sample } = call;
  const violations = guards.map((guard) => guard.violation);
  const setup = violations.find(({ instead }) => instead !== undefined)?.instead ?? sample.setup ?? [];
  const operations = [...setup, ...violations.flatMap((v) => v.setup ?? []), invoke(call, violations)];
  return fromOperations(
    {
      id: `${suite}/${shortName(call.name)}/${kind}/${names.join('+')}`,
      title:
        guards.length === 1
          ? `${call.name}: ${guards[0]!.text}`
          : `${call.name}: of two wrong things (${names.join(', ')}) the first decides`,
      clauses: guards.length === 1 ? [guards[0]!.id] : [],
      ...(guards.some(({ status }) => !SETTLED.includes(status)) ? { tentative: true as const } : {}),
      ...(violations[0]?.destructive === true ? { destructive: true as const } : {}),
      requires: [...(sample.requires ?? []), ...violations.flatMap((v) => v.requires ?? [])],
    },
    sample.fd !== undefined ? new VfioProgramBuilder().all(operations).finish().operations : new ProgramBuilder().all(operations).program.operations,
  );
}

/** `H_PUT_TCE` → `put-tce`; `ibm,create-pe-dma-window` → `create`, `ibm,set-slot-reset` → `set-slot-reset`; `VFIO_IOMMU_SPAPR_TCE_CREATE` → `tce-create`, `kvm/H_PUT_TCE` → `put-tce`. */
export const shortName = (call: string): string =>
  /^(kvm\/H|H|VFIO|IOMMU|TYPE1|KVM)_/.test(call)
    ? call.replace(/^(kvm\/H|H|VFIO_IOMMU_SPAPR|VFIO_IOMMU|VFIO|IOMMU|TYPE1|KVM)_/, '').toLowerCase().replaceAll('_', '-')
    : call.replace(/^ibm,(?:([a-z]+)-pe-dma-window$)?/, '$1');

const isRtas = (name: string): name is RtasName => (RTAS_CALLS as readonly string[]).includes(name);

/** Hypercalls as KVM answers them. */
const OF_KVM = 'kvm/';

function invoke(call: AnyCall, violations: readonly Violation[]): Operation {
  const named = Object.assign({}, call.sample.args, ...violations.map((v) => v.args ?? {})) as Record<string, Term>;
  const name = call.sample.call ?? call.name;
  if (isIoctl(name)) return ioctl(name, call.sample, named, violations);
  const given = call.parameters.filter((parameter) => parameter in named);
  const args = given.map((parameter) => named[parameter]!);
  if (call.name.startsWith(OF_KVM)) return { door: 'kvm', op: 'hcall', processor: call.sample.fd!, call: call.name.slice(OF_KVM.length) as HcallName, args };
  if (!isRtas(call.name)) return { door: 'papr', op: 'hcall', call: call.name as HcallName, args };
  const nargs = violations.find((v) => v.nargs !== undefined)?.nargs ?? args.length;
  const nret = violations.find((v) => v.nret !== undefined)?.nret ?? call.sample.nret ?? 1;
  const cut = Array.from({ length: nargs }, (_, i) => args[i] ?? 0n);
  return { door: 'papr', op: 'rtas', call: call.name, args: cut, nret };
}

function ioctl(name: IoctlName, sample: Sample, args: Readonly<Record<string, Term>>, violations: readonly Violation[]): Operation {
  const changed = <K extends 'fd' | 'device' | 'pointer' | 'by' | 'beyond'>(part: K): Violation[K] | undefined => violations.find((v) => v[part] !== undefined)?.[part];
  const [device, pointer, by] = [changed('device') ?? sample.device, changed('pointer'), changed('by')];
  const fd = changed('fd') ?? sample.fd;
  if (fd === undefined) throw new Error(`The sample of ${name} names no descriptor.`);
  const [beyond, common] = [changed('beyond'), { op: 'ioctl', fd, args, ...(by && { by }) } as const];
  if (isIommufdCall(name)) return { door: 'iommufd', call: name, ...common, ...(pointer && { pointer }), ...(beyond && { beyond }) };
  if (pointer === 'cut') throw new Error(`${name} has no size of its own: its structure cannot be cut.`);
  if (isKvmCall(name)) {
    if (pointer === 'read-only') throw new Error(`The kernel writes nothing to the structure of ${name}.`);
    return { door: 'kvm', op: 'ioctl', fd, call: name, args, ...(pointer && { pointer }), ...(by && { by }) };
  }
  return { door: 'vfio', op: 'ioctl', fd, call: name, args, ...(device && { device }), ...(pointer && { pointer }), ...(by && { by }) };
}
