import { peArgs } from '../../harness/build/program-builder.js';
import { scenario } from '../../harness/build/scenario-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import type { Term } from '../../reference/doors/term.js';
import type { RtasName } from '../../reference/uapi/rtas.js';

interface Form {
  readonly place: string;
  readonly call: RtasName;
  readonly args: readonly Term[];
  readonly nrets: readonly [number, ...number[]];
  /** Numbers of arguments that mean something. */
  readonly nargs: readonly number[];
}

const FORMS: readonly Form[] = [
  { place: 'query', call: 'ibm,query-pe-dma-window', args: peArgs('pe0'), nargs: [3], nrets: [5, 6] },
  { place: 'create', call: 'ibm,create-pe-dma-window', args: [...peArgs('pe0'), 16n, 28n], nargs: [5], nrets: [4] },
  { place: 'remove', call: 'ibm,remove-pe-dma-window', args: [{ from: 'pe0.liobn' }], nargs: [1], nrets: [1] },
  { place: 'reset', call: 'ibm,reset-pe-dma-window', args: peArgs('pe0'), nargs: [3, 4], nrets: [1] },
];

const SMALL = [0, 1, 2, 3, 4, 5, 6, 7, 8];

/** Calls with numbers of arguments and results that they do not have. Nobody has decided what they answer. */
export const scenarios: readonly Scenario[] = FORMS.flatMap(({ place, call, args, nargs, nrets }) => [
  scenario(
    {
      id: `ddw/cells/${place}/arguments`,
      title: `${call} with other numbers of arguments is refused and changes nothing`,
      clauses: [`${call}/cells`],
    },
    (p) => {
      for (const wrong of SMALL.filter((n) => !nargs.includes(n))) {
        p.rtas(
          call,
          Array.from({ length: wrong }, (_, i) => args[i] ?? 0n),
          nrets[0],
        );
      }
      p.query().get(p.defaultWindow(), 0n);
    },
  ),
  scenario(
    {
      id: `ddw/cells/${place}/results`,
      title: `${call} with other numbers of results is refused and changes nothing`,
      clauses: [`${call}/cells`],
    },
    (p) => {
      for (const wrong of SMALL.slice(1).filter((n) => !nrets.includes(n))) p.rtas(call, args, wrong);
      p.query().get(p.defaultWindow(), 0n);
    },
  ),
]);
