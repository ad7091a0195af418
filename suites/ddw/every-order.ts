import type { ProgramBuilder, WindowHandle } from '../../harness/build/program-builder.js';
import { scenario } from '../../harness/build/scenario-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import { POISON } from '../tce/entries.js';
import { WINDOW_SHIFT } from './states.js';

type Step = 'remove-default' | 'create-a' | 'create-b' | 'remove-a' | 'remove-b' | 'reset';

/** Which windows a well-behaved caller believes to exist; it asks for nothing that must be refused. */
interface Belief {
  readonly default: boolean;
  readonly a: boolean;
  readonly b: boolean;
}

const BOOT: Belief = { default: true, a: false, b: false };
const LONGEST = 5;

const count = (belief: Belief): number => Number(belief.default) + Number(belief.a) + Number(belief.b);
const isBoot = (belief: Belief): boolean => belief.default && !belief.a && !belief.b;

/** The steps that make sense. The two created windows are alike: the second is created beside the first only. */
function steps(belief: Belief): Step[] {
  const room = count(belief) < 2;
  const possible: readonly (readonly [Step, boolean])[] = [
    ['remove-default', belief.default],
    ['create-a', room && !belief.a],
    ['create-b', room && belief.a && !belief.b],
    ['remove-a', belief.a],
    ['remove-b', belief.b],
    ['reset', !isBoot(belief)],
  ];
  return possible.filter(([, makesSense]) => makesSense).map(([step]) => step);
}

function after(belief: Belief, step: Step): Belief {
  switch (step) {
    case 'remove-default':
      return { ...belief, default: false };
    case 'create-a':
      return { ...belief, a: true };
    case 'create-b':
      return { ...belief, b: true };
    case 'remove-a':
      return restored({ ...belief, a: false });
    case 'remove-b':
      return restored({ ...belief, b: false });
    case 'reset':
      return BOOT;
  }
}

/** The default comes back when the last created window goes. */
const restored = (belief: Belief): Belief => (count(belief) === 0 ? BOOT : belief);

/** Every order of steps of that length; shorter ones only where they end at the windows of the boot. */
function orders(length: number, belief = BOOT, done: readonly Step[] = []): Step[][] {
  if (done.length === length) return [[...done]];
  const further = steps(belief).flatMap((step) => orders(length, after(belief, step), [...done, step]));
  return done.length >= 2 && isBoot(belief) ? [[...done], ...further] : further;
}

/** Carries an order out; after each step the query counts the windows, and each LIOBN ever known is read. */
function carryOut(p: ProgramBuilder, order: readonly Step[]): void {
  const known = new Map<string, WindowHandle>([['default', p.defaultWindow()]]);
  p.put(p.defaultWindow(), 0n, POISON);
  for (const step of order) {
    const [verb, name = ''] = step.split('-');
    const named = known.get(name);
    if (verb === 'remove' && named !== undefined) p.remove(named);
    if (verb === 'reset') p.reset();
    if (verb === 'create') {
      const window = p.create(name === 'a' ? 16 : 12, WINDOW_SHIFT);
      known.set(name, window);
      p.get(window, 0n).put(window, 0n, POISON);
    }
    p.query();
    for (const window of known.values()) p.get(window, 0n).get(window, 0x10_0000n);
  }
}

const words: Record<Step, string> = {
  'remove-default': 'the default removed',
  'create-a': 'A created',
  'create-b': 'B created',
  'remove-a': 'A removed',
  'remove-b': 'B removed',
  reset: 'reset',
};

/** Every order of up to five removals, creations and resets that a well-behaved caller may choose. */
export const scenarios: readonly Scenario[] = orders(LONGEST).map((order) =>
  scenario(
    {
      id: `ddw/every-order/${order.join('+')}`,
      title: `After each of these the windows are the right ones: ${order.map((step) => words[step]).join(', ')}`,
      clauses: ['ibm,query-pe-dma-window/windows', 'H_GET_TCE/value'],
    },
    (p) => {
      carryOut(p, order);
    },
  ),
);
