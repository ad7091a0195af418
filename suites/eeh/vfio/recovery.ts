import type { Scenario } from '../../../harness/scenario.js';
import type { PeOperation } from '../../../reference/eeh/vfio-table.js';
import { DATA, fillDevice, openRig, PAGE, reached, TARGET, writes } from '../../isolation/vfio/device.js';
import { BAR0, CLASS, CONFIGURATION, eehScenario, freeze, IDENTIFICATION, loadWord, rule, same, state, step, STOPS } from '../steps.js';

/** The steps of a recovery in their order. */
const STEPS: readonly PeOperation[] = ['unfreeze-io', 'hot-reset', 'deactivate', 'configure'];

const permutations = <T>(values: readonly T[]): T[][] =>
  values.length === 0 ? [[]] : values.flatMap((value, i) => permutations([...values.slice(0, i), ...values.slice(i + 1)]).map((rest) => [value, ...rest]));

const SHORT: Readonly<Partial<Record<PeOperation, string>>> = { 'unfreeze-io': 'io', 'unfreeze-dma': 'dma', 'hot-reset': 'reset', 'fundamental-reset': 'fundamental', deactivate: 'deactivate', configure: 'configure' };

const walk = (id: string, title: string, operations: readonly PeOperation[]): Scenario =>
  eehScenario({ id, title, clauses: [...new Set(operations)].map(rule) }, (p) => {
    const container = p.v2();
    p.device(container);
    state(freeze(p), container);
    step(p, container, ...operations);
    step(p, container, 'enable');
  });

/** Every order but the right one. */
const orders = permutations(STEPS).map((operations) => {
  const name = operations.map((operation) => SHORT[operation]).join('+');
  const right = operations.join() === STEPS.join();
  return walk(
    `eeh/vfio/order/${name}`,
    right ? 'The steps of a recovery in their order lead from stopped to normal' : `The steps of a recovery in the order ${name.replaceAll('+', ', ')} lead where the table of states says`,
    operations,
  );
});

/** The right order with one step left out, or made twice. */
const variants = STEPS.flatMap((operation, i) => [
  walk(`eeh/vfio/order/without-${SHORT[operation]}`, `A recovery without ${SHORT[operation]} leads where the table of states says`, STEPS.filter((_, j) => j !== i)),
  walk(`eeh/vfio/order/twice-${SHORT[operation]}`, `A recovery with ${SHORT[operation]} made twice ends as with it made once`, STEPS.flatMap((other) => (other === operation ? [other, other] : [other]))),
]);

/** Ways back to normal that do not go by the book. */
const WAYS: readonly (readonly [name: string, title: string, operations: readonly PeOperation[]])[] = [
  ['release', 'A PE can be let go without a reset: first MMIO, then DMA', ['unfreeze-io', 'unfreeze-dma']],
  ['release-backwards', 'DMA that is told to go on before MMIO goes on where the platform lets it', ['unfreeze-dma', 'unfreeze-io', 'unfreeze-dma']],
  ['enable', 'ENABLE alone makes a stopped PE normal', ['enable']],
  ['fundamental', 'A fundamental reset recovers a PE as a hot one does', ['unfreeze-io', 'fundamental-reset', 'deactivate', 'configure']],
  ['reset-again', 'A reset that is held can be asked for again, and ends with one RESET_DEACTIVATE', ['hot-reset', 'hot-reset', 'fundamental-reset', 'deactivate']],
  ['deactivate-alone', 'RESET_DEACTIVATE of a stopped PE without a reset ends the stop, or is refused', ['deactivate']],
];

const ways = WAYS.map(([name, title, operations]) => walk(`eeh/vfio/recovery/${name}`, title, operations));

const whole = eehScenario(
  {
    id: 'eeh/vfio/recovery/device-works',
    title: 'After a recovery the device answers as before, and writes memory through the mapping that was there before the error',
    clauses: [rule('deactivate'), rule('configure'), 'dma/translated'],
    requires: STOPS,
    claims: [
      reached('write', 'after', 'the page is mapped as before'),
      same('identification', 'identification-after', 'the device is the same', rule('deactivate')),
      same('class', 'class-after', 'its configuration was set up again', rule('configure')),
    ],
  },
  (p) => {
    const rig = openRig(p);
    const [iova, memory] = [rig.window.at(TARGET), rig.buffer.at(DATA)];
    p.map(rig.container, memory, iova, PAGE);
    loadWord(p, rig.device, BAR0, IDENTIFICATION, 'identification');
    loadWord(p, rig.device, CONFIGURATION, CLASS, 'class');
    state(freeze(p), rig.container);
    step(p, rig.container, 'unfreeze-io', 'hot-reset', 'deactivate', 'configure');
    loadWord(p, rig.device, BAR0, IDENTIFICATION, 'identification-after');
    loadWord(p, rig.device, CONFIGURATION, CLASS, 'class-after');
    fillDevice(p, rig);
    writes(p, rig, { as: 'after', iova, memory });
  },
);

const repeated = eehScenario(
  {
    id: 'eeh/vfio/recovery/twenty-times',
    title: 'A PE that a user program holds can have any number of errors: after twenty it recovers as after one',
    clauses: [rule('enable'), rule('get-state')],
  },
  (p) => {
    const container = p.v2();
    p.device(container);
    for (let i = 0; i < 20; i++) {
      state(freeze(p), container);
      step(p, container, i % 2 === 0 ? 'enable' : 'hot-reset', 'deactivate');
    }
  },
);

/** The way from stopped to normal, in its order and in every other. */
export const scenarios: readonly Scenario[] = [...orders, ...variants, ...ways, whole, repeated];
