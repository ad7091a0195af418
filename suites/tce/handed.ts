import { scenario } from '../../harness/build/scenario-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import type { HcallName } from '../../reference/uapi/hcall.js';
import { plus, type Term } from '../../reference/doors/term.js';
import { LIST_PAGE } from '../../harness/build/program-builder.js';
import { DATA, mapping, OTHER, PAGE } from './entries.js';

/** No table has this number. */
const UNKNOWN = 0x7fff_fff0n;

const CALLS: readonly { readonly call: HcallName; readonly rest: readonly Term[] }[] = [
  { call: 'H_PUT_TCE', rest: [mapping(OTHER)] },
  { call: 'H_GET_TCE', rest: [] },
  { call: 'H_STUFF_TCE', rest: [0n, 4n] },
  { call: 'H_PUT_TCE_INDIRECT', rest: [LIST_PAGE, 4n] },
];

/** A kernel that answers a partition's calls cannot know of every table: its monitor may have others. */
export const scenarios: readonly Scenario[] = CALLS.map(({ call, rest }) =>
  scenario(
    {
      id: `tce/handed/${call.toLowerCase().replaceAll('_', '-')}`,
      title: `${call} on a table that the kernel does not have may be left to the monitor, and changes none of the kernel's tables`,
      clauses: ['monitor/handed'],
      requires: ['monitor'],
    },
    (p) => {
      const window = p.defaultWindow();
      for (let i = 0n; i < 4n; i++) p.put(window, i * PAGE, mapping(DATA + i * PAGE));
      p.list([0n, 0n, 0n, 0n]);
      p.hcall(call, UNKNOWN, plus(window.start, 0n), ...rest);
      for (let i = 0n; i < 4n; i++) p.get(window, i * PAGE);
    },
  ),
);
