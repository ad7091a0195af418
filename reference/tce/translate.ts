import { ownsPage, type Machine, type Window } from '../machine.js';
import { architecture, type Call, type Clause, type Guard } from '../rules.js';
import { covers, entryIndex, metOptions } from './entries.js';
import { permits, rpn, type Direction } from './tce.js';

/** What a device's access to one I/O page looks at. */
export interface AccessContext {
  readonly machine: Machine;
  readonly iova: bigint;
  readonly direction: Direction;
  readonly window: Window | undefined;
  /** The entry that translates it; undefined outside every window. */
  readonly entry: bigint | undefined;
}

/** The access is refused: the device moves nothing. */
export const REFUSED = 1;
/** The access is translated. */
export const TRANSLATED = 0;

const paprClause = architecture('LoPAR 2.9, TCE Definition; I/O Virtual Memory requirements');
const clause = (id: string, text: string): Clause => paprClause(`dma/${id}`, text);

const outsideWindows: Guard<AccessContext> = {
  ...clause('outside-windows', 'An access outside every window of the PE reaches no memory.'),
  when: (c) => c.window === undefined,
  refuse: [REFUSED],
};

const noRead: Guard<AccessContext> = {
  ...clause('read-permission', 'Without the read bit in the entry a device reads no memory.'),
  when: (c) => c.direction === 'read' && !permits(c.entry!, 'read'),
  refuse: [REFUSED],
};

const noWrite: Guard<AccessContext> = {
  ...clause('write-permission', 'Without the write bit in the entry a device writes no memory.'),
  when: (c) => c.direction === 'write' && !permits(c.entry!, 'write'),
  refuse: [REFUSED],
};

const foreign: Guard<AccessContext> = {
  ...clause('foreign-memory', 'An access reaches memory of its own partition only.'),
  when: (c) => !ownsPage(c.machine, translate(c)),
  refuse: [REFUSED],
};

/** The partition address that the entry gives: page number masked to the I/O page, plus the offset in the page. */
export function translate(c: AccessContext): bigint {
  const { offsetMask } = c.window!;
  return (rpn(c.entry!) & ~offsetMask) | (c.iova & offsetMask);
}

/** One access of a device within one I/O page. */
export const dmaTranslation: Call<AccessContext> = {
  name: 'dma',
  parameters: ['iova'],
  read: () => {
    throw new Error('A device access is read by accessContexts().');
  },
  guards: [outsideWindows, noRead, noWrite, foreign],
  effect: {
    clauses: [clause('translated', 'Otherwise it moves bytes at the page of the entry, offset as in the I/O page.')],
    apply: () => ({ clause: 'dma/translated', status: TRANSLATED }),
  },
  sample: { requires: ['dma'], args: { iova: { from: 'pe0.start', plus: 0x5000n } } },
};

/** The access as each permitted value of its entry makes it; more than one only while an entry is open (A11). */
export function accessContexts(
  machine: Machine,
  windows: readonly Window[],
  iova: bigint,
  direction: Direction,
): readonly [AccessContext, ...AccessContext[]] {
  const window = windows.find((candidate) => covers(candidate, iova));
  if (window === undefined) return [{ machine, iova, direction, window, entry: undefined }];
  const options = metOptions(window, entryIndex(window, iova));
  return options.map((entry) => ({ machine, iova, direction, window, entry })) as [AccessContext, ...AccessContext[]];
}
