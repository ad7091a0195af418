import { peArgs } from '../../harness/build/program-builder.js';
import { scenario } from '../../harness/build/scenario-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import { POISON } from '../tce/entries.js';
import { readEdges } from './states.js';

const CREATE = 'ibm,create-pe-dma-window';
const RESET = 'ibm,reset-pe-dma-window';
const PE = 'lim0';

const limited = [0n, 1n, 2n, 0xffff_ffffn].map((value) =>
  scenario(
    {
      id: `ddw/limited/reset/${value}`,
      title: `Where limited addressing is offered, the reset with a fourth argument of ${value} restores the default window`,
      clauses: [`${RESET}/default-restored`],
    },
    (p) => {
      const window = p.create(16, 28, PE);
      p.put(window, 0n, POISON)
        .rtas(RESET, [...peArgs(PE), value], 1)
        .query(PE)
        .get(window, 0n);
      readEdges(p, p.defaultWindow(PE));
    },
  ),
);

/** A PE with limited addressing: the reset has a fourth argument. */
export const scenarios: readonly Scenario[] = [
  ...limited,
  scenario(
    {
      id: 'ddw/limited/create-after-limited-reset',
      title: 'After the limited form of the reset a window can be created and removed, and the default stays',
      clauses: [`${RESET}/default-restored`, `${CREATE}/created`],
    },
    (p) => {
      p.rtas(RESET, [...peArgs(PE), 1n], 1);
      const window = p.create(16, 28, PE);
      readEdges(p, window);
      p.remove(window).query(PE);
      readEdges(p, p.defaultWindow(PE));
    },
  ),
  scenario(
    {
      id: 'ddw/limited/back-to-unlimited',
      title: 'The form without a fourth argument is there beside the limited one',
      clauses: [`${RESET}/default-restored`],
    },
    (p) => {
      p.rtas(RESET, [...peArgs(PE), 1n], 1).create(16, 28, PE);
      p.reset(PE).query(PE);
      readEdges(p, p.defaultWindow(PE));
    },
  ),
];
