import type { ProgramBuilder } from '../../harness/build/program-builder.js';
import { LIST_PAGE } from '../../harness/build/program-builder.js';
import { scenario } from '../../harness/build/scenario-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import { plus, type Term } from '../../reference/doors/term.js';
import { consecutive, DATA, mapping, OTHER, PAGE } from './entries.js';

/** A TCE hypercall, made with any LIOBN and IOBA and otherwise well. */
interface CallForm {
  readonly place: string;
  readonly call: string;
  /** The clause that decides where nothing is wrong. */
  readonly done: string;
  readonly invoke: (p: ProgramBuilder, liobn: Term, ioba: Term) => void;
}

const CALLS: readonly CallForm[] = [
  { place: 'put', call: 'H_PUT_TCE', done: 'store', invoke: (p, liobn, ioba) => p.hcall('H_PUT_TCE', liobn, ioba, mapping(DATA)) },
  { place: 'get', call: 'H_GET_TCE', done: 'value', invoke: (p, liobn, ioba) => p.hcall('H_GET_TCE', liobn, ioba) },
  {
    place: 'stuff',
    call: 'H_STUFF_TCE',
    done: 'store',
    invoke: (p, liobn, ioba) => p.hcall('H_STUFF_TCE', liobn, ioba, mapping(DATA), 1n),
  },
  {
    place: 'indirect',
    call: 'H_PUT_TCE_INDIRECT',
    done: 'store',
    invoke: (p, liobn, ioba) => p.list(consecutive(DATA, 1)).hcall('H_PUT_TCE_INDIRECT', liobn, ioba, LIST_PAGE, 1n),
  },
];

const fromStart = (offset: bigint): Term => plus({ from: 'pe0.start' }, offset);
const fromEnd = (offset: bigint): Term => plus({ from: 'pe0.end' }, offset);

interface IobaCase {
  readonly name: string;
  readonly text: string;
  readonly ioba: Term;
  /** Clause that speaks of it; the call's own effect where none does. */
  readonly clause?: 'ioba' | 'ioba-alignment';
}

const inside = (name: string, text: string, ioba: Term): IobaCase => ({ name, text: `takes ${text}`, ioba });
const within = (name: string, text: string, ioba: Term): IobaCase => ({
  name,
  text: `takes ${text} as its page, or refuses it`,
  ioba,
  clause: 'ioba-alignment',
});
const outside = (name: string, text: string, ioba: Term): IobaCase => ({ name, text: `refuses ${text}`, ioba, clause: 'ioba' });

const IOBAS: readonly IobaCase[] = [
  inside('first-page', 'the first page of the window', fromStart(0n)),
  inside('second-page', 'the second page of the window', fromStart(PAGE)),
  inside('middle-page', 'a page in the middle of the window', fromStart(0x800_0000n)),
  inside('last-page-but-one', 'the last page but one of the window', fromEnd(-2n * PAGE)),
  inside('last-page', 'the last page of the window', fromEnd(-PAGE)),
  ...[1n, 8n, 0x800n, 0xff8n, 0xfffn].map((offset) =>
    within(`first-page+${offset}`, `an address ${offset} bytes into the first page`, fromStart(offset)),
  ),
  within('last-page+1', 'an address 1 byte into the last page', fromEnd(-PAGE + 1n)),
  within('last-page+8', 'an address 8 bytes into the last page', fromEnd(-PAGE + 8n)),
  within('last-byte', 'the last byte of the window', fromEnd(-1n)),
  outside('end', 'the first address past the window', fromEnd(0n)),
  outside('end+1', 'an address 1 byte past the end of the window', fromEnd(1n)),
  outside('end+page', 'an address one page past the end of the window', fromEnd(PAGE)),
  outside('before-start', 'the page before the window, modulo 2^64', fromStart(-PAGE)),
  outside('byte-before-start', 'the byte before the window, modulo 2^64', fromStart(-1n)),
  ...[32n, 40n, 52n, 59n, 62n, 63n].map((bit) =>
    outside(`first-page+2^${bit}`, `the first page's address with bit 2^${bit} set`, fromStart(1n << bit)),
  ),
];

/** Every kind of IOBA: entries beside the one addressed are read back, so that a wrong one shows. */
const iobaScenario = ({ place, call, done, invoke }: CallForm, { name, text, ioba, clause }: IobaCase): Scenario =>
  scenario({ id: `tce/${place}/ioba/${name}`, title: `${call} ${text}`, clauses: [`${call}/${clause ?? done}`] }, (p) => {
    const window = p.defaultWindow();
    const watched = [window.at(0n), window.at(PAGE), plus(window.end, -2n * PAGE), plus(window.end, -PAGE)];
    for (const [i, at] of watched.entries()) p.hcall('H_PUT_TCE', window.liobn, at, mapping(OTHER + BigInt(i) * PAGE));
    invoke(p, window.liobn, ioba);
    for (const at of watched) p.hcall('H_GET_TCE', window.liobn, at);
  });

interface LiobnCase {
  readonly name: string;
  readonly text: string;
  readonly liobn: Term;
  readonly wide?: true;
}

const LIOBNS: readonly LiobnCase[] = [
  { name: 'zero', text: 'LIOBN 0', liobn: 0n },
  { name: 'one', text: 'LIOBN 1', liobn: 1n },
  { name: 'below', text: 'the LIOBN below that of a window', liobn: { from: 'pe0.liobn', plus: -1n } },
  { name: 'above', text: 'the LIOBN above that of a window', liobn: { from: 'pe0.liobn', plus: 1n } },
  { name: 'largest', text: 'LIOBN 0xffffffff', liobn: 0xffff_ffffn },
  { name: 'plus-2^32', text: 'the LIOBN of a window with bit 2^32 set', liobn: { from: 'pe0.liobn', plus: 1n << 32n }, wide: true },
  { name: 'plus-2^62', text: 'the LIOBN of a window with bit 2^62 set', liobn: { from: 'pe0.liobn', plus: 1n << 62n }, wide: true },
  { name: 'plus-2^63', text: 'the LIOBN of a window with bit 2^63 set', liobn: { from: 'pe0.liobn', plus: 1n << 63n }, wide: true },
  { name: 'all-ones', text: 'LIOBN 2^64 - 1', liobn: (1n << 64n) - 1n, wide: true },
];

/** LIOBNs that name no table. A negative one has another meaning to H_PUT_TCE_INDIRECT: see `multi-table.ts`. */
function liobnScenarios(form: CallForm): Scenario[] {
  const { place, call, invoke } = form;
  const listed = place === 'indirect' ? LIOBNS.filter(({ name }) => name !== 'all-ones' && name !== 'plus-2^63') : LIOBNS;
  return listed.map(({ name, text, liobn, wide }) =>
    scenario(
      {
        id: `tce/${place}/liobn/${name}`,
        title: wide === true && place !== 'indirect' ? `${call} refuses ${text}, or cuts it to 32 bits` : `${call} refuses ${text}`,
        clauses: [wide === true && place !== 'indirect' ? `${call}/liobn-width` : `${call}/liobn`],
      },
      (p) => {
        const window = p.defaultWindow();
        p.put(window, 0x5000n, mapping(OTHER));
        invoke(p, liobn, window.at(0x5000n));
        p.get(window, 0x5000n);
      },
    ),
  );
}

/** The tables that others of the partition's LIOBNs name. */
const tableScenarios = ({ place, call, done, invoke }: CallForm): Scenario[] => [
  scenario(
    {
      id: `tce/${place}/table/of-virtual-adapter`,
      title: `${call} takes the table of a virtual adapter, and leaves a PE's entry at the same address alone`,
      clauses: [`${call}/${done}`],
    },
    (p) => {
      const own = p.defaultWindow();
      p.put(own, 0x5000n, mapping(OTHER));
      invoke(p, { from: 'vio0.liobn' }, { from: 'vio0.start', plus: 0x5000n });
      p.get(own, 0x5000n).hcall('H_GET_TCE', { from: 'vio0.liobn' }, { from: 'vio0.start', plus: 0x5000n });
    },
  ),
  scenario(
    {
      id: `tce/${place}/table/past-virtual-adapter`,
      title: `${call} refuses an address past the window of a virtual adapter, though a PE's window has it`,
      clauses: [`${call}/ioba`],
    },
    (p) => {
      invoke(p, { from: 'vio0.liobn' }, { from: 'vio0.end' });
      p.hcall('H_GET_TCE', { from: 'pe0.liobn' }, { from: 'vio0.end' });
    },
  ),
  scenario(
    {
      id: `tce/${place}/table/of-other-pe`,
      title: `${call} takes the table of another PE of the partition, and leaves the first PE's entry alone`,
      clauses: [`${call}/${done}`],
    },
    (p) => {
      const [own, other] = [p.defaultWindow('pe0'), p.defaultWindow('pe1')];
      p.put(own, 0x5000n, mapping(OTHER));
      invoke(p, other.liobn, other.at(0x5000n));
      p.get(own, 0x5000n).get(other, 0x5000n);
    },
  ),
];

/** What every TCE hypercall makes of each LIOBN and IOBA. */
export const scenarios: readonly Scenario[] = CALLS.flatMap((form) => [
  ...IOBAS.map((ioba) => iobaScenario(form, ioba)),
  ...liobnScenarios(form),
  ...tableScenarios(form),
]);
