import { ownsPage } from '../machine.js';
import type { Answer, Call } from '../rules.js';
import { entryIndex, entryOptions, hasStrayBits, settleEntry, withoutStrayBits } from '../tce/entries.js';
import { isMapping, rpn, TCE_RPN } from '../tce/tce.js';
import { secondPaneRead } from './rtce-checks.js';
import { H } from '../uapi/hcall.js';
import { clause, iobaOutside, iobaUnaligned, tableRescinded, unknownLiobn, type TceContext,
  namedWindow,
  wideLiobn,
} from './tce-checks.js';

/** H_GET_TCE(liobn, ioba): reads one entry back; R4 is the entry with the partition's own address in it. */
export const hGetTce: Call<TceContext> = {
  name: 'H_GET_TCE',
  parameters: ['liobn', 'ioba'],
  read: (machine, [liobn = 0n, ioba = 0n]) => ({ machine, liobn, ioba, window: namedWindow(machine, liobn) }),
  guards: [
    wideLiobn('H_GET_TCE'),
    unknownLiobn('H_GET_TCE'),
    secondPaneRead,
    iobaOutside('H_GET_TCE'),
    tableRescinded('H_GET_TCE'),
    iobaUnaligned('H_GET_TCE'),
  ],
  effect: {
    clauses: [
      clause('H_GET_TCE/value', 'R4 is the entry last stored; with permission bits 00 all its bits as given.'),
      clause('H_GET_TCE/foreign', 'An entry whose page is not the caller\'s: H_PARTIAL, and the page number in R4 is all ones.'),
    ],
    statuses: [H.H_SUCCESS, H.H_PARTIAL],
    apply(c, chooser) {
      const window = c.window!;
      const index = entryIndex(window, c.ioba);
      const stored = entryOptions(window, index);
      const options = stored.flatMap((entry) =>
        hasStrayBits(window, entry) ? [entry, withoutStrayBits(window, entry)] : [entry],
      ) as [bigint, ...bigint[]];
      const entry = chooser.oneOf(stored.length > 1 ? 'A11' : 'A4', options, (option, observed) =>
        observed.kind === 'hcall' && observed.registers[0] === shown(option, c),
      );
      if (stored.length > 1) settleEntry(window, index, entry);
      return answer(c, entry, options, (seen) => { settleEntry(window, index, seen); });
    },
  },
  sample: { args: { liobn: { from: 'pe0.liobn' }, ioba: { from: 'pe0.start', plus: 0x5000n } } },
};

const isForeign = (c: TceContext, entry: bigint): boolean => isMapping(entry) && !ownsPage(c.machine, rpn(entry));

const shown = (entry: bigint, c: TceContext): bigint => (isForeign(c, entry) ? entry | TCE_RPN : entry);

function answer(c: TceContext, entry: bigint, options: readonly bigint[], follow: (seen: bigint) => void): Answer {
  const foreign = isForeign(c, entry);
  const id = foreign ? 'H_GET_TCE/foreign' : 'H_GET_TCE/value';
  const alternatives = options.map((option) => shown(option, c)).filter((option) => option !== shown(entry, c));
  return {
    clause: id,
    status: foreign ? H.H_PARTIAL : H.H_SUCCESS,
    outputs: [{ index: 0, name: 'R4', value: shown(entry, c), alternatives, clause: id }],
    follow: ([seen]) => { if (seen !== undefined) follow(seen); },
  };
}
