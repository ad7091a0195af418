import type { MachineDescription } from './description.js';
import { KVM_HOST_MUTANTS, KVM_TCE_MUTANTS } from './mutants/kvm-tce.js';
import { mutate, takeChoices, type Mutant } from './mutants/mutant.js';
import { QEMU_DDW_MUTANTS } from './mutants/qemu-ddw.js';
import { QEMU_TCE_MUTANTS } from './mutants/qemu-tce.js';
import { asMerged, asPlanned } from './planned.js';
import { REFERENCE_RULES } from './rule-book.js';
import { SETTLED, STANDINGS, type RuleBook, type Standing } from './rules.js';

/**
 * What a system is judged by: the architecture alone, or the architecture as one platform is known to do it. A result
 * outside the profile is a departure; one inside it but outside `lopar` is that platform's known way.
 */
export interface Profile {
  readonly name: string;
  readonly title: string;
  readonly rules: RuleBook;
  /** The standings that count: a departure from another clause informs, and fails nothing. */
  readonly counts: readonly Standing[];
  /** The machine as a system of this profile is on it; absent where the machine says it all. */
  readonly machine?: (machine: MachineDescription) => MachineDescription;
}

/** QEMU answers what KVM hands on; these faults of QEMU show through KVM too. */
const THROUGH_KVM = ['qemu/h-put-tce-unchecked-page', 'qemu/get-foreign-page', 'qemu/stuff-count', 'qemu/indirect-multi-table', 'qemu/indirect-list-outside'];

const throughKvm = QEMU_TCE_MUTANTS.filter(({ id }) => THROUGH_KVM.includes(id));

/** KVM with TCE tables of its own is on PowerNV. */
const onPowernv = KVM_HOST_MUTANTS.filter(({ id }) => id === 'kvm/write-implies-read');

const known = (mutants: readonly Mutant[], choices: Parameters<typeof takeChoices>[1]): RuleBook =>
  takeChoices(mutate(REFERENCE_RULES, mutants), choices);

/** The profiles, the default first. */
export const PROFILES: readonly Profile[] = [
  { name: 'lopar', title: 'the architecture: LoPAR 2.9', rules: REFERENCE_RULES, counts: SETTLED },
  {
    name: 'qemu',
    title: "QEMU's own PAPR code, as it is (TCG, or KVM without its TCE tables)",
    rules: known([...QEMU_TCE_MUTANTS, ...QEMU_DDW_MUTANTS], { A1: 'goes on', A2: 'refuses', A4: 'goes on', A12: 'goes on', A14: 'goes on' }),
    counts: SETTLED,
  },
  {
    name: 'kvm',
    title: "KVM's in-kernel TCE handlers with QEMU behind them",
    rules: known([...KVM_TCE_MUTANTS, ...onPowernv, ...throughKvm, ...QEMU_DDW_MUTANTS], { A1: 'refuses', A14: 'goes on' }),
    counts: SETTLED,
  },
  {
    name: 'powervm',
    title: 'PowerVM, as Linux describes it: the device stands for its PE, removal with live mappings goes on',
    rules: known([], { A12: 'goes on', A14: 'goes on' }),
    counts: SETTLED,
  },
  {
    name: 'linux-7.2',
    title: 'Linux 7.2 as merged: on POWER no page tables for /dev/iommu, and no nodes of devices',
    rules: REFERENCE_RULES,
    counts: SETTLED,
    machine: asMerged,
  },
  {
    name: 'ppc64-target',
    title: 'the plan for /dev/iommu on POWER: what is proposed and open counts',
    rules: REFERENCE_RULES,
    counts: STANDINGS,
    machine: asPlanned,
  },
];
