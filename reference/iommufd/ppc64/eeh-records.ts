import type { Chooser } from '../../chooser.js';
import { canBeGiven } from '../../eeh/events.js';
import type { Expected } from '../../rules.js';
import { EEH_EVENT_LAYOUT } from '../../uapi/iommufd-ppc64.js';
import { HEADER_BYTES, type EventRecord, type ToldError } from '../state/event-queue.js';
import { planned } from './plan.js';

/* What a record of an error of a PE says, where it is read. */

const MAIL = 'J. Gunthorpe to D. Gibson, 29 Apr 2022: a simple serial number in the event; a queue as Linux 7.2 drivers/iommu/iommufd/eventq.c';
const open = planned('open', `our suggestion; ${MAIL}`);

const SERIAL = 'read-events/ppc64-serial';
const EEH = 'read-events/ppc64-eeh';

export const EEH_EVENT_CLAUSES = [
  planned('proposed', MAIL)(SERIAL, 'All records of one error of a PE have one serial number, above those of its earlier errors; the numbers of the queue count the records beside it.'),
  open(EEH, 'Of an error of its PE each virtual device gets one record, with the state of the PE and its own number; of an error before it was one it gets none.'),
] as const;

const HEADER_WORDS = HEADER_BYTES >> 2;

/** Where a field is among the words of a record. */
const wordOf = (name: string): number => HEADER_WORDS + (EEH_EVENT_LAYOUT.fields.find((field) => field.name === name)!.offset >> 2);

/** The words of a record as they are expected; what the platform chooses is adopted. */
export function openWords({ error }: EventRecord, words: readonly Expected[], chooser: Chooser): Expected[] {
  if (error === undefined) return [...words];
  const told = new Map<number, bigint>([...serialWords(error, words, chooser), ...chosenWords(words, chooser)]);
  return words.map((word, i) => ({ ...word, value: told.get(i) ?? word.value, clause: i < HEADER_WORDS ? word.clause : i < wordOf('pe_addr') ? SERIAL : EEH }));
}

function serialWords({ source, serial }: ToldError, words: readonly Expected[], chooser: Chooser): [number, bigint][] {
  const at = wordOf('pe_serial');
  const value = chooser.adopt({
    choice: 'I32',
    clause: SERIAL,
    name: 'pe_serial',
    index: words[at]!.index,
    wide: 'low-first',
    canonical: source.given.get(serial) ?? serial,
    permitted: (number) => canBeGiven(source, serial, number),
    expects: 'the number of the other copies, above those of earlier errors',
  });
  source.given.set(serial, value);
  return [
    [at, value & 0xffff_ffffn],
    [at + 1, value >> 32n],
  ];
}

const chosenWords = (words: readonly Expected[], chooser: Chooser): [number, bigint][] =>
  ['pe_addr', 'reason'].map((name) => {
    const { index, value } = words[wordOf(name)]!;
    return [wordOf(name), chooser.adopt({ choice: 'I33', clause: EEH, name, index, canonical: value, permitted: () => true, expects: 'any number' })];
  });
