import type { MachineDescription } from '../../reference/description.js';
import type { Program } from '../../reference/doors/operations.js';
import type { Observation, Trace } from '../../reference/doors/observation.js';
import { Model } from '../../reference/model.js';
import { REFERENCE_RULES } from '../../reference/rule-book.js';
import type { RuleBook } from '../../reference/rules.js';
import { machineCapabilities, type Target, type TargetDescription } from '../target.js';
import {
  LINUX_IOMMUFD,
  LINUX_IOMMUFD_POWER,
  LINUX_POWERNV,
  LINUX_POWERNV_PLAIN,
  LINUX_POWERNV_PLANNED,
  LINUX_PSERIES,
  LINUX_PSERIES_EEH,
  LINUX_PSERIES_PLANNED,
  LINUX_PSERIES_PLANNED_SAFE,
  MODEL_MACHINE,
  MONITOR_MACHINE,
  NO_VIO_MACHINE,
  OVERCOMMITTED_MACHINE,
  PLAIN_MACHINE,
} from './machines.js';

/** Which machines the model can be. */
export type ModelKind = 'model' | 'model:pseries' | 'model:powernv' | 'model:powernv-plain' | 'model:iommufd';

/** What a user program can have of a host that is its own. */
const HOST_CAPABILITIES = ['bind', 'limit', 'log'] as const;

/** What can be done to error states from outside, beyond what follows from the machine. */
const EEH_CAPABILITIES = ['freeze', 'freeze-beside', 'eeh-debugfs', 'eeh-notify'] as const;
const PSERIES_PLANNED = describeHost('pseries reference-model linux iommufd as planned', LINUX_PSERIES_PLANNED, 'witness');
const POWERNV_PLANNED = describeHost('powernv reference-model linux iommufd as planned', LINUX_POWERNV_PLANNED, ...EEH_CAPABILITIES);

const PSERIES_PLANNED_SAFE = describeHost('pseries reference-model linux iommufd as planned, safe interrupts', LINUX_PSERIES_PLANNED_SAFE);

const VARIANTS: Readonly<Record<ModelKind, readonly [TargetDescription, ...TargetDescription[]]>> = {
  model: [
    describe('pseries reference-model', MODEL_MACHINE),
    describe('pseries reference-model overcommitted', OVERCOMMITTED_MACHINE),
    describe('pseries reference-model plain', PLAIN_MACHINE),
    describe('pseries reference-model without virtual adapters', NO_VIO_MACHINE),
    describe('pseries reference-model with a monitor', MONITOR_MACHINE),
    describeHost('pseries reference-model linux', LINUX_PSERIES, 'witness'),
    describeHost('powernv reference-model linux', LINUX_POWERNV, ...EEH_CAPABILITIES),
    describeHost('pseries reference-model linux with EEH', LINUX_PSERIES_EEH, 'witness', ...EEH_CAPABILITIES),
    describeHost('powernv reference-model linux iommufd', LINUX_IOMMUFD),
    describeHost('pseries reference-model linux iommufd as today', LINUX_IOMMUFD_POWER, 'witness'),
    PSERIES_PLANNED,
    POWERNV_PLANNED,
    PSERIES_PLANNED_SAFE,
  ],
  'model:pseries': [
    describeHost('pseries reference-model linux', LINUX_PSERIES, 'witness'),
    describeHost('pseries reference-model linux with EEH', LINUX_PSERIES_EEH, 'witness', ...EEH_CAPABILITIES),
    PSERIES_PLANNED,
    PSERIES_PLANNED_SAFE,
  ],
  'model:powernv': [describeHost('powernv reference-model linux', LINUX_POWERNV, ...EEH_CAPABILITIES), POWERNV_PLANNED],
  'model:powernv-plain': [describeHost('powernv reference-model linux without EEH', LINUX_POWERNV_PLAIN)],
  'model:iommufd': [
    describeHost('powernv reference-model linux iommufd', LINUX_IOMMUFD),
    describeHost('pseries reference-model linux iommufd as today', LINUX_IOMMUFD_POWER, 'witness'),
  ],
};

/** The reference as a target: in process, and at every choice the canonical answer. */
export class ModelTarget implements Target {
  readonly variants: readonly [TargetDescription, ...TargetDescription[]];

  /**
   * @param rules the specification, or a mutant of it
   * @param kind the machines it can be: partitions and Linux hosts alike, or the Linux host of one platform alone
   * @param fault the id of the mutant, for the fingerprint: with a fault it is another system
   */
  constructor(
    readonly rules: RuleBook = REFERENCE_RULES,
    kind: ModelKind = 'model',
    fault?: string,
  ) {
    const [first, ...others] = VARIANTS[kind];
    const named = (variant: TargetDescription): TargetDescription => (fault === undefined ? variant : { ...variant, fingerprint: `${variant.fingerprint} with ${fault}` });
    this.variants = [named(first), ...others.map(named)];
  }

  run(program: Program, on: TargetDescription = this.variants[0]): Promise<Trace> {
    return Promise.resolve(this.runNow(program, on.machine));
  }

  runQuick(program: Program): Promise<Trace> {
    return this.run(program);
  }

  renew(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** The same without a promise. */
  runNow(program: Program, machine: MachineDescription = MODEL_MACHINE): Trace {
    const model = new Model(machine, this.rules);
    const observations: Observation[] = [];
    let alive = true;
    for (const operation of program.operations) {
      const observation: Observation = alive ? model.answer(operation).observation : { kind: 'not-run' };
      observations.push(observation);
      alive &&= observation.kind !== 'crashed';
    }
    return { program, observations };
  }
}

function describeHost(fingerprint: string, machine: MachineDescription, ...more: readonly string[]): TargetDescription {
  const described = describe(fingerprint, machine);
  return { ...described, capabilities: new Set([...described.capabilities, ...HOST_CAPABILITIES, ...more]) };
}

function describe(fingerprint: string, machine: MachineDescription): TargetDescription {
  return {
  name: 'model',
  fingerprint,
  capabilities: machineCapabilities(machine),
  machine,
  disposable: true,
  };
}
