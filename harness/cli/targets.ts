import { ModelTarget, type ModelKind } from '../../adapters/model/model-target.js';
import { QemuPaprTarget } from '../../adapters/qemu-papr/target.js';
import { WRITTEN_MUTANTS } from '../../reference/mutants/index.js';
import { PROFILES, type Profile } from '../../reference/profiles.js';
import type { RuleBook } from '../../reference/rules.js';
import { UsageError, type Target } from '../../adapters/target.js';
import { withProfile } from '../profiled-target.js';
import { findCpu } from './platforms.js';

/** What a user may say about the target. */
export interface TargetOptions {
  readonly target: string;
  /** Another QEMU than the one on the PATH. */
  readonly qemu?: string;
  /** The directory of another departure ledger. */
  readonly ledger?: string;
  /** The name of a profile. */
  readonly profile: string;
  /** lab: the kernel, the processor, and whether to start from a saved machine. */
  readonly kernel?: string;
  readonly cpu?: string;
  readonly snapshot?: true;
  /** lab: how many machines at the same time, 1 to 8. */
  readonly machines?: number;
  /** model: the id of a known fault that it has. */
  readonly fault?: string;
  /** ssh: what of the host may be used, and how it is reached. */
  readonly device?: string[];
  readonly transport?: string;
  readonly knownHosts?: string;
  readonly identity?: string[];
}

interface TargetKind {
  /** What the user writes; of `ssh://…` the beginning. */
  readonly name: string;
  readonly what: string;
  /** Options that say something to this kind, besides profile and ledger. */
  readonly takes: readonly (keyof TargetOptions)[];
  /** What only this kind needs is loaded here: no other command waits for it. */
  open(options: TargetOptions): Promise<Target>;
}

const modelKind = (name: ModelKind, what: string): TargetKind => ({
  name,
  what,
  takes: ['fault'],
  open: ({ profile, fault }) => Promise.resolve(new ModelTarget(withFault(findProfile(profile).rules, fault), name, fault)),
});

/** The rules with a known fault. @throws UsageError */
export function withFault(rules: RuleBook, fault: string | undefined): RuleBook {
  if (fault === undefined) return rules;
  const mutant = WRITTEN_MUTANTS.get(fault);
  if (mutant === undefined) throw new UsageError(`Expected --fault to be a known fault; got '${fault}'. See 'papr-conformance list --mutants'.`);
  return mutant.change(rules);
}

const labKind = (platform: 'pseries' | 'powernv', what: string): TargetKind => ({
  name: `lab:${platform}`,
  what,
  takes: ['qemu', 'kernel', 'cpu', 'snapshot', 'machines'],
  open: (options) => openLab(platform, options),
});

async function openLab(platform: 'pseries' | 'powernv', { qemu, kernel, cpu, snapshot }: TargetOptions): Promise<Target> {
  const { LabTarget } = await import('../../adapters/lab/target.js');
  return LabTarget.open({
    platform,
    cpu: findCpu(cpu),
    from: snapshot === true ? 'snapshot' : 'boot',
    ...(qemu === undefined ? {} : { qemu }),
    ...(kernel === undefined ? {} : { kernel }),
    progress: (line) => console.error(line),
  });
}

const KVM = 'kvm-papr';

/** A partition of KVM's on a host. */
const kvmKind = (host: string, what: string, takes: TargetKind['takes'], open: TargetKind['open']): TargetKind => ({
  name: host === '' ? KVM : `${KVM}:${host}`,
  what,
  takes,
  async open(options) {
    const { KvmPaprTarget } = await import('../../adapters/kvm-papr/target.js');
    const target = await open({ ...options, target: options.target.slice(KVM.length + 1) });
    try {
      return new KvmPaprTarget(target);
    } catch (error) {
      await target.close();
      throw error;
    }
  },
});

const SSH = 'ssh://';
const SSH_OPTIONS: TargetKind['takes'] = ['device', 'transport', 'knownHosts', 'identity'];

/** The kinds of target there are. */
export const TARGET_KINDS: readonly TargetKind[] = [
  modelKind('model', 'the reference, in process'),
  modelKind('model:pseries', 'the reference as a Linux kernel in a partition, as merged and as planned'),
  modelKind('model:powernv', 'the reference as a Linux kernel on PowerNV, as merged and as planned'),
  modelKind('model:iommufd', 'the reference as a Linux kernel whose devices have nodes of their own, with IOMMUs of several kinds'),
  {
    name: 'qemu-papr',
    what: "QEMU's own PAPR code, with no guest operating system",
    takes: ['qemu'],
    open: ({ qemu }) => QemuPaprTarget.open(qemu === undefined ? {} : { qemu }),
  },
  labKind('pseries', 'a Linux kernel in an emulated partition'),
  labKind('powernv', 'a Linux kernel on an emulated PowerNV machine'),
  {
    name: SSH,
    what: 'a POWER host: ssh://user@host:port, with --device for each PCI device that may be used',
    takes: SSH_OPTIONS,
    open: openSsh,
  },
  kvmKind('', "KVM's own PAPR code and the I/O-MMU's tables behind it, on an emulated PowerNV machine", ['qemu', 'kernel', 'cpu'], (options) => openLab('powernv', options)),
  kvmKind('model', "the same on the reference's KVM", ['fault'], ({ profile, fault }) => Promise.resolve(new ModelTarget(withFault(findProfile(profile).rules, fault), 'model:powernv-plain', fault))),
  kvmKind(SSH, 'the same on a POWER host, with --device as above', SSH_OPTIONS, openSsh),
];

async function openSsh({ target, device = [], transport = 'ssh2', knownHosts, identity }: TargetOptions): Promise<Target> {
  if (device.length === 0) {
    throw new UsageError(`Expected --device with the PCI address of a device that may be used, such as 0001:00:01.0; got none. Nothing else on ${target} is touched.`);
  }
  if (transport !== 'ssh2' && transport !== 'openssh') throw new UsageError(`Expected --transport to be ssh2 or openssh; got '${transport}'.`);
  const { SshTarget } = await import('../../adapters/ssh/target.js');
  const [known, keys] = [knownHosts === undefined ? {} : { knownHosts }, identity === undefined ? {} : { identity }];
  return SshTarget.open({ url: target, devices: device, transport, ...known, ...keys });
}

/** The profile of that name. @throws UsageError */
export function findProfile(name: string): Profile {
  const profile = PROFILES.find((candidate) => candidate.name === name);
  if (profile !== undefined) return profile;
  const names = PROFILES.map((candidate) => candidate.name).join(', ');
  throw new UsageError(`Expected --profile to be one of ${names}; got '${name}'.`);
}

/** Options that only some kinds of target take, and how a user writes them. */
const SPECIAL: readonly (readonly [keyof TargetOptions, string])[] = [
  ['fault', '--fault'],
  ['qemu', '--qemu'],
  ['kernel', '--kernel'],
  ['cpu', '--cpu'],
  ['snapshot', '--snapshot'],
  ['machines', '--machines'],
  ['device', '--device'],
  ['transport', '--transport'],
  ['knownHosts', '--known-hosts'],
  ['identity', '--identity'],
];

/** Opens the target that was asked for. @throws UsageError, TargetLost */
export async function openTarget(options: TargetOptions): Promise<Target> {
  const kind = TARGET_KINDS.find(({ name }) => (name.endsWith(SSH) ? options.target.startsWith(name) : name === options.target));
  if (kind === undefined) {
    const names = TARGET_KINDS.map(({ name }) => name.replace(SSH, 'ssh://user@host')).join(', ');
    throw new UsageError(`Expected one of the targets ${names}; got '${options.target}'. See 'papr-conformance list --targets'.`);
  }
  const idle = SPECIAL.find(([option]) => options[option] !== undefined && !kind.takes.includes(option));
  if (idle !== undefined) {
    const takers = TARGET_KINDS.filter(({ takes }) => takes.includes(idle[0])).map(({ name }) => name);
    throw new UsageError(`${idle[1]} says nothing to the target '${options.target}'. It is for ${takers.join(', ')}.`);
  }
  return withProfile(await kind.open(options), findProfile(options.profile));
}

/**
 * Opens as many machines of the target as were asked for: the first alone, which makes what the others share.
 *
 * @throws UsageError, TargetLost; none is left open then
 */
export async function openMachines(options: TargetOptions): Promise<[Target, ...Target[]]> {
  const first = await openTarget(options);
  const others = await Promise.allSettled(Array.from({ length: (options.machines ?? 1) - 1 }, () => openTarget(options)));
  const opened: [Target, ...Target[]] = [first, ...others.flatMap((other) => (other.status === 'fulfilled' ? [other.value] : []))];
  const failed = others.find((other) => other.status === 'rejected');
  if (failed === undefined) return opened;
  await closeAll(opened);
  throw failed.reason;
}

/** Gives every machine back. */
export async function closeAll(targets: readonly Target[]): Promise<void> {
  await Promise.all(targets.map((target) => target.close()));
}
