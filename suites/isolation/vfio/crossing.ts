import { vfioScenario } from '../../../harness/build/scenario-builder.js';
import type { Scenario } from '../../../harness/scenario.js';
import { plus, type Term } from '../../../reference/doors/term.js';
import { DATA, drainSlots, fillDevice, LENGTH, MEMORY_BYTE, openRig, OTHER, PAGE, refused, reopen, TARGET, V2, type Rig } from './device.js';
import type { VfioProgramBuilder } from '../../../harness/build/vfio-program-builder.js';

const TRANSLATED = 'dma/translated';
const BYTES = BigInt(LENGTH);
const HALF = LENGTH / 2;

/** Half of an access lies before the end of a page, half behind it. */
const beforeEnd = (page: Term): Term => plus(page, PAGE - BYTES / 2n);

/** Fills memory on both sides of the page's end, and loads it by these names. */
function show(p: VfioProgramBuilder, memory: Term, [inside, outside]: readonly [string, string]): void {
  p.load(beforeEnd(memory), HALF, inside).load(plus(memory, PAGE), HALF, outside);
}

/** One page mapped, its neighbour in memory not. */
function onePage(p: VfioProgramBuilder): { readonly rig: Rig; readonly iova: Term; readonly memory: Term } {
  const rig = openRig(p);
  const [iova, memory] = [rig.window.at(TARGET), rig.buffer.at(DATA)];
  p.map(rig.container, memory, iova, PAGE);
  fillDevice(p, rig);
  p.fill(beforeEnd(memory), LENGTH, MEMORY_BYTE);
  show(p, memory, ['inside-memory', 'outside-memory']);
  return { rig, iova, memory };
}

/** Accesses that cross the end of a page: what is permitted is decided page by page. */
export const scenarios: readonly Scenario[] = [
  vfioScenario(
    {
      id: 'isolation/vfio/crossing/write-into-unmapped',
      title: 'Of a write that runs from a mapped page into an unmapped one the first part arrives and the rest does not',
      clauses: [TRANSLATED, 'dma/write-permission'],
      requires: V2,
      claims: [
        { says: 'the first page is mapped', clause: TRANSLATED, holds: 'different', loads: ['inside-memory', 'inside'] },
        refused('write', 'outside', 'the page behind it is not mapped'),
      ],
    },
    (p) => {
      const { rig, iova, memory } = onePage(p);
      p.deviceWrites(rig.device, beforeEnd(iova), LENGTH, 0);
      show(p, memory, ['inside', 'outside']);
    },
  ),
  vfioScenario(
    {
      id: 'isolation/vfio/crossing/read-into-unmapped',
      title: 'Of a read that runs from a mapped page into an unmapped one the device has the first part and not the rest',
      clauses: [TRANSLATED, 'dma/read-permission'],
      requires: V2,
      claims: [
        { says: 'the first page is mapped', clause: TRANSLATED, holds: 'equal', loads: ['inside-memory', 'inside'] },
        refused('read', 'outside', 'the page behind it is not mapped'),
      ],
    },
    (p) => {
      const { rig, iova } = onePage(p);
      // The two halves arrive in two slots, so that each is shown by itself.
      p.deviceReads(rig.device, beforeEnd(iova), LENGTH, LENGTH + HALF);
      const drained = plus(drainSlots(p, reopen(p, rig), 3), BYTES + BYTES / 2n);
      p.load(drained, HALF, 'inside').load(plus(drained, BYTES / 2n), HALF, 'outside');
    },
  ),
  vfioScenario(
    {
      id: 'isolation/vfio/crossing/scattered',
      title: 'A write that runs through two mapped pages arrives in the two pages of memory, which do not lie side by side',
      clauses: [TRANSLATED],
      requires: V2,
      claims: [
        { says: 'the first page is mapped to this memory', clause: TRANSLATED, holds: 'different', loads: ['inside-memory', 'inside'] },
        { says: 'the second page is mapped to that memory', clause: TRANSLATED, holds: 'different', loads: ['elsewhere-memory', 'elsewhere'] },
        refused('write', 'outside', 'what lies behind the first page in memory is not mapped', TRANSLATED),
      ],
    },
    (p) => {
      const { rig, iova, memory } = onePage(p);
      const elsewhere = rig.buffer.at(OTHER);
      p.map(rig.container, elsewhere, plus(iova, PAGE), PAGE);
      p.fill(elsewhere, HALF, MEMORY_BYTE).load(elsewhere, HALF, 'elsewhere-memory');
      p.deviceWrites(rig.device, beforeEnd(iova), LENGTH, 0);
      show(p, memory, ['inside', 'outside']);
      p.load(elsewhere, HALF, 'elsewhere');
    },
  ),
];
