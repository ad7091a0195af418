import { addWindow, makeWindow, type Machine, type Pe, type Window } from '../machine.js';
import type { Chooser } from '../chooser.js';
import type { Answer, Call, Guard } from '../rules.js';
import { RTAS } from '../uapi/rtas.js';
import { offersPageShift } from '../uapi/page-sizes.js';
import { busy, cells, clause, notApplicable, otherConfigAddress, PE0, readPe, unknownPe, type PeContext } from './ddw-checks.js';
import { windowsAvailable } from './ibm-query-pe-dma-window.js';

const NAME = 'ibm,create-pe-dma-window';

export interface Create extends PeContext {
  /** log2 of the page size and of the window size in bytes, as given. */
  readonly pageShift: bigint;
  readonly windowShift: bigint;
}

const badPageShift: Guard<Create> = {
  ...clause(`${NAME}/page-size`, 'A page size that the query does not report is refused with -3.'),
  when: (c) => !offersPageShift(c.pe!.description.ddw!.pageSizes, c.pageShift),
  refuse: [RTAS.PARAMETER_ERROR],
  violation: { args: { page_shift: 11n } },
};

const badWindowShift: Guard<Create> = {
  ...clause(`${NAME}/window-size`, 'A window smaller than one page, or of 2^64 bytes and more, is refused with -3 (or -1).'),
  when: (c) => c.windowShift < c.pageShift || c.windowShift >= 64n,
  refuse: [RTAS.PARAMETER_ERROR, RTAS.HARDWARE_ERROR],
  violation: { args: { window_shift: 11n } },
};

const tooLarge: Guard<Create> = {
  ...clause(`${NAME}/too-many-tces`, 'A window of more TCEs than the query reports is refused with -3 (or -1).'),
  when: (c) => 1n << (c.windowShift - c.pageShift) > c.pe!.description.ddw!.tces,
  refuse: [RTAS.PARAMETER_ERROR, RTAS.HARDWARE_ERROR],
};

const noneLeft: Guard<Create> = {
  ...clause(`${NAME}/no-window-left`, 'With no window available the call is refused with -3 (or -1).'),
  when: (c) => windowsAvailable(c) <= 0,
  refuse: [RTAS.PARAMETER_ERROR, RTAS.HARDWARE_ERROR],
  violation: {
    setup: [
      {
        door: 'papr',
        op: 'rtas',
        call: NAME,
        args: [...Object.values(PE0), 16n, 26n],
        nret: 4,
      },
    ],
  },
};

/** ibm,create-pe-dma-window: a new window; the platform says its LIOBN and where it starts on the bus. */
export const createPeDmaWindow: Call<Create> = {
  name: NAME,
  parameters: ['config_addr', 'buid_hi', 'buid_lo', 'page_shift', 'window_shift'],
  read: (machine, args, nret) => ({
    ...readPe(machine, args, nret),
    pageShift: args[3] ?? 0n,
    windowShift: args[4] ?? 0n,
  }),
  guards: [
    cells(NAME, 5, [4]),
    unknownPe(NAME),
    otherConfigAddress(NAME),
    notApplicable(NAME),
    badPageShift,
    badWindowShift,
    tooLarge,
    noneLeft,
    busy(NAME),
  ],
  effect: {
    clauses: [
      clause(`${NAME}/created`, 'A window of a reported page size and of no more TCEs than reported is created.', 'LoPAR 2.9, R1-99826-2, R1-49009-2'),
      clause(`${NAME}/liobn`, 'The LIOBN of the new window is that of no other live window.'),
      clause(`${NAME}/start`, 'The new window starts at a multiple of its page size and overlaps no other window of the PE.'),
    ],
    apply(c, chooser) {
      const size = 1n << (c.windowShift < 64n ? c.windowShift : 64n);
      const liobn = chooseLiobn(c.machine, c.pe!, chooser);
      const start = chooseStart(c.pe!, size, c.pageShift, chooser);
      const window = makeWindow({ liobn, start, size, pageShift: Number(c.pageShift) }, c.pe!.description.name, false);
      c.pe!.windows.push(window);
      addWindow(c.machine, window);
      return created(window);
    },
  },
  sample: { requires: ['ddw'], args: { ...PE0, page_shift: 16n, window_shift: 28n }, nret: 4 },
};

/** The LIOBN of the new window: the platform's choice. */
export function chooseLiobn(machine: Machine, pe: Pe, chooser: Chooser): bigint {
  let free = pe.description.defaultWindow.liobn;
  while (machine.windows.has(Number(free))) free += 1n;
  return chooser.adopt({
    choice: 'A10',
    clause: `${NAME}/liobn`,
    name: 'LIOBN',
    canonical: free,
    permitted: (value) => !machine.windows.has(Number(value)),
    expects: 'one that no live window has',
    index: 0,
  });
}

function chooseStart(pe: Pe, size: bigint, shift: bigint, chooser: Chooser): bigint {
  const overlaps = (start: bigint): boolean =>
    pe.windows.some((other) => start < other.start + other.size && other.start < start + size);
  const preferred = pe.description.ddw!.secondStart;
  return chooser.adopt({
    choice: 'A9',
    clause: `${NAME}/start`,
    name: 'start',
    canonical: overlaps(preferred) ? 0n : preferred,
    permitted: (start) => !overlaps(start) && start % (1n << shift) === 0n && start + size <= 1n << 64n,
    expects: 'a multiple of the page size, clear of every other window of the PE',
    index: 1,
    wide: true,
  });
}

/** The answer for a window that now exists. */
export function created(window: Window): Answer {
  return {
    clause: `${NAME}/created`,
    status: RTAS.SUCCESS,
    outputs: [
      { index: 0, name: 'LIOBN', value: window.liobn, clause: `${NAME}/liobn` },
      { index: 1, name: 'start high', value: window.start >> 32n, clause: `${NAME}/start` },
      { index: 2, name: 'start low', value: window.start & 0xffff_ffffn, clause: `${NAME}/start` },
    ],
  };
}
