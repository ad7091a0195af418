import type { QueueHandle, VfioProgramBuilder } from '../../../harness/build/vfio-program-builder.js';
import type { Scenario } from '../../../harness/scenario.js';
import type { Term } from '../../../reference/doors/term.js';
import { HWPT } from '../../../reference/uapi/iommufd.js';
import { EEH_EVENT_LAYOUT, VEVENTQ_PPC64_EEH, VIOMMU_PPC64 } from '../../../reference/uapi/iommufd-ppc64.js';
import { freeze, shown } from '../../eeh/steps.js';
import { attach, bound, destroy, table, type BoundHandle } from '../device-steps.js';
import { events } from '../virtual-steps.js';
import { LOW_WINDOW, plannedScenario, ready, type Ready } from './steps.js';
import { enter, guestTable, MEMORY } from '../../nesting/steps.js';

/* Errors of a PE, told to the program that has its devices, through a queue of virtual events. */

const COPIES = 'read-events/ppc64-eeh';
const SERIAL = 'read-events/ppc64-serial';
const SEQUENCE = 'read-events/sequence';

const PE = 'pair0';
const [FIRST, SECOND] = ['pair0.dev0', 'pair0.dev1'] as const;
const NEEDS = ['eeh', 'freeze', `device:${SECOND}`] as const;

/** Bytes of a header and of a record of an error, and of more than any queue here has. */
const RECORD = 8 + EEH_EVENT_LAYOUT.bytes;
const ALL = 16 * RECORD;

/** A PE that a guest has: its first function, a table with the guest's memory, and the virtual IOMMU that stands for the PE. */
interface Watched extends Ready {
  readonly parent: Term;
  readonly viommu: Term;
}

function watched(p: VfioProgramBuilder, device: string = FIRST): Watched {
  const r = ready(p, device);
  const parent = table(p, r.fd, r.device, r.ioas, 'parent', { flags: HWPT.NEST_PARENT });
  p.iommufd(r.fd, 'IOMMU_VIOMMU_ALLOC', { type: BigInt(VIOMMU_PPC64), dev_id: r.device.id, hwpt_id: parent }, { as: 'viommu' });
  return { ...r, parent, viommu: { from: 'viommu.out_viommu_id' } };
}

/** The guest has the device, by that number. */
function given(p: VfioProgramBuilder, { fd, viommu }: Watched, { id }: Pick<BoundHandle, 'id'>, virtualId: bigint, as = `virtual${virtualId}`): Term {
  p.iommufd(fd, 'IOMMU_VDEVICE_ALLOC', { viommu_id: viommu, dev_id: id, virt_id: virtualId }, { as });
  return { from: `${as}.out_vdevice_id` };
}

const queueOf = (p: VfioProgramBuilder, { fd, viommu }: Watched, depth: bigint, as?: string): QueueHandle => events(p, fd, viommu, depth, as, BigInt(VEVENTQ_PPC64_EEH));

/** The PE goes on: somebody takes its second function and lets it go. Source: Linux kernel/eeh.c eeh_dev_open, eeh_dev_release. */
const recovered = (p: VfioProgramBuilder, { fd }: Ready, time: number): VfioProgramBuilder => p.close(bound(p, fd, SECOND, `-${time}`).fd);

export const scenarios: readonly Scenario[] = [
  plannedScenario({ id: 'iommufd/ppc64/q24-two-functions', title: 'One error of a PE with two functions: a record for each that the guest has, with one serial number and numbers of the queue without a gap', clauses: [COPIES, SERIAL, SEQUENCE], requires: NEEDS }, (p) => {
    const w = watched(p);
    const second = bound(p, w.fd, SECOND);
    for (const [i, device] of [w.device, second].entries()) given(p, w, device, BigInt(0x100 + i));
    const queue = queueOf(p, w, 16n);
    freeze(freeze(p, PE), PE);
    p.read(queue.fd, RECORD);
    p.read(queue.fd, ALL);
    p.read(queue.fd, ALL);
  }),
  plannedScenario({ id: 'iommufd/ppc64/q25-lost', title: 'A queue for one event and three errors: the first, and that something was lost; then the program asks for the state, and hears the next', clauses: [COPIES, SERIAL, SEQUENCE, 'read-events/lost'], requires: NEEDS }, (p) => {
    const w = watched(p);
    given(p, w, w.device, 7n);
    const queue = queueOf(p, w, 1n);
    for (let i = 0; i < 3; i++) recovered(freeze(p, PE), w, i);
    p.read(queue.fd, ALL);
    shown(p, FIRST);
    freeze(p, PE);
    p.read(queue.fd, ALL);
  }),
  plannedScenario({ id: 'iommufd/ppc64/event-serial-grows', title: 'Each error of a PE has a greater serial number than those before; one of another PE is told to nobody here', clauses: [COPIES, SERIAL], requires: [...NEEDS, 'device:pe1.dev0'] }, (p) => {
    const w = watched(p);
    bound(p, w.fd, 'pe1.dev0');
    given(p, w, w.device, 7n);
    const queue = queueOf(p, w, 16n);
    for (let i = 0; i < 3; i++) {
      freeze(freeze(p, PE), 'pe1');
      p.read(queue.fd, ALL);
      recovered(p, w, i);
    }
    p.read(queue.fd, ALL);
  }),
  plannedScenario({ id: 'iommufd/ppc64/event-late', title: 'A device that the guest gets while its PE is stopped tells of no error before; it tells of the next', clauses: [COPIES, SERIAL, 'read-events/delivered'], requires: NEEDS }, (p) => {
    const w = watched(p);
    const queue = queueOf(p, w, 16n);
    freeze(p, PE);
    given(p, w, w.device, 7n);
    p.read(queue.fd, ALL);
    freeze(recovered(p, w, 0), PE);
    p.read(queue.fd, ALL);
  }),
  plannedScenario({ id: 'iommufd/ppc64/event-closed', title: 'A function that was closed tells of no error any more, the other one does', clauses: [COPIES, SERIAL], requires: NEEDS }, (p) => {
    const w = watched(p);
    const second = bound(p, w.fd, SECOND);
    const virtual = [given(p, w, w.device, 1n), given(p, w, second, 2n)];
    const queue = queueOf(p, w, 16n);
    p.close(second.fd);
    freeze(p, PE);
    p.read(queue.fd, ALL);
    destroy(p, w.fd, virtual[0]!);
    recovered(p, w, 0);
    freeze(p, PE);
    p.read(queue.fd, ALL);
  }),
  plannedScenario({ id: 'iommufd/ppc64/event-queue-again', title: 'A queue that is made anew begins with number 0 and knows nothing of earlier errors, whose serial numbers still count', clauses: [COPIES, SERIAL, SEQUENCE, 'IOMMU_VEVENTQ_ALLOC/type-taken', 'IOMMU_DESTROY/in-use'], requires: NEEDS }, (p) => {
    const w = watched(p);
    given(p, w, w.device, 7n);
    const queue = queueOf(p, w, 16n);
    queueOf(p, w, 16n, 'refused');
    freeze(p, PE);
    p.read(queue.fd, ALL);
    destroy(p, w.fd, queue.id);
    p.close(queue.fd);
    recovered(p, w, 0);
    destroy(p, w.fd, queue.id);
    freeze(p, PE);
    recovered(p, w, 1);
    const again = queueOf(p, w, 16n, 'again');
    freeze(p, PE);
    p.read(again.fd, ALL);
  }),
  plannedScenario({ id: 'iommufd/ppc64/event-recovered-through-other', title: 'A recovery by the serial number of a record goes through whichever function, and the PE is normal for both', clauses: [SERIAL, 'eeh-notify/recovered', 'eeh-notify/stale'], requires: [...NEEDS, 'eeh-notify'] }, (p) => {
    const w = watched(p);
    const second = bound(p, w.fd, SECOND);
    for (const [i, device] of [w.device, second].entries()) given(p, w, device, BigInt(i));
    const queue = queueOf(p, w, 16n);
    freeze(p, PE);
    const serial = p.read(queue.fd, ALL)(2);
    const recover = (device: string): VfioProgramBuilder => p.do({ door: 'host', op: 'eeh-notify', what: 'recover', device, serial });
    shown(recover(SECOND), FIRST);
    freeze(p, PE);
    shown(recover(SECOND), FIRST);
  }),
  plannedScenario({ id: 'iommufd/ppc64/viommu-of-pe', title: 'A virtual IOMMU stands for one PE: no device of another belongs to it, there is nothing to invalidate, and no queue of hardware', clauses: ['IOMMU_VDEVICE_ALLOC/ppc64-pe', 'IOMMU_HWPT_INVALIDATE/operation', 'IOMMU_HW_QUEUE_ALLOC/type', 'IOMMU_VIOMMU_ALLOC/made', 'IOMMU_DESTROY/in-use'], requires: ['device:pe1.dev0'] }, (p) => {
    const w = watched(p, 'pe0.dev0');
    given(p, w, bound(p, w.fd, 'pe1.dev0'), 2n);
    const virtual = given(p, w, w.device, 1n);
    p.iommufd(w.fd, 'IOMMU_HWPT_INVALIDATE', { hwpt_id: w.viommu, data_type: 1n });
    p.iommufd(w.fd, 'IOMMU_HW_QUEUE_ALLOC', { viommu_id: w.viommu, type: 1n, length: 0x1000n });
    for (const id of [w.parent, w.viommu, virtual, w.viommu, w.parent]) destroy(p, w.fd, id);
  }),
  plannedScenario({ id: 'iommufd/ppc64/viommu-table', title: "A guest's table can be made from the virtual IOMMU as well as from the table below it", clauses: ['IOMMU_HWPT_ALLOC/nested-made', 'IOMMU_HWPT_INVALIDATE/ppc64-entered', 'dma/translated'] }, (p) => {
    const w = watched(p, 'pe0.dev0');
    const buffer = p.memory(MEMORY);
    p.iommufd(w.fd, 'IOMMU_IOAS_MAP', { flags: 7n, ioas_id: w.ioas, user_va: buffer.address, length: MEMORY, iova: 0n });
    given(p, w, w.device, 1n);
    const own = guestTable(p, { ...w, parent: w.viommu, memory: buffer.at }, 'own', LOW_WINDOW);
    attach(p, w.device, own);
    p.fill(buffer.at(0x3000n), 0x1000, 0x42);
    enter(p, { ...w, memory: buffer.at }, own, [0x1000n, 0x3001n], [0x2000n, 0x8003n]);
    p.deviceReads(w.device, 0x1000n).deviceWrites(w.device, 0x2000n).load(buffer.at(0x8000n), 16);
    destroy(p, w.fd, w.viommu);
  }),
];
