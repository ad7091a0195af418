import type { ProgramBuilder } from '../../harness/build/program-builder.js';
import { scenario } from '../../harness/build/scenario-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import { DATA } from '../tce/entries.js';
import { readEdges, useEdges } from './states.js';

const CREATE = 'ibm,create-pe-dma-window';
const REMOVE = 'ibm,remove-pe-dma-window';
const RESET = 'ibm,reset-pe-dma-window';

/** The smallest window of a size that many systems cannot hold, whatever the query says: 2^32 TCEs. */
const HUGE = [12, 44] as const;
/** More than any query reports. */
const BEYOND = [12, 63] as const;

/** Within what an ordinary PE's query reports (2^37 TCEs). */
const reported = [
  [12, 44],
  [16, 48],
  [21, 53],
  [24, 56],
  [12, 48],
  [12, 49],
].map(([pageShift = 0, windowShift = 0]) =>
  scenario(
    {
      id: `ddw/huge/reported/2^${pageShift}-pages/2^${windowShift - pageShift}-tces`,
      title: `A window of 2^${windowShift - pageShift} TCEs with pages of 2^${pageShift} bytes is created, since the query reports as many`,
      clauses: [`${CREATE}/created`],
      destructive: true,
    },
    (p) => {
      p.query();
      readEdges(p, p.create(pageShift, windowShift));
    },
  ),
);

const beyond = [
  [12, 50],
  [12, 51],
  [16, 54],
  [24, 62],
  [12, 62],
  [12, 63],
  [16, 63],
].map(([pageShift = 0, windowShift = 0]) =>
  scenario(
    {
      id: `ddw/huge/beyond/2^${pageShift}-pages/2^${windowShift - pageShift}-tces`,
      title: `A window of 2^${windowShift - pageShift} TCEs with pages of 2^${pageShift} bytes is refused: the query reports fewer`,
      clauses: [`${CREATE}/too-many-tces`],
      destructive: true,
    },
    (p) => {
      p.query().create(pageShift, windowShift);
      readEdges(p, p.defaultWindow());
    },
  ),
);

interface Aftermath {
  readonly name: string;
  readonly text: string;
  readonly clauses: readonly string[];
  /** What is done before the window of too many TCEs is asked for, and after. */
  readonly before?: (p: ProgramBuilder) => void;
  readonly after: (p: ProgramBuilder) => void;
}

const AFTERMATHS: readonly Aftermath[] = [
  {
    name: 'create',
    text: 'a window can be created',
    clauses: [`${CREATE}/created`],
    after: (p) => {
      useEdges(p, p.create(16, 28), DATA + 3n);
    },
  },
  {
    name: 'reset',
    text: 'the PE can be reset',
    clauses: [`${RESET}/default-restored`],
    after: (p) => {
      p.reset();
    },
  },
  {
    name: 'create-without-default',
    text: 'and the default removed before, a window can be created',
    clauses: [`${CREATE}/created`],
    before: (p) => {
      p.remove(p.defaultWindow());
    },
    after: (p) => {
      useEdges(p, p.create(16, 28), DATA + 3n);
    },
  },
  {
    name: 'reset-without-default',
    text: 'and the default removed before, the PE can be reset',
    clauses: [`${RESET}/default-restored`],
    before: (p) => {
      p.remove(p.defaultWindow());
    },
    after(p) {
      p.reset();
      readEdges(p, p.defaultWindow());
    },
  },
  {
    name: 'reboot-without-default',
    text: 'and the default removed before, the partition can be rebooted',
    clauses: ['reboot/default-restored'],
    before: (p) => {
      p.remove(p.defaultWindow());
    },
    after(p) {
      p.reboot().query();
      readEdges(p, p.defaultWindow());
    },
  },
  {
    name: 'remove-default',
    text: 'the default can be removed',
    clauses: [`${REMOVE}/default-not-restored`],
    after: (p) => {
      p.remove(p.defaultWindow()).query();
    },
  },
];

const aftermaths = AFTERMATHS.map(({ name, text, clauses, before, after }) =>
  scenario(
    {
      id: `ddw/huge/then/${name}`,
      title: `After a window of too many TCEs was refused ${text}`,
      clauses: [`${CREATE}/too-many-tces`, 'platform/alive', ...clauses],
      destructive: true,
    },
    (p) => {
      before?.(p);
      p.create(...BEYOND);
      after(p);
    },
  ),
);

/** The default comes back with the removal of the last window, also where a creation failed in between. */
const restored = scenario(
  {
    id: 'ddw/huge/then/remove-last-window',
    title: 'After a window of too many TCEs was refused the default is restored with the removal of the last window',
    clauses: [`${CREATE}/too-many-tces`, `${REMOVE}/default-restored`, 'platform/alive'],
    destructive: true,
  },
  (p) => {
    const window = p.create(16, 28);
    p.remove(p.defaultWindow()).create(...BEYOND);
    p.remove(window).query();
    readEdges(p, p.defaultWindow());
  },
);

/** The same with a window that the query allows: it exists, or is refused without a trace. */
const lived = scenario(
  {
    id: 'ddw/huge/then/removed-and-reset',
    title: 'A window of 2^32 TCEs can be removed, created again and reset away',
    clauses: [`${CREATE}/created`, `${REMOVE}/removed`, `${RESET}/default-restored`, 'platform/alive'],
    destructive: true,
  },
  (p) => {
    p.remove(p.create(...HUGE));
    readEdges(p, p.create(...HUGE));
    p.reset().query();
  },
);

/** Windows of 2^32 TCEs and more. */
export const scenarios: readonly Scenario[] = [...reported, ...beyond, ...aftermaths, restored, lived];
