import type { Operation } from '../../reference/doors/operations.js';
import { E, syscallResultName } from '../../reference/uapi/errno.js';
import { KVM_CAP } from '../../reference/uapi/kvm.js';
import { compile } from './compile.js';
import { observations } from './ending.js';
import type { HostFacts } from './host-facts.js';
import type { Session } from './session.js';

/** KVM_CREATE_VM: KVM's HV kind, which has the tables. */
const HV = 1n;

const extension = (as: string, number: number): Operation => ({ door: 'kvm', op: 'ioctl', as, fd: { from: 'kvm.fd' }, call: 'KVM_CHECK_EXTENSION', args: { value: BigInt(number) } });

const ASKING: readonly Operation[] = [
  { door: 'kvm', op: 'open', as: 'kvm' },
  extension('tables', KVM_CAP.SPAPR_TCE_64),
  extension('attached', KVM_CAP.SPAPR_TCE_VFIO),
  { door: 'kvm', op: 'ioctl', as: 'vm', fd: { from: 'kvm.fd' }, call: 'KVM_CREATE_VM', args: { value: HV } },
];

/** Asks for a KVM with TCE tables that can be attached to windows of VFIO. Returns why there is none; undefined where there is. */
export async function askKvm(session: Session, facts: HostFacts): Promise<string | undefined> {
  const program = { operations: ASKING };
  const [kvm = -1n, tables, attached, vm = -1n] = observations(program, await session.run(compile(program, facts)), facts).map((seen) => (seen.kind === 'syscall' ? seen.result : -1n));
  if (kvm === BigInt(-E.ENOENT)) return 'no /dev/kvm: the host has no virtualisation, or its module is not loaded (modprobe kvm-hv)';
  if (kvm < 0n) return `/dev/kvm cannot be opened: ${syscallResultName(kvm)}`;
  if (tables !== 1n) return 'its KVM has no TCE tables (KVM_CAP_SPAPR_TCE_64)';
  if (attached !== 1n) return 'its KVM cannot attach TCE tables to windows of VFIO (KVM_CAP_SPAPR_TCE_VFIO)';
  return vm < 0n ? `its KVM makes no HV machine: ${syscallResultName(vm)}; load kvm-hv there` : undefined;
}
