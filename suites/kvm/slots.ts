import { vfioScenario } from '../../harness/build/scenario-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import { reached, refused, writes } from '../isolation/vfio/device.js';
import { V2 } from './attachment.js';
import { busAt, filledRig, FREE } from './rig.js';
import { BOTH, get, guest, LIOBN, newTable, PAGE, put, RAM, setSlot } from './steps.js';

const TRANSLATED = 'dma/translated';
const NO_WRITE = 'dma/write-permission';

const slotRemoved: Scenario = vfioScenario(
  {
    id: 'kvm/slots/removed-while-mapped',
    title: "Memory that is the guest's no more stays mapped until the guest takes the page back, and can be mapped no more",
    clauses: ['KVM_SET_USER_MEMORY_REGION/removed', 'kvm/H_PUT_TCE/slot', 'kvm/H_PUT_TCE/cleared', TRANSLATED, NO_WRITE],
    requires: V2,
    claims: [reached('write', 'mapped', 'the window still maps the page'), refused('write', 'taken', 'the guest took the page back')],
  },
  (p) => {
    const made = filledRig(p);
    put(p, made, FREE, RAM | BOTH);
    setSlot(p, made.vm, { ...made.memory, length: 0n });
    put(p, made, FREE + 1n, RAM | BOTH);
    writes(p, made.rig, { as: 'mapped', iova: busAt(made, FREE), memory: made.memory.at(0n) });
    put(p, made, FREE, 0n);
    writes(p, made.rig, { as: 'taken', iova: busAt(made, FREE), memory: made.memory.at(0n) });
  },
);

const slotMoved: Scenario = vfioScenario(
  {
    id: 'kvm/slots/moved',
    title: "Memory that is moved in the guest is mapped at its new address, and at the old one no more; a slot can neither grow nor get other memory",
    clauses: ['KVM_SET_USER_MEMORY_REGION/set', 'KVM_SET_USER_MEMORY_REGION/changed', 'kvm/H_PUT_TCE/slot', 'kvm/H_PUT_TCE/mapped'],
  },
  (p) => {
    const memory = p.memory(8n * PAGE);
    const first = { ...memory, length: 4n * PAGE };
    const made = guest(p, first);
    newTable(p, made.vm);
    setSlot(p, made.vm, first, { start: 2n * RAM });
    for (const start of [RAM, 2n * RAM]) put(p, made, 1n, start | BOTH);
    get(p, made, 1n);
    setSlot(p, made.vm, memory, { start: 2n * RAM });
    setSlot(p, made.vm, { ...first, address: memory.at(4n * PAGE) }, { start: 2n * RAM });
    setSlot(p, made.vm, first, { start: 2n * RAM });
    for (const slot of [32766n, 32767n, 0x1_0000n]) setSlot(p, made.vm, first, { slot, start: 4n * RAM });
  },
);

const slotEdges: Scenario = vfioScenario(
  {
    id: 'kvm/slots/beside',
    title: 'Two slots side by side are two: a page of 128 KiB over both is not mapped, one of 64 KiB in each is',
    clauses: ['KVM_SET_USER_MEMORY_REGION/set', 'kvm/H_PUT_TCE/slot-end', 'kvm/H_PUT_TCE/mapped'],
  },
  (p) => {
    const memory = p.memory(4n * PAGE);
    const made = guest(p, { ...memory, length: PAGE });
    setSlot(p, made.vm, { address: memory.at(2n * PAGE), length: 2n * PAGE }, { slot: 1n, start: RAM + PAGE });
    const large = { liobn: LIOBN + 1n, pageShift: 17n, as: 'large' };
    newTable(p, made.vm);
    newTable(p, made.vm, large);
    put(p, made, 0n, RAM | BOTH);
    put(p, made, 1n, (RAM + PAGE) | BOTH);
    put(p, made, 0n, RAM | BOTH, large);
    get(p, made, 0n, large);
  },
);

/** Changes of the guest's memory slots, and what they leave in windows. */
export const scenarios: readonly Scenario[] = [slotRemoved, slotMoved, slotEdges];
