import { ModelTarget } from '../../adapters/model/model-target.js';
import { QemuPaprTarget } from '../../adapters/qemu-papr/target.js';
import { PROFILES, type Profile } from '../../reference/profiles.js';
import { UsageError, type Target } from '../../adapters/target.js';

/** What a user may say about the target. */
export interface TargetOptions {
  readonly target: string;
  /** Another QEMU than the one on the PATH. */
  readonly qemu?: string;
  /** The directory of another departure ledger. */
  readonly ledger?: string;
  /** The name of a profile. */
  readonly profile: string;
}

interface TargetKind {
  readonly name: string;
  readonly what: string;
  open(options: TargetOptions): Promise<Target>;
}

/** The kinds of target there are. */
export const TARGET_KINDS: readonly TargetKind[] = [
  { name: 'model', what: 'the reference, in process', open: ({ profile }) => Promise.resolve(new ModelTarget(findProfile(profile).rules)) },
  {
    name: 'qemu-papr',
    what: "QEMU's own PAPR code, with no guest operating system",
    open: ({ qemu }) => QemuPaprTarget.open(qemu === undefined ? {} : { qemu }),
  },
];

/** The profile of that name. @throws UsageError */
export function findProfile(name: string): Profile {
  const profile = PROFILES.find((candidate) => candidate.name === name);
  if (profile !== undefined) return profile;
  const names = PROFILES.map((candidate) => candidate.name).join(', ');
  throw new UsageError(`Expected --profile to be one of ${names}; got '${name}'.`);
}

/** Opens the target that was asked for. @throws UsageError */
export async function openTarget(options: TargetOptions): Promise<Target> {
  const kind = TARGET_KINDS.find(({ name }) => name === options.target);
  if (kind === undefined) {
    const names = TARGET_KINDS.map(({ name }) => name).join(', ');
    throw new UsageError(`Expected one of the targets ${names}; got '${options.target}'. See 'papr-conformance list --targets'.`);
  }
  if (options.qemu !== undefined && kind.name === 'model') {
    throw new UsageError(`--qemu names the QEMU of the target qemu-papr; the target is 'model'. Add --target qemu-papr.`);
  }
  return kind.open(options);
}
