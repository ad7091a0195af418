import { machineCapabilities, type Target, type TargetDescription } from '../adapters/target.js';
import type { Profile } from '../reference/profiles.js';

type Variants = Target['variants'];

/** The target with its machines as the profile has them: what is judged there is what a system of the profile is to do. */
export function withProfile(target: Target, { machine }: Pick<Profile, 'machine'>): Target {
  if (machine === undefined) return target;
  const change = (variant: TargetDescription): TargetDescription => asProfiled(variant, { machine });
  const variants = (): Variants => target.variants.map(change) as unknown as Variants;
  return {
    get variants() {
      return variants();
    },
    run: (program, on = variants()[0]) => target.run(program, on),
    runQuick: (program) => target.runQuick(program),
    renew: (scars) => target.renew(scars),
    close: () => target.close(),
  };
}

/** The description as the profile has it. */
export function asProfiled(variant: TargetDescription, { machine }: Pick<Profile, 'machine'>): TargetDescription {
  return machine === undefined ? variant : changed(variant, machine(variant.machine));
}

/** What a machine's description says of its capabilities goes with it; what else was found out stays. */
function changed(variant: TargetDescription, machine: TargetDescription['machine']): TargetDescription {
  if (machine === variant.machine) return variant;
  const [before, after] = [machineCapabilities(variant.machine), machineCapabilities(machine)];
  const kept = [...variant.capabilities].filter((capability) => !before.has(capability) || after.has(capability));
  const added = [...after].filter((capability) => !before.has(capability));
  return { ...variant, machine, capabilities: new Set([...kept, ...added]), asFound: variant };
}
