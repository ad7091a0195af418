import { scenario } from '../../harness/build/scenario-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import { peArgs } from '../../harness/build/program-builder.js';
import { WINDOW_STATES } from './states.js';

const NAME = 'ibm,query-pe-dma-window';
const OUTPUTS = ['windows', 'tces', 'page-sizes', 'migration'].map((output) => `${NAME}/${output}`);

/** The kinds of PE, and what is special. */
const PES = [
  { pe: 'pe0', text: 'an ordinary PE', six: true },
  { pe: 'pe1', text: 'a second PE', six: true },
  { pe: 'vf0', text: 'a PE with a single window', six: true },
  { pe: 'lim0', text: 'a PE with limited addressing', six: true },
  { pe: 'wide0', text: 'a PE with every page size', six: true },
  { pe: 'old0', text: 'a PE without DDW extensions', six: false },
] as const;

const kinds = PES.flatMap(({ pe, text, six }) => [
  scenario({ id: `ddw/query/five-outputs/${pe}`, title: `The query with 5 outputs answers for ${text}`, clauses: OUTPUTS }, (p) => {
    p.query(pe, 5).query(pe, 5);
  }),
  scenario(
    {
      id: `ddw/query/six-outputs/${pe}`,
      title: six ? `The query with 6 outputs answers for ${text}` : `The query with 6 outputs is refused for ${text}, that with 5 is not`,
      clauses: six ? OUTPUTS : [`${NAME}/six-outputs`, ...OUTPUTS],
    },
    (p) => {
      p.query(pe, 6).query(pe, 5);
    },
  ),
]);

const states = WINDOW_STATES.map(({ name, text, reach }) =>
  scenario(
    {
      id: `ddw/query/state/${name}`,
      title: `With ${text} the query, in both forms, counts the windows that can still be created`,
      clauses: [`${NAME}/windows`],
    },
    (p) => {
      reach(p);
      p.query('pe0', 6).query('pe0', 5);
    },
  ),
);

const [configAddress, high, low] = peArgs('pe0') as [{ from: string }, { from: string }, { from: string }];

/** Host bridges that do not exist. */
const BUIDS = [
  { name: 'zero', text: 'BUID 0', args: [configAddress, 0n, 0n] },
  { name: 'all-ones', text: 'BUID 2^64 - 1', args: [configAddress, 0xffff_ffffn, 0xffff_ffffn] },
  { name: 'swapped', text: 'the halves of a BUID swapped', args: [configAddress, low, high] },
  { name: 'high-zero', text: 'a BUID without its upper half', args: [configAddress, 0n, low] },
  { name: 'low-zero-bits', text: 'a BUID with its lower half inverted', args: [configAddress, high, 0xdfff_ffffn] },
  { name: 'below', text: 'the BUID below that of the first host bridge', args: [configAddress, high, { ...low, plus: -1n }] },
  { name: 'high+1', text: 'a BUID with its upper half one more', args: [configAddress, { ...high, plus: 1n }, low] },
  { name: 'top-bit', text: 'a BUID with its top bit set', args: [configAddress, { ...high, plus: 1n << 31n }, low] },
];

/** Configuration addresses that are not the PE's. */
const CONFIG_ADDRESSES = [
  { name: 'zero', text: '0', value: 0n },
  { name: 'register-field', text: 'one with a register number', value: { ...configAddress, plus: 4n } },
  { name: 'next-function', text: 'that of the next function', value: { ...configAddress, plus: 0x100n } },
  { name: 'other-bus', text: 'one of the last bus', value: 0xff_f800n },
  { name: 'all-ones', text: '0xffffffff', value: 0xffff_ffffn },
];

/** The arguments that name a PE are the same in three calls; each is tried with each wrong value. */
const NAMED = [
  { call: 'ibm,query-pe-dma-window', place: 'query', rest: [], nret: 5 },
  { call: 'ibm,create-pe-dma-window', place: 'create', rest: [16n, 28n], nret: 4 },
  { call: 'ibm,reset-pe-dma-window', place: 'reset', rest: [], nret: 1 },
] as const;

const naming = NAMED.flatMap(({ call, place, rest, nret }) => [
  ...BUIDS.map(({ name, text, args }) =>
    scenario({ id: `ddw/${place}/buid/${name}`, title: `${call} refuses ${text}`, clauses: [`${call}/pe`] }, (p) => {
      p.rtas(call, [...args, ...rest], nret).query();
    }),
  ),
  ...CONFIG_ADDRESSES.map(({ name, text, value }) =>
    scenario(
      {
        id: `ddw/${place}/config-address/${name}`,
        title: `${call} refuses a configuration address of ${text}, or takes the bridge's only PE`,
        clauses: [`${call}/config-address`],
      },
      (p) => {
        p.rtas(call, [value, high, low, ...rest], nret).query();
      },
    ),
  ),
]);

/** What the query says: for every kind of PE, in every state, and of PEs that do not exist. */
export const scenarios: readonly Scenario[] = [...kinds, ...states, ...naming];
