import { vfioScenario } from '../../harness/build/scenario-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import { KVM_CAP } from '../../reference/uapi/kvm.js';
import { guest, newTable, newVm } from './steps.js';

const extensions: Scenario = vfioScenario(
  {
    id: 'kvm/system/extensions',
    title: 'KVM says its version, and that it has what TCE tables need; a machine says the same',
    clauses: ['KVM_GET_API_VERSION/version', 'KVM_CHECK_EXTENSION/tce', 'KVM_CHECK_EXTENSION/unknown', 'KVM_CHECK_EXTENSION/other', 'open-kvm/opened'],
  },
  (p) => {
    const kvm = p.kvm();
    p.kvmIoctl(kvm, 'KVM_GET_API_VERSION');
    p.kvmIoctl(kvm, 'KVM_CREATE_VM', { value: 0n }, { as: 'vm' });
    for (const extension of Object.values(KVM_CAP)) for (const fd of [kvm, { from: 'vm.fd' }]) p.kvmIoctl(fd, 'KVM_CHECK_EXTENSION', { value: BigInt(extension) });
    p.kvmIoctl(kvm, 'KVM_CHECK_EXTENSION', { value: 0x7fff_ffffn }).kvmIoctl(kvm, 'KVM_CHECK_EXTENSION', { value: 10n });
  },
);

const kinds: Scenario = vfioScenario(
  { id: 'kvm/system/kinds', title: 'A machine of the usual kind and one of the kind HV are made, each time a new one', clauses: ['KVM_CREATE_VM/made'] },
  (p) => {
    newTable(p, newVm(p, 'vm'));
    newTable(p, newVm(p, 'vm1', 1n), { as: 'other' });
  },
);

const noPr: Scenario = vfioScenario({ id: 'kvm/system/no-pr', title: 'A machine of the kind PR is made where KVM has that kind, and refused where not', clauses: ['KVM_CREATE_VM/kind'] }, (p) => {
  newVm(p, 'vm', 2n);
});

const wrongFile: Scenario = vfioScenario(
  { id: 'kvm/system/wrong-file', title: "A call of one of KVM's files on another of them is refused, as are calls of VFIO", clauses: ['kvm-other/number', 'kvm-other/system'] },
  (p) => {
    const kvm = p.kvm();
    const vm = newVm(p, 'vm');
    const table = newTable(p, vm);
    newTable(p, kvm, { as: 'none' });
    p.kvmIoctl(vm, 'KVM_CREATE_VM', { value: 0n }, { as: 'none2' });
    p.kvmIoctl(vm, 'KVM_GET_API_VERSION');
    p.kvmIoctl(table, 'KVM_GET_API_VERSION');
    for (const fd of [kvm, vm, table]) p.ioctl(fd, 'VFIO_GET_API_VERSION');
    p.kvmIoctl(p.open('container', 'container'), 'KVM_GET_API_VERSION');
  },
);

const absent: Scenario = vfioScenario({ id: 'kvm/system/absent', title: 'A kernel without KVM has no /dev/kvm', clauses: ['open-kvm/there'], requires: ['no-kvm'] }, (p) => {
  p.kvm();
});

const processors: Scenario = vfioScenario(
  { id: 'kvm/system/processors', title: 'A processor number is taken as long as the machine lives, its descriptor closed or not', clauses: ['kvm/guest/made', 'kvm/guest/number', 'kvm/guest/descriptor'] },
  (p) => {
    const made = guest(p);
    p.processor(made.vm, 3);
    p.processor(made.vm, 0);
    p.close(made.processor);
    p.processor(made.vm, 0);
    p.close(made.vm);
    p.processor(made.vm, 1);
  },
);

/** KVM itself: what it is and has, machines and processors, and calls that are none of theirs. */
export const scenarios: readonly Scenario[] = [extensions, kinds, noPr, wrongFile, absent, processors];
