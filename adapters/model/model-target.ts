import type { MachineDescription } from '../../reference/description.js';
import type { Program } from '../../reference/doors/operations.js';
import type { Observation, Trace } from '../../reference/doors/observation.js';
import { Model } from '../../reference/model.js';
import { PAPR_RULES } from '../../reference/papr/calls.js';
import type { RuleBook } from '../../reference/rules.js';
import { machineCapabilities, type Target, type TargetDescription } from '../target.js';
import { MODEL_MACHINE, NO_VIO_MACHINE, OVERCOMMITTED_MACHINE, PLAIN_MACHINE } from './machines.js';

/** The reference as a target: in process, and at every choice the canonical answer. */
export class ModelTarget implements Target {
  readonly variants: readonly [TargetDescription, ...TargetDescription[]] = [
    describe('pseries reference-model', MODEL_MACHINE),
    describe('pseries reference-model overcommitted', OVERCOMMITTED_MACHINE),
    describe('pseries reference-model plain', PLAIN_MACHINE),
    describe('pseries reference-model without virtual adapters', NO_VIO_MACHINE),
  ];

  constructor(
    /** The specification, or a mutant of it. */
    readonly rules: RuleBook = PAPR_RULES,
  ) {}

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

function describe(fingerprint: string, machine: MachineDescription): TargetDescription {
  return {
  name: 'model',
  fingerprint,
  capabilities: machineCapabilities(machine),
  machine,
  disposable: true,
  };
}
