import type { HcallName } from '../../reference/uapi/hcall.js';
import type { ProgramBuilder, WindowHandle } from '../../harness/build/program-builder.js';
import { scenario } from '../../harness/build/scenario-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import type { Term } from '../../reference/doors/term.js';
import { DATA, mapping, POISON } from '../tce/entries.js';
import { readEdges } from './states.js';

const NAME = 'ibm,remove-pe-dma-window';
const CREATE = 'ibm,create-pe-dma-window';

/** Each TCE hypercall at a window's first entry. */
const CALLS: readonly { readonly call: HcallName; readonly invoke: (p: ProgramBuilder, window: WindowHandle) => void }[] = [
  { call: 'H_PUT_TCE', invoke: (p, window) => p.put(window, 0n, mapping(DATA)) },
  { call: 'H_GET_TCE', invoke: (p, window) => p.get(window, 0n) },
  { call: 'H_STUFF_TCE', invoke: (p, window) => p.stuff(window, 0n, mapping(DATA), 1n) },
  { call: 'H_PUT_TCE_INDIRECT', invoke: (p, window) => p.putList(window, 0n, [mapping(DATA)]) },
];

const gone = CALLS.flatMap(({ call, invoke }) => [
  scenario(
    {
      id: `ddw/remove/gone/created/${call}`,
      title: `${call} refuses the LIOBN of a window that was created and removed`,
      clauses: [`${NAME}/removed`, `${call}/liobn`],
    },
    (p) => {
      const window = p.create(16, 28);
      p.put(window, 0n, POISON).remove(window).query();
      invoke(p, window);
    },
  ),
  scenario(
    {
      id: `ddw/remove/gone/default/${call}`,
      title: `${call} refuses the LIOBN of the removed default window`,
      clauses: [`${NAME}/default-not-restored`, `${call}/liobn`],
    },
    (p) => {
      const window = p.defaultWindow();
      p.remove(window).query();
      invoke(p, window);
    },
  ),
]);

const UNKNOWN: readonly { readonly name: string; readonly text: string; readonly liobn: Term }[] = [
  { name: 'zero', text: 'LIOBN 0', liobn: 0n },
  { name: 'one', text: 'LIOBN 1', liobn: 1n },
  { name: 'below', text: 'the LIOBN below that of a window', liobn: { from: 'pe0.liobn', plus: -1n } },
  { name: 'above', text: 'the LIOBN above that of a window', liobn: { from: 'pe0.liobn', plus: 1n } },
  { name: 'largest', text: 'LIOBN 0xffffffff', liobn: 0xffff_ffffn },
];

const unknown = UNKNOWN.map(({ name, text, liobn }) =>
  scenario({ id: `ddw/remove/liobn/${name}`, title: `${NAME} refuses ${text}`, clauses: [`${NAME}/liobn`] }, (p) => {
    p.rtas(NAME, [liobn], 1).query();
    readEdges(p, p.defaultWindow());
  }),
);

/** What a window may hold when it is removed: the caller's error, and no reason to fail. */
const CONTENTS = [
  {
    name: 'one-mapping',
    text: 'one mapping',
    fill: (p: ProgramBuilder, window: WindowHandle): unknown => p.put(window, 0n, mapping(DATA)),
  },
  {
    name: 'read-only-mapping',
    text: 'one mapping that a device may only read',
    fill: (p: ProgramBuilder, window: WindowHandle): unknown => p.put(window, 0n, mapping(DATA, 1n)),
  },
  {
    name: 'last-entry-mapped',
    text: 'a mapping in its last entry',
    fill: (p: ProgramBuilder, window: WindowHandle): unknown => p.put(window, 0xfff_0000n, mapping(DATA)),
  },
  {
    name: '512-mappings',
    text: '512 mappings',
    fill: (p: ProgramBuilder, window: WindowHandle): unknown => p.stuff(window, 0n, mapping(DATA), 512n),
  },
];

const mapped = CONTENTS.map(({ name, text, fill }) =>
  scenario(
    {
      id: `ddw/remove/with/${name}`,
      title: `A window with ${text} is removed, or its removal is refused`,
      clauses: [`${NAME}/valid-mappings`],
    },
    (p) => {
      const window = p.create(16, 28);
      fill(p, window);
      p.remove(window).query();
      p.get(window, 0n).get(window, 0xfff_0000n);
    },
  ),
);

const others: readonly Scenario[] = [
  scenario({ id: 'ddw/remove/twice', title: 'A window cannot be removed twice', clauses: [`${NAME}/removed`, `${NAME}/liobn`] }, (p) => {
    const window = p.create(16, 28);
    p.remove(window).query().remove(window).query();
  }),
  scenario(
    {
      id: 'ddw/remove/default-twice',
      title: 'The default window cannot be removed twice',
      clauses: [`${NAME}/default-not-restored`, `${NAME}/liobn`],
    },
    (p) => {
      const window = p.defaultWindow();
      p.remove(window).query().remove(window).query();
    },
  ),
  scenario(
    {
      id: 'ddw/remove/cleared-mappings',
      title: 'A window whose mappings were cleared, and whose entries hold other bits, is removed',
      clauses: [`${NAME}/removed`],
    },
    (p) => {
      const window = p.create(16, 28);
      p.put(window, 0n, mapping(DATA)).put(window, 0n, 0n).put(window, 0x1_0000n, POISON).remove(window).query();
    },
  ),
  scenario(
    {
      id: 'ddw/remove/leaves-default',
      title: 'Removing a created window leaves the entries of the default one',
      clauses: [`${NAME}/removed`, 'H_GET_TCE/value'],
    },
    (p) => {
      const [first, second] = [p.defaultWindow(), p.create(16, 28)];
      p.put(first, 0n, mapping(DATA)).put(second, 0n, POISON).remove(second).get(first, 0n);
      readEdges(p, first);
    },
  ),
  scenario(
    {
      id: 'ddw/remove/leaves-created',
      title: 'Removing the default window leaves the entries of a created one',
      clauses: [`${NAME}/removed`, 'H_GET_TCE/value'],
    },
    (p) => {
      const second = p.create(16, 28);
      p.put(second, 0n, mapping(DATA)).put(second, 0xfff_0000n, POISON).remove(p.defaultWindow());
      p.get(second, 0n).get(second, 0xfff_0000n);
      readEdges(p, second);
    },
  ),
  scenario(
    {
      id: 'ddw/remove/twenty-times',
      title: 'Created and removed twenty times, a window can still be created',
      clauses: [`${NAME}/removed`, `${CREATE}/created`, 'ibm,query-pe-dma-window/windows'],
    },
    (p) => {
      for (let i = 0; i < 20; i++) {
        const window = p.create(16, 28);
        p.put(window, 0n, POISON).remove(window);
      }
      p.query();
      readEdges(p, p.create(16, 28));
    },
  ),
  scenario(
    {
      id: 'ddw/remove/of-virtual-adapter',
      title: 'The LIOBN of a virtual adapter names no window of a PE, and is refused',
      clauses: [`${NAME}/liobn`],
      destructive: true,
    },
    (p) => {
      p.rtas(NAME, [{ from: 'vio0.liobn' }], 1).query();
      p.hcall('H_PUT_TCE', { from: 'vio0.liobn' }, { from: 'vio0.start' }, mapping(DATA));
    },
  ),
];

/** ibm,remove-pe-dma-window: what is gone, what stays, and what may hold it up. */
export const scenarios: readonly Scenario[] = [...gone, ...unknown, ...mapped, ...others];
