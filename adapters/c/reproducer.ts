import { machineParts, type LinuxDescription, type MachineDescription } from '../../reference/description.js';
import { DanglingReference } from '../../reference/doors/term.js';
import type { HostOperation, Operation, Program } from '../../reference/doors/operations.js';
import { danglingName, referredNames } from '../../reference/doors/terms.js';
import { operationText } from '../../reference/doors/text.js';
import { ioctlRequest, type IoctlName } from '../../reference/uapi/ioctl.js';
import type { HostFacts } from '../ssh/host-facts.js';
import { compile } from '../ssh/compile.js';
import type { Step, Steps } from '../ssh/instructions.js';
import { UsageError } from '../target.js';
import { checks } from './checks.js';
import type { Expectation } from './expectation.js';
import { processConstant, type Request, type WrittenOperation, type WrittenProgram } from './frame.js';
import { devicesOf, deviceVariable } from './host.js';
import { ioctlNameOf, NoStep, statements } from './steps.js';
import { cName, outcomeOf } from './values.js';

/** Operations of the operating system that a C program can do by itself. */
const HOST_OPERATIONS: readonly HostOperation['op'][] = ['fork', 'exit', 'kill', 'limit', 'ledger', 'log'];

/** Why an operation cannot be made by one C program; undefined where it can. */
function beyondC(operation: Operation): string | undefined {
  const { door, op } = operation;
  if (door === 'papr' || door === 'memory' || door === 'platform') return 'it is made by a partition, not by a program under Linux';
  if (door === 'kvm' && (op === 'guest' || op === 'hcall')) return 'it is made by the guest of a virtual machine';
  if (door === 'dma' && operation.fd === undefined) return 'its device is driven by a partition';
  if (door === 'host' && op === 'together') return 'it is two operations at the same time';
  return door === 'host' && !HOST_OPERATIONS.includes(op) ? 'it is done to the host, or beside it' : undefined;
}

/** The machine of a Linux kernel. */
export type LinuxMachine = MachineDescription & { readonly linux: LinuxDescription };

/** What keeps a program from being one of C on such a machine, in words; undefined where nothing does. */
export function obstacle({ operations }: Program, machine: MachineDescription): string | undefined {
  if (machine.linux === undefined) return 'all are for Linux, which the machine does not have';
  const far = operations.map((operation) => [operation, beyondC(operation)] as const).find(([, why]) => why !== undefined);
  if (far !== undefined) return `'${operationText(far[0])}' is none: ${far[1]}`;
  const same = sameInC(operations);
  if (same !== undefined) return `'${same}' has the name of another one in C`;
  const missing = danglingName({ operations }, machineParts(machine)) ?? partsOf(operations).find((name) => !machineHas(machine.linux!, name));
  return missing === undefined ? undefined : `some are about '${missing}', which the machine does not have`;
}

/** Groups and devices that operations are made on. */
const partsOf = (operations: readonly Operation[]): string[] =>
  operations.flatMap((operation) => {
    if (operation.door === 'vfio' && operation.op === 'open') return operation.what === 'container' ? [] : [operation.what];
    if (operation.door === 'iommufd' && operation.op === 'open') return operation.what === 'iommu' ? [] : [operation.what];
    return operation.door === 'dma' ? [operation.device] : [];
  });

const machineHas = (linux: LinuxDescription, name: string): boolean => linux.groups.some((group) => group.name === name) || devicesOf(linux).includes(name);

/** The program in C. @throws UsageError for one that no C program can do */
export function write(program: Program, machine: LinuxMachine, host: HostFacts, expected: readonly Expectation[]): WrittenProgram {
  const instructions = compiled(program, host);
  const { operations } = program;
  const referred = new Set(operations.flatMap(referredNames));
  const names = [...new Set(operations.flatMap(({ as }) => (as !== undefined && referred.has(as) ? [as] : [])))];
  const written = operations.map((operation, i) => operationOf(operation, instructions[i]!, expected[i]!, names));
  const text = written.flatMap(({ lines }) => lines).join('\n');
  const steps = instructions.flatMap((instruction) => ('steps' in instruction ? instruction.steps : []));
  return {
    operations: written,
    names,
    parts: Math.max(0, ...instructions.map((instruction) => ('steps' in instruction ? instruction.steps.length - 1 : 0))),
    bytes: Math.max(8, ...steps.map(bytesOf)),
    requests: new Map(instructions.flatMap((instruction, i) => requestsOf('steps' in instruction ? instruction.steps : [], callOf(operations[i]!)))),
    devices: devicesOf(machine.linux).filter((name) => new RegExp(`\\b${deviceVariable(name)}\\b`).test(text)),
    processes: processesOf(operations),
  };
}

function compiled(program: Program, host: HostFacts): ReturnType<typeof compile> {
  try {
    return compile(program, host);
  } catch (error) {
    if (!(error instanceof RangeError) && !(error instanceof DanglingReference)) throw error;
    throw new UsageError(`Expected a program that can be made on a Linux host; ${error.message} Use 'replay' on a target that takes it.`);
  }
}

const bytesOf = (step: Step): number => Math.max('bytes' in step && typeof step.bytes === 'string' ? step.bytes.length / 2 : 0, 'length' in step && typeof step.length === 'number' ? step.length : 0, NAME_BYTES);

/** A device's address where its name is given. */
const NAME_BYTES = 64;

const callOf = (operation: Operation): IoctlName | undefined => (operation.op === 'ioctl' && 'call' in operation ? operation.call : undefined);

/** The ioctl requests that steps make, by name. */
const requestsOf = (steps: readonly Step[], call: IoctlName | undefined): [IoctlName, Request][] =>
  steps.flatMap((step) => {
    const name = step.do === 'ioctl' ? ioctlNameOf(step.request, call) : undefined;
    return name === undefined ? [] : [requestOf(name)];
  });

const requestOf = (name: IoctlName): [IoctlName, Request] => [name, [ioctlRequest(name, 'ppc64'), ioctlRequest(name, 'x86')]];

/** The same program, which looks at the default windows of its groups before it begins. */
export function withWindowsChecked(program: WrittenProgram, { linux }: LinuxMachine): WrittenProgram {
  const windows = linux.groups.flatMap(({ name, devices, dma32Start, dma32Size }) => {
    const device = devices.map((each) => `${name}.${each.name}`).find((each) => program.devices.includes(each));
    return device === undefined ? [] : [{ device, start: dma32Start, size: dma32Size }];
  });
  const requests = (['VFIO_GROUP_SET_CONTAINER', 'VFIO_SET_IOMMU', 'VFIO_IOMMU_SPAPR_TCE_GET_INFO'] as const).map(requestOf);
  return windows.length === 0 ? program : { ...program, windows, requests: new Map([...program.requests, ...requests]) };
}

function processesOf(operations: readonly Operation[]): string[] {
  const forks = operations.flatMap((operation) => (operation.door === 'host' && operation.op === 'fork' ? [operation.as] : []));
  return forks.length > 0 || operations.some((operation) => operation.door === 'host' && ['exit', 'kill'].includes(operation.op)) ? ['main', ...forks] : [];
}

function operationOf(operation: Operation, instruction: ReturnType<typeof compile>[number], expected: Expectation, names: readonly string[]): WrittenOperation {
  const { as } = operation;
  const own = as !== undefined && names.includes(as) ? `&${outcomeOf(as)}` : '&got->other';
  const begin = `struct outcome *it = begin(${own});`;
  const call = callOf(operation);
  const { by } = operation as { readonly by?: string };
  const common = { text: operationText(operation), ...(by !== undefined && { by }) };
  const lines = [begin, '', ...bodyOf(operation, instruction, call), ...checks(expected, call)];
  return { ...common, lines, ...('end' in instruction && { ends: instruction.end }) };
}

function bodyOf(operation: Operation, instruction: ReturnType<typeof compile>[number], call: IoctlName | undefined): string[] {
  if ('steps' in instruction) return stepsBody(instruction, operation, call);
  if ('log' in instruction) return ['it->result = kernel_troubles();'];
  if ('fork' in instruction) return [`it->result = forked(&processes[${processConstant(instruction.fork)}]);`];
  if ('end' in instruction) {
    const process = `&processes[${processConstant(instruction.by)}]`;
    // A process that ends by itself reads the end of what it is asked; nobody but us asks.
    const end = instruction.end === 'kill' ? `kill((${process})->pid, SIGKILL);` : `leave(${process});`;
    return [end, `it->result = ended(${process});`];
  }
  throw new UsageError(`Expected operations that one C program can do; '${operationText(operation)}' is none. Use 'replay' on a target that takes it.`);
}

/** The steps of an operation, to the first that fails; its outcome is that of the last one that was made. */
function stepsBody({ steps }: Steps, operation: Operation, call: IoctlName | undefined): string[] {
  try {
    if (steps.length === 1) return statements(steps[0]!, 'it', call);
    return steps.flatMap((step, i) => {
      if (i === steps.length - 1) return ['if (it->result >= 0) {', ...statements(step, 'it', call).map(indented), '}'];
      const part = `part${i}`;
      const keep = [...(step.always === true ? ['if (it->result >= 0)'] : []), `${step.always === true ? '\t' : ''}it->result = ${part}->result;`];
      const lines = [`struct outcome *${part} = begin(&got->part[${i}]);`, '', ...statements(step, part, call), ...keep].map(indented);
      return [i === 0 || step.always === true ? '{' : 'if (it->result >= 0) {', ...lines, '}'];
    });
  } catch (error) {
    if (!(error instanceof NoStep)) throw error;
    throw new UsageError(`Expected operations that one C program can do; '${operationText(operation)}' needs '${error.message}'. Use 'replay' on a target that takes it.`);
  }
}

const indented = (line: string): string => (line === '' ? '' : `\t${line}`);

/** A name that differs from an earlier one in punctuation alone: in C they would be mixed up. */
function sameInC(operations: readonly Operation[]): string | undefined {
  const seen = new Map<string, string>();
  for (const { as } of operations) {
    if (as === undefined) continue;
    if ((seen.get(cName(as)) ?? as) !== as) return as;
    seen.set(cName(as), as);
  }
  return undefined;
}
