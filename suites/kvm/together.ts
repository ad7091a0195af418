import { vfioScenario } from '../../harness/build/scenario-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import type { Operation } from '../../reference/doors/operations.js';
import type { Term } from '../../reference/doors/term.js';
import type { HcallName } from '../../reference/uapi/hcall.js';
import { V2 } from './attachment.js';
import { busAt, FREE, guestRig } from './rig.js';
import { BOTH, get, guest, LIOBN, newTable, PAGE, PAGE_SHIFT, put, RAM, READ, stuff, takeAway } from './steps.js';

/*
 * Two calls at the same time: of two processors, or of one and the program. Whatever happens, it must come to the same as one after
 * the other. A race shows rarely: each is tried a few times in a program.
 */

const ROUNDS = 8n;

const hcall = (processor: Term, call: HcallName, ...args: readonly Term[]): Operation => ({ door: 'kvm', op: 'hcall', processor, call, args });
const putting = (processor: Term, page: bigint, tce: bigint): Operation => hcall(processor, 'H_PUT_TCE', LIOBN, page << PAGE_SHIFT, tce);
const stuffing = (processor: Term, page: bigint, count: bigint): Operation => hcall(processor, 'H_STUFF_TCE', LIOBN, page << PAGE_SHIFT, 0n, count);

const twoProcessors: Scenario = vfioScenario(
  { id: 'kvm/together/two-processors', title: 'Two processors store the same entry at the same time: it is one of the two', clauses: ['kvm/H_PUT_TCE/mapped', 'kvm/H_GET_TCE/entry'] },
  (p) => {
    const made = guest(p);
    newTable(p, made.vm);
    const second = p.processor(made.vm, 1);
    for (let page = 0n; page < ROUNDS; page++) {
      p.together(putting(made.processor, page, RAM | BOTH), putting(second, page, (RAM + PAGE) | READ));
      get(p, made, page);
    }
  },
);

const mappingAndClearing: Scenario = vfioScenario(
  {
    id: 'kvm/together/put-and-stuff',
    title: 'One processor maps pages while another clears them, in an attached table: what was registered can be let go afterwards',
    clauses: ['kvm/H_PUT_TCE/mapped', 'kvm/H_STUFF_TCE/cleared', 'VFIO_IOMMU_SPAPR_UNREGISTER_MEMORY/unregistered', 'ledger/locked'],
    requires: V2,
    destructive: true,
  },
  (p) => {
    const made = guestRig(p);
    const second = p.processor(made.vm, 1);
    for (let round = 0n; round < ROUNDS; round++) p.together(putting(made.processor, FREE + round, RAM | BOTH), stuffing(second, FREE, ROUNDS));
    stuff(p, made, FREE, ROUNDS);
    p.unregister(made.rig.container, made.memory);
  },
);

const samePage: Scenario = vfioScenario(
  {
    id: 'kvm/together/same-attached-page',
    title: 'Two processors map the same page of an attached table at the same time; nothing stays pinned of the one that lost',
    clauses: ['kvm/H_PUT_TCE/mapped', 'VFIO_IOMMU_SPAPR_UNREGISTER_MEMORY/unregistered', 'ledger/locked'],
    requires: V2,
    destructive: true,
  },
  (p) => {
    const made = guestRig(p);
    const second = p.processor(made.vm, 1);
    for (let round = 0n; round < ROUNDS; round++) p.together(putting(made.processor, FREE, RAM | BOTH), putting(second, FREE, (RAM + PAGE) | BOTH));
    put(p, made, FREE, 0n);
    p.unregister(made.rig.container, made.memory);
  },
);

const unmapping: Scenario = vfioScenario(
  {
    id: 'kvm/together/put-and-unmap',
    title: 'The guest maps a page while the program unmaps it: it is mapped or not, and nothing stays pinned',
    clauses: ['kvm/H_PUT_TCE/mapped', 'VFIO_IOMMU_UNMAP_DMA/unmapped', 'ledger/locked'],
    requires: V2,
    destructive: true,
  },
  (p) => {
    const made = guestRig(p);
    const { fd } = made.rig.container;
    for (let round = 0n; round < ROUNDS; round++) {
      p.together(putting(made.processor, FREE + round, RAM | BOTH), { door: 'vfio', op: 'ioctl', fd, call: 'VFIO_IOMMU_UNMAP_DMA', args: { iova: busAt(made, FREE + round), size: PAGE } });
    }
    stuff(p, made, FREE, ROUNDS);
    p.unregister(made.rig.container, made.memory);
  },
);

const closedUnderLoad: Scenario = vfioScenario(
  {
    id: 'kvm/together/closed-under-load',
    title: 'A table that is closed while a processor stores in it: the call is answered or left to the monitor, and the host goes on',
    clauses: ['kvm/H_PUT_TCE/liobn', 'close/closed', 'ledger/locked', 'log/quiet'],
    destructive: true,
  },
  (p) => {
    const made = guest(p);
    for (let round = 0n; round < ROUNDS; round++) {
      const fd = newTable(p, made.vm, { as: `table${round}` });
      p.together(stuffing(made.processor, 0n, 1024n), { door: 'vfio', op: 'close', fd });
      put(p, made, 1n, RAM | BOTH);
    }
  },
);

const attachedUnderLoad: Scenario = vfioScenario(
  {
    id: 'kvm/together/attached-closed-under-load',
    title: 'The same with a table to which a window is attached',
    clauses: ['kvm/H_PUT_TCE/liobn', 'close/closed', 'ledger/locked', 'log/quiet'],
    requires: V2,
    destructive: true,
  },
  (p) => {
    const made = guestRig(p);
    put(p, made, FREE, RAM | BOTH);
    p.together(stuffing(made.processor, FREE, 64n), { door: 'vfio', op: 'close', fd: made.table });
    put(p, made, FREE, RAM | BOTH);
    p.unmap(made.rig.container, busAt(made, FREE), PAGE).unregister(made.rig.container, made.memory);
  },
);

const attachingClosed: Scenario = vfioScenario(
  {
    id: 'kvm/together/attached-while-closed',
    title: 'A table that is closed while it is being attached: it is attached and gone, or refused, and the host goes on',
    clauses: ['KVM_SET_DEVICE_ATTR/attached', 'KVM_SET_DEVICE_ATTR/taken-away', 'close/closed', 'ledger/locked', 'log/quiet'],
    requires: V2,
    destructive: true,
  },
  (p) => {
    const made = guestRig(p);
    const { fd, words } = made.bridge;
    for (let round = 0n; round < ROUNDS; round++) {
      const table = newTable(p, made.vm, { liobn: LIOBN + 1n + round, as: `table${round}` });
      p.store(words.address, [made.rig.container.group, table], 4);
      p.together({ door: 'kvm', op: 'ioctl', fd, call: 'KVM_SET_DEVICE_ATTR', args: { group: 1n, attr: 3n, addr: words.address } }, { door: 'vfio', op: 'close', fd: table });
    }
    takeAway(p, made.bridge, made.rig.container.group);
    put(p, made, FREE, RAM | BOTH);
  },
);

const sameLiobn: Scenario = vfioScenario(
  {
    id: 'kvm/together/same-liobn',
    title: 'Of two tables that are made at the same time for one LIOBN one is refused, and locks nothing',
    clauses: ['KVM_CREATE_SPAPR_TCE_64/made', 'KVM_CREATE_SPAPR_TCE_64/liobn', 'ledger/locked'],
  },
  (p) => {
    const { vm } = guest(p);
    const making = (as: string, liobn: bigint): Operation => ({ door: 'kvm', op: 'ioctl', fd: vm, call: 'KVM_CREATE_SPAPR_TCE_64', args: { liobn, page_shift: PAGE_SHIFT, offset: 0n, size: 64n }, as });
    for (let round = 0n; round < ROUNDS; round++) {
      p.together(making(`left${round}`, LIOBN + round), making(`right${round}`, LIOBN + round)).do({ door: 'host', op: 'ledger' });
    }
  },
);

const killed: Scenario = vfioScenario(
  {
    id: 'kvm/together/killed',
    title: 'A process that is killed with a machine, a table and a group open gives all of them back: the group can be had again at once',
    clauses: ['close/closed', 'open-group/opened'],
    requires: V2,
  },
  (p) => {
    const child = p.fork();
    const open = (door: 'vfio', what: string, as: string): void => void p.do({ door, op: 'open', what, as, by: child });
    open('vfio', 'container', 'itsContainer');
    open('vfio', 'pe0', 'itsGroup');
    const [fd, group] = [{ from: 'itsContainer.fd' }, { from: 'itsGroup.fd' }];
    p.ioctl(group, 'VFIO_GROUP_SET_CONTAINER', { fd }, { by: child }).ioctl(fd, 'VFIO_SET_IOMMU', { value: 7n }, { by: child });
    const memory = p.memory(4n * PAGE, { by: child });
    p.register({ fd, group }, memory, child);
    p.kvmIoctl(p.kvm(child), 'KVM_CREATE_VM', { value: 0n }, { as: 'itsVm', by: child });
    const vm = { from: 'itsVm.fd' };
    p.kvmIoctl(vm, 'KVM_SET_USER_MEMORY_REGION', { slot: 0n, guest_phys_addr: RAM, memory_size: 4n * PAGE, userspace_addr: memory.address }, { by: child });
    newTable(p, vm, { by: child });
    p.kill(child);
    p.open('pe0', 'mine');
  },
);

/** What happens at the same time, and what ends in the middle of it. */
export const scenarios: readonly Scenario[] = [twoProcessors, mappingAndClearing, samePage, unmapping, closedUnderLoad, attachedUnderLoad, attachingClosed, sameLiobn, killed];
