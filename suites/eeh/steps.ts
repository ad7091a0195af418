import { vfioScenario, type ScenarioHead } from '../../harness/build/scenario-builder.js';
import type { ContainerHandle, DeviceHandle, VfioProgramBuilder } from '../../harness/build/vfio-program-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import type { Operation } from '../../reference/doors/operations.js';
import type { Term } from '../../reference/doors/term.js';
import { DEADLINE } from '../../reference/eeh/recovery.js';
import type { Stop } from '../../reference/eeh/states.js';
import { INJECT_ERR, PE_OPERATIONS, type PeOperation } from '../../reference/eeh/vfio-table.js';

/* What scenarios on error states share. */

/** What a target must have for the programs of this suite at Linux's doors. */
export const EEH = ['spapr-v2', 'eeh'] as const;
/** A stopped PE really stops, and injected errors come. */
export const STOPS = [...EEH, 'eeh-stops'] as const;

const OP = 'VFIO_EEH_PE_OP';

/** The clause of an operation. */
export const rule = (operation: PeOperation | 'inject' | 'several-groups' | 'no-pe'): string => `${OP}/${operation}`;

/** Asks a container for an operation on its PEs. */
export const pe = (p: VfioProgramBuilder, container: Pick<ContainerHandle, 'fd'>, ...operations: readonly PeOperation[]): VfioProgramBuilder => {
  for (const operation of operations) p.ioctl(container.fd, OP, { argsz: 12n, op: BigInt(PE_OPERATIONS.indexOf(operation)) });
  return p;
};

/** Asks for the state. */
export const state = (p: VfioProgramBuilder, container: Pick<ContainerHandle, 'fd'>): VfioProgramBuilder => pe(p, container, 'get-state');

/** Asks for an operation, and for the state after it. */
export function step(p: VfioProgramBuilder, container: Pick<ContainerHandle, 'fd'>, ...operations: readonly PeOperation[]): void {
  for (const operation of operations) state(pe(p, container, operation), container);
}

export const inject = (p: VfioProgramBuilder, container: Pick<ContainerHandle, 'fd'>, func: number, type = 0): VfioProgramBuilder =>
  p.ioctl(container.fd, OP, { argsz: 40n, op: BigInt(INJECT_ERR), err_type: BigInt(type), err_func: BigInt(func) });

export const freeze = (p: VfioProgramBuilder, name = 'pe0', what: Stop = 'all'): VfioProgramBuilder => p.do({ door: 'host', op: 'freeze', pe: name, what });

/** The regions that programs load from. */
export const BAR0 = 0;
export const CONFIGURATION = 7;
/** Offsets: identification of the device, and the register of `edu` that gives the complement of what was stored. */
export const IDENTIFICATION = 0;
export const LIVENESS = 4;
/** Class and revision: VFIO hands it through, where it makes up vendor and device. */
export const CLASS = 8;
/** Some registers answer loads of four bytes only. */
export const WORD = 4;

/** Loads a word of a region. */
export const loadWord = (p: VfioProgramBuilder, { fd }: Pick<DeviceHandle, 'fd'>, region: number, offset: number, as?: string): VfioProgramBuilder =>
  p.do({ door: 'vfio', op: 'read', fd, region, offset, length: WORD, ...(as !== undefined && { as }) });

export const storeWord = (p: VfioProgramBuilder, { fd }: Pick<DeviceHandle, 'fd'>, offset: number, value: number): VfioProgramBuilder =>
  p.do({ door: 'vfio', op: 'write', fd, region: BAR0, offset, value });

/** The host's side: what sysfs shows of a device's PE, at once or once it is as it should be. */
export const shown = (p: VfioProgramBuilder, device: string): VfioProgramBuilder => p.do({ door: 'host', op: 'eeh-state', device });
export const settled = (p: VfioProgramBuilder, device: string): VfioProgramBuilder => p.do({ door: 'host', op: 'eeh-state', device, within: DEADLINE });
export const check = (p: VfioProgramBuilder, device: string): VfioProgramBuilder => p.do({ door: 'host', op: 'eeh', what: 'check', device });
export const breakDevice = (p: VfioProgramBuilder, device: string): VfioProgramBuilder => p.do({ door: 'host', op: 'eeh', what: 'break', device });
export const limit = (p: VfioProgramBuilder, errors: number): VfioProgramBuilder => p.do({ door: 'host', op: 'eeh-limit', errors });
export const resets = (p: VfioProgramBuilder): VfioProgramBuilder => p.do({ door: 'host', op: 'eeh-resets' });

/** Stops a PE that the host holds and lets the host find it: it is handled, within the deadline. */
export function hostError(p: VfioProgramBuilder, name: string, device = `${name}.dev0`): void {
  settled(check(freeze(p, name), device), device);
}

/** The claim that two loads saw the same. */
export const same = (a: string, b: string, says: string, clause: string) => ({ says, clause, holds: 'equal' as const, loads: [a, b] as const });
export const differ = (a: string, b: string, says: string, clause: string) => ({ says, clause, holds: 'different' as const, loads: [a, b] as const });

/** An operation that brings an error: such a scenario is run by itself only where nobody else uses the machine. */
function bringsError(operation: Operation): boolean {
  if (operation.door === 'host') return operation.op === 'freeze' || (operation.op === 'eeh' && operation.what === 'break');
  return operation.door === 'vfio' && operation.op === 'ioctl' && operation.call === OP && isNine(operation.args['op']);
}

const isNine = (op: Term | undefined): boolean => op === BigInt(INJECT_ERR);

/** A scenario at Linux's doors, destructive where it brings an error. */
export function eehScenario({ requires = EEH, ...head }: ScenarioHead, write: (p: VfioProgramBuilder) => void): Scenario {
  const made = vfioScenario({ ...head, requires }, write);
  return made.program.operations.some(bringsError) ? { ...made, destructive: true } : made;
}
