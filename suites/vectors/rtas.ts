import { peArgs } from '../../harness/build/program-builder.js';
import { scenario } from '../../harness/build/scenario-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import { plus } from '../../reference/doors/term.js';

const QUERY = 'ibm,query-pe-dma-window';
const CREATE = 'ibm,create-pe-dma-window';
const REMOVE = 'ibm,remove-pe-dma-window';
const RESET = 'ibm,reset-pe-dma-window';
const QUERIED = [`${QUERY}/windows`, `${QUERY}/tces`, `${QUERY}/page-sizes`, `${QUERY}/migration`];

const query6 = scenario(
  { id: 'vectors/rtas/query-6', title: 'Vector 51: the query with 6 outputs', clauses: QUERIED, requires: ['ddw-query-6'] },
  (p) => p.query('pe0', 6),
);

const query5 = scenario(
  { id: 'vectors/rtas/query-5', title: 'Vector 52: the query with 5 outputs', clauses: QUERIED },
  (p) => p.query('pe0', 5),
);

const badQuery = scenario(
  {
    id: 'vectors/rtas/bad-query',
    title: 'Vector 53: a query with 4 outputs, or of an unknown BUID, is refused with -3',
    clauses: [`${QUERY}/cells`, `${QUERY}/pe`],
  },
  (p) => {
    const [config, high, low] = peArgs('pe0');
    p.query('pe0', 4).rtas(QUERY, [config!, high!, plus(low!, 0xff00n)], 6);
  },
);

const create = scenario(
  {
    id: 'vectors/rtas/create',
    title: 'Vector 54: a window of 64 GiB in pages of 64K is created',
    clauses: [`${CREATE}/liobn`, `${CREATE}/start`],
  },
  (p) => { p.create(16, 36); },
);

const remove = scenario(
  {
    id: 'vectors/rtas/remove',
    title: 'Vector 55: a window is removed once, and then there is no such window',
    clauses: [`${REMOVE}/removed`, `${REMOVE}/liobn`],
  },
  (p) => {
    const window = p.create(16, 36);
    p.remove(window).remove(window);
  },
);

const reset = scenario(
  {
    id: 'vectors/rtas/reset',
    title: 'Vector 56: the reset takes a created window away and leaves the default one',
    clauses: [`${RESET}/default-restored`, 'H_GET_TCE/liobn', 'H_GET_TCE/value'],
  },
  (p) => {
    const window = p.create(16, 36);
    p.reset().get(window, 0n).get(p.defaultWindow(), 0n);
  },
);

const limited = scenario(
  {
    id: 'vectors/rtas/reset-limited',
    title: 'Vector 57: the reset for limited addressing, which the PE does not offer, is refused with -3',
    clauses: [`${RESET}/limited-addressing`],
    requires: ['no-limited'],
  },
  (p) => p.rtas(RESET, [...peArgs('pe0'), 1n], 1),
);

/** Vectors 51–57. */
export const rtasVectors: readonly Scenario[] = [query6, query5, badQuery, create, remove, reset, limited];
