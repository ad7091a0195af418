import { FUNCTIONS, READ_BACK, TAKE_BACK } from '../eeh/injection.js';
import type { Operation } from '../doors/operations.js';
import type { Term } from '../doors/term.js';
import { findPe, type Machine, type Pe } from '../machine.js';
import type { Call, Guard } from '../rules.js';
import { RTAS } from '../uapi/rtas.js';
import { cells } from './eeh-checks.js';
import { clause, notOpen, OPEN, type ErrinjctContext } from './errinjct-checks.js';

const NAME = 'ibm,errinjct';

/** Bytes of the buffer, and the boundary it begins on. */
const BUFFER = 1024n;

interface Errinjct extends ErrinjctContext {
  /** Words before the configuration address: two for an address and mask of 32 bits, four of 64; undefined for no class known. */
  readonly addressWords: number | undefined;
  readonly buffer: bigint;
  readonly pe: Pe | undefined;
  readonly what: number;
}

/** Words of an address and mask of 64 bits. */
const LONGEST_ADDRESS = 4;

/** Words of an ioa-bus-error: address, mask, then config_addr, BUID high and low, and what is to happen. */
function readErrinjct(machine: Machine, args: readonly bigint[], nret: number): Errinjct {
  const [kind = 0n, token = 0n, buffer = 0n] = args;
  const { ioaBusError, ioaBusError64 } = machine.description.errinjct ?? { ioaBusError: -1, ioaBusError64: -1 };
  const addressWords = kind === BigInt(ioaBusError) ? 2 : kind === BigInt(ioaBusError64) ? LONGEST_ADDRESS : undefined;
  const bytes = Buffer.from(machine.memory.load(Number(buffer), Number(BUFFER)).values);
  const word = (i: number): number => bytes.readUInt32BE(4 * ((addressWords ?? LONGEST_ADDRESS) + i));
  const pe = findPe(machine, (BigInt(word(1)) << 32n) | BigInt(word(2)));
  return { machine, nargs: args.length, nret, token, addressWords, buffer, pe, what: word(3) };
}

/** Where programs keep the buffer. */
export const BUFFER_ADDRESS = 0x113_0000n;
const OFF_BOUNDARY = BUFFER_ADDRESS + 0x200n;

/** The doublewords of an ioa-bus-error-64 (or of a 32-bit one) for a PE. `buid`: added to the low half of the BUID. */
export const bufferFor = (pe: string, what: number, { buid = 0n, wide = true, at = BUFFER_ADDRESS } = {}): Operation[] => {
  const target: readonly Term[] = [{ from: `${pe}.configBuid` }, { from: `${pe}.buidWhat`, plus: (buid << 32n) + BigInt(what) }];
  return [{ door: 'memory', op: 'store', address: at, doublewords: wide ? [0n, 0n, ...target] : [0n, ...target] }];
};

const badBuffer: Guard<Errinjct> = {
  ...clause(`${NAME}/buffer`, 'A buffer that does not begin on a boundary of 1 KiB is refused with -3.'),
  when: (c) => c.buffer % BUFFER !== 0n,
  refuse: [RTAS.PARAMETER_ERROR],
  violation: { setup: bufferFor('eeh0', 4, { at: OFF_BOUNDARY }), args: { buffer: OFF_BOUNDARY } },
};

const unknownClass: Guard<Errinjct> = {
  ...clause(`${NAME}/class`, 'A class of errors that ibm,errinjct-tokens does not name is refused with -3.'),
  when: (c) => c.addressWords === undefined,
  refuse: [RTAS.PARAMETER_ERROR],
  violation: { args: { class: { from: 'errinjct.ioaBusError64', plus: 0x100n } } },
};

const unknownPe: Guard<Errinjct> = {
  ...clause(`${NAME}/pe`, 'A buffer that names no PE with EEH of the partition is refused with -3.'),
  when: (c) => c.pe?.eeh === undefined,
  refuse: [RTAS.PARAMETER_ERROR],
  violation: { setup: bufferFor('eeh0', 4, { buid: 0xff00n }) },
};

const unknownError: Guard<Errinjct> = {
  ...clause(`${NAME}/what`, `An error past ${READ_BACK} is refused with -3.`),
  when: (c) => c.what > READ_BACK,
  refuse: [RTAS.PARAMETER_ERROR],
  violation: { setup: bufferFor('eeh0', READ_BACK + 1) },
};

/** ibm,errinjct, for the classes ioa-bus-error and ioa-bus-error-64: an error that comes with the next access of its kind. */
export const errinjct: Call<Errinjct> = {
  name: NAME,
  parameters: ['class', 'open_token', 'buffer'],
  read: readErrinjct,
  guards: [cells(NAME, 3, [1]), notOpen(NAME), badBuffer, unknownClass, unknownPe, unknownError],
  effect: {
    clauses: [
      clause(`${NAME}/armed`, 'The error waits for the next access of its kind; then the PE is stopped.'),
      clause(`${NAME}/taken-back`, 'An error that has not come yet can be taken back.'),
    ],
    apply(c) {
      const pe = c.pe!.eeh!;
      if (c.what === READ_BACK) return { clause: `${NAME}/armed`, status: RTAS.SUCCESS };
      pe.armed = c.what === TAKE_BACK ? undefined : FUNCTIONS[c.what]!.access;
      return { clause: `${NAME}/${c.what === TAKE_BACK ? 'taken-back' : 'armed'}`, status: RTAS.SUCCESS };
    },
  },
  sample: {
    requires: ['rtas-eeh', 'errinjct', 'pe:eeh0'],
    setup: [...OPEN, ...bufferFor('eeh0', 4)],
    args: { class: { from: 'errinjct.ioaBusError64' }, open_token: { from: 'open.ret0' }, buffer: BUFFER_ADDRESS },
    nret: 1,
  },
};
