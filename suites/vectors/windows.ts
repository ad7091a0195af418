import { scenario } from '../../harness/build/scenario-builder.js';
import type { ProgramBuilder, WindowHandle } from '../../harness/build/program-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import { plus } from '../../reference/doors/term.js';

const BOUNDARY = ['H_PUT_TCE/store', 'H_PUT_TCE/ioba', 'H_GET_TCE/ioba'];

/** Maps nothing, so that no other rule than that of the range can decide, and is seen when read back. */
const UNMAPPED = 0x5_5000n;

/** The last page of the window is taken, the first past it is refused. */
function lastAndPast(p: ProgramBuilder, window: WindowHandle): void {
  const last = plus(window.end, -(1n << BigInt(window.pageShift)));
  p.hcall('H_PUT_TCE', window.liobn, last, UNMAPPED);
  p.hcall('H_PUT_TCE', window.liobn, window.end, UNMAPPED);
}

const defaultEnd = scenario(
  { id: 'vectors/ioba/default', title: 'Vector 38: the default window takes its last page and no further one', clauses: BOUNDARY },
  (p) => { lastAndPast(p, p.defaultWindow()); },
);

const below = scenario(
  {
    id: 'vectors/ioba/below-window',
    title: 'Vector 39: in a window that starts high, neither bus address 0 nor the page before its start is one of its pages',
    clauses: BOUNDARY,
  },
  (p) => {
    const window = p.create(16, 36);
    p.hcall('H_PUT_TCE', window.liobn, 0n, UNMAPPED);
    p.hcall('H_PUT_TCE', window.liobn, window.at(-0x1_0000n), UNMAPPED);
    p.hcall('H_PUT_TCE', window.liobn, window.start, UNMAPPED);
  },
);

/** Page sizes of vector 40, and a PE that has them: those above 16 MiB only where all nine sizes are offered (`wide0`). */
const PAGE_SIZES = [
  ['16g', 34, 'wide0'],
  ['256m', 28, 'wide0'],
  ['16m', 24, 'pe0'],
  ['2m', 21, 'pe0'],
  ['64k', 16, 'pe0'],
  ['4k', 12, 'pe0'],
] as const;

const boundaries = PAGE_SIZES.map(([name, pageShift, pe]) =>
  scenario(
    {
      id: `vectors/ioba/64g-of-${name}`,
      title: `Vector 40: a window of 64 GiB in pages of ${name.toUpperCase()} takes its first and its last page, and no further one`,
      clauses: BOUNDARY,
    },
    (p) => {
      const window = p.create(pageShift, 36, pe);
      p.hcall('H_PUT_TCE', window.liobn, window.start, UNMAPPED);
      lastAndPast(p, window);
    },
  ),
);

/** Vectors 38–40. */
export const windowVectors: readonly Scenario[] = [defaultEnd, below, ...boundaries];
