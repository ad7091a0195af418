import { addWindow, makeWindow, removeWindow, type Machine, type Pe } from '../machine.js';
import { chooseLiobn, created, type Create } from '../papr/ibm-create-pe-dma-window.js';
import { windowsAvailable } from '../papr/ibm-query-pe-dma-window.js';
import type { Remove } from '../papr/ibm-remove-pe-dma-window.js';
import { clause, type PeContext } from '../papr/ddw-checks.js';
import { REFUSED, type AccessContext } from '../tce/translate.js';
import type { RebootContext } from '../papr/reboot.js';
import { RTAS } from '../uapi/rtas.js';
import type { Guard, RuleBook } from '../rules.js';
import { changeCall, withCondition, withEffect, withGuardBefore, withLastGuard, type Mutant } from './mutant.js';

const CREATE = 'ibm,create-pe-dma-window';
const REMOVE = 'ibm,remove-pe-dma-window';
const RESET = 'ibm,reset-pe-dma-window';

/** The LIOBN of the table that QEMU takes next: the PE's first, or its second while the first is in use. */
function nextTable(machine: Machine, pe: Pe): bigint {
  const { liobn } = pe.description.defaultWindow;
  return machine.windows.has(Number(liobn)) ? liobn + 1n : liobn;
}

const poison = (liobn: bigint): string => `qemu/poisoned-table:${liobn.toString(16)}`;

const isPoisoned = (machine: Machine, liobn: bigint): boolean => machine.scars.has(poison(liobn));

/** The window needs 2^32 TCEs or more, and there is a table to take. */
const countWraps = (c: Create): boolean => c.windowShift - c.pageShift >= 32n && windowsAvailable(c) > 0;

/** The region of such a window has size 0 in QEMU (2^64 does not fit), so the access meets other windows or none. */
const withoutDma = (rules: RuleBook): RuleBook =>
  withGuardBefore<AccessContext>(rules, 'dma/outside-windows', {
    ...clause('dma/outside-windows', 'QEMU gives a window of 2^64 bytes a region of size 0.'),
    when: (c) => c.window !== undefined && c.window.size >= 1n << 64n,
    refuse: [REFUSED],
  });

/** Faults of QEMU's dynamic DMA windows (hw/ppc/spapr_rtas_ddw.c, spapr_pci.c), each as seen by running it. */
export const QEMU_DDW_MUTANTS: readonly Mutant[] = [
  {
    id: 'qemu/default-not-restored',
    title: 'Removing the last window does not restore the default where the window had taken the default\'s LIOBN',
    kind: 'historic',
    clauses: [`${REMOVE}/default-restored`],
    change: (rules) =>
      withEffect<Remove>(rules, REMOVE, (effect) => ({
        ...effect,
        apply(c, chooser) {
          const { liobn } = c.pe!.description.defaultWindow;
          if (c.window!.isDefault || c.window!.liobn !== liobn) return effect.apply(c, chooser);
          removeWindow(c.machine, c.pe!, c.window!);
          return { clause: `${REMOVE}/default-restored`, status: RTAS.SUCCESS };
        },
      })),
  },
  {
    id: 'qemu/overlapping-windows',
    title: 'A window created after the default was removed starts where another one already is',
    kind: 'historic',
    clauses: [`${CREATE}/start`],
    change: (rules) =>
      withEffect<Create>(rules, CREATE, (effect) => ({
        ...effect,
        apply(c, chooser) {
          const { ddw } = c.pe!.description;
          const start = c.pe!.windows.length === 0 ? 0n : ddw!.secondStart;
          const liobn = chooseLiobn(c.machine, c.pe!, chooser);
          const window = makeWindow(
            { liobn, start, size: 1n << c.windowShift, pageShift: Number(c.pageShift) },
            c.pe!.description.name,
            false,
          );
          c.pe!.windows.push(window);
          c.pe!.windows.sort((a, b) => Number(b.liobn - a.liobn));
          addWindow(c.machine, window);
          return created(window);
        },
      })),
  },
  {
    id: 'qemu/shifts-wrap',
    title: 'Page and window shifts of 64 and more are taken modulo 64 (undefined in C; as on x86)',
    kind: 'historic',
    clauses: [`${CREATE}/page-size`, `${CREATE}/window-size`],
    change: (rules) =>
      changeCall(rules, CREATE, (call) => ({
        ...call,
        read(machine: Machine, args: readonly bigint[], nret: number): Create {
          const c = call.read(machine, args, nret) as Create;
          if (c.windowShift < c.pageShift) return c;
          const pageShift = c.pageShift % 64n;
          return { ...c, pageShift, windowShift: pageShift + ((c.windowShift - c.pageShift) % 64n) };
        },
      })),
  },
  {
    id: 'qemu/remove-virtual-adapter-abort',
    title: 'Removing the window of a virtual adapter as if it were a PE\'s aborts QEMU',
    kind: 'historic',
    clauses: [`${REMOVE}/liobn`],
    change: (rules) =>
      withGuardBefore<Remove>(rules, `${REMOVE}/liobn`, {
        ...clause(`${REMOVE}/liobn`, 'QEMU takes the owner of any table for a PCI host bridge.'),
        when: (c) => c.window !== undefined && c.pe === undefined,
        refuse: ['crash'],
      }),
  },
  {
    id: 'qemu/window-of-the-whole-bus',
    title: 'A window of 2^64 bytes is created over every other window, and no access is translated by it',
    kind: 'historic',
    clauses: [`${CREATE}/window-size`],
    change: (rules) =>
      withoutDma(
        withCondition<Create>(rules, `${CREATE}/window-size`, (c) => c.windowShift < c.pageShift || c.windowShift > 65n),
      ),
  },
  {
    id: 'qemu/too-many-tces',
    title: 'A window of 2^32 TCEs and more is refused although the query reports 2^37',
    kind: 'historic',
    clauses: [`${CREATE}/created`],
    change: (rules) => withGuardBefore<Create>(rules, `${CREATE}/window-size`, tooManyTces),
  },
  {
    id: 'qemu/poisoned-table-abort',
    title: 'After a refused window of 2^32 TCEs and more, the next use of its table aborts QEMU',
    kind: 'historic',
    clauses: [`${CREATE}/created`, `${REMOVE}/default-restored`, `${RESET}/default-restored`, 'reboot/default-restored'],
    change: abortOnPoison,
  },
];

const tooManyTces: Guard<Create> = {
  id: `${CREATE}/created`,
  text: 'QEMU counts the TCEs of a window in 32 bits.',
  source: 'QEMU hw/ppc/spapr_rtas_ddw.c',
  status: 'architecture',
  level: 'must',
  when: (c) => countWraps(c) && !isPoisoned(c.machine, nextTable(c.machine, c.pe!)),
  refuse: [RTAS.HARDWARE_ERROR],
  damage: (c) => c.machine.scars.add(poison(nextTable(c.machine, c.pe!))),
};

const aborts = <C>(clause: string, when: (c: C) => boolean): Guard<C> => ({
  id: clause,
  text: 'QEMU asserts that the table\'s memory region is in no container.',
  source: 'QEMU softmmu/memory.c memory_region_add_subregion_common',
  status: 'architecture',
  level: 'must',
  when,
  refuse: ['crash'],
});

function abortOnPoison(rules: RuleBook): RuleBook {
  const firstOf = (pe: Pe): bigint => pe.description.defaultWindow.liobn;
  const create = aborts<Create>(
    `${CREATE}/created`,
    (c) => c.windowShift >= c.pageShift && windowsAvailable(c) > 0 && isPoisoned(c.machine, nextTable(c.machine, c.pe!)),
  );
  const remove = aborts<Remove>(
    `${REMOVE}/default-restored`,
    (c) => c.pe!.windows.length === 1 && c.window!.liobn !== firstOf(c.pe!) && isPoisoned(c.machine, firstOf(c.pe!)),
  );
  const reset = aborts<PeContext>(`${RESET}/default-restored`, (c) => isPoisoned(c.machine, firstOf(c.pe!)));
  const reboot = aborts<RebootContext>('reboot/default-restored', ({ machine }) =>
    [...machine.pes.values()].some((pe) => isPoisoned(machine, firstOf(pe))),
  );
  const withCreate = withGuardBefore(rules, `${CREATE}/window-size`, create);
  const withRemove = withLastGuard(withCreate, REMOVE, remove);
  return withLastGuard(withLastGuard(withRemove, RESET, reset), 'reboot', reboot);
}

