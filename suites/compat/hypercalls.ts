import { scenario } from '../../harness/build/scenario-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import { DATA, consecutive, mapping, OTHER } from '../tce/entries.js';

/*
 * kvm-unit-tests, powerpc/spapr_hcall.c, has no test of TCE calls; its pattern (a call with read-back, negatives, an
 * optional call repeated) is applied to them here, as KUT-01 of the flows asks.
 */

/** As often as the original repeats its optional call. */
const REPEATED = 101;

const LIST_ENTRIES = 4;

/** KUT-01. */
export const scenarios: readonly Scenario[] = [
  scenario(
    {
      id: 'compat/kut-01/put-and-get',
      title: 'KUT-01: an entry that was put is read back, whatever else was there; one that was never written is 0',
      clauses: ['H_PUT_TCE/store', 'H_GET_TCE/value'],
    },
    (p) => {
      const window = p.defaultWindow();
      p.put(window, 0n, mapping(DATA)).get(window, 0n).put(window, 0n, mapping(OTHER, 1n)).get(window, 0n);
      p.get(window, 0x7_0000n);
    },
  ),
  scenario(
    {
      id: 'compat/kut-01/negatives',
      title: 'KUT-01: an address within a page, one at the end of the window and an unknown LIOBN are answered as they should be, and store nothing elsewhere',
      clauses: ['H_PUT_TCE/ioba', 'H_PUT_TCE/liobn'],
    },
    (p) => {
      const window = p.defaultWindow();
      p.hcall('H_PUT_TCE', window.liobn, window.at(0x123n), mapping(DATA)).get(window, 0n);
      p.hcall('H_PUT_TCE', window.liobn, window.end, mapping(DATA)).hcall('H_PUT_TCE', 0xdead_0000n, window.start, mapping(DATA));
      p.get(window, 0x1000n);
    },
  ),
  scenario(
    {
      id: 'compat/kut-01/lists',
      title: 'KUT-01: a list is put whole or refused whole: 513 entries and a list off its boundary change no entry',
      clauses: ['H_PUT_TCE_INDIRECT/count', 'H_PUT_TCE_INDIRECT/store'],
    },
    (p) => {
      const window = p.defaultWindow();
      const entries = consecutive(DATA, LIST_ENTRIES);
      p.putList(window, 0n, entries).putList(window, 0n, consecutive(OTHER, LIST_ENTRIES), 513n);
      p.list(entries, 0x110_0800n).hcall('H_PUT_TCE_INDIRECT', window.liobn, window.at(0x1_0000n), 0x110_0800n, BigInt(LIST_ENTRIES));
      for (let i = 0n; i < BigInt(LIST_ENTRIES); i++) p.get(window, i * 0x1000n);
    },
  ),
  scenario(
    {
      id: 'compat/kut-01/stuff',
      title: 'KUT-01: 512 entries are cleared in one call; 513 are refused, or cleared where the platform has no limit',
      clauses: ['H_STUFF_TCE/store', 'H_STUFF_TCE/count'],
    },
    (p) => {
      const window = p.defaultWindow();
      p.stuff(window, 0n, mapping(DATA), 512n).stuff(window, 0n, 0n, 512n).put(window, 0x20_0000n, mapping(OTHER));
      p.stuff(window, 0n, 0n, 513n).get(window, 0x20_0000n);
    },
  ),
  scenario(
    {
      id: 'compat/kut-01/absent',
      title: 'KUT-01: where the multi-TCE calls are absent they say so, and the single ones do their work',
      clauses: ['H_STUFF_TCE/function-set', 'H_PUT_TCE_INDIRECT/function-set', 'H_PUT_TCE/store'],
      requires: ['no-hcall-multi-tce'],
    },
    (p) => {
      const window = p.defaultWindow();
      p.stuff(window, 0n, 0n, 1n).putList(window, 0n, consecutive(DATA, LIST_ENTRIES)).put(window, 0n, mapping(DATA));
    },
  ),
  scenario(
    {
      id: 'compat/kut-01/repeated',
      title: `KUT-01: one entry is put ${REPEATED} times, and each time is what was put last`,
      clauses: ['H_PUT_TCE/store', 'H_GET_TCE/value'],
    },
    (p) => {
      const window = p.defaultWindow();
      for (let i = 0; i < REPEATED; i++) p.put(window, 0n, mapping(i % 2 === 0 ? DATA : OTHER));
    },
  ),
];
