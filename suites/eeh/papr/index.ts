import { negativeScenarios } from '../../../harness/build/negatives.js';
import { peArgs, type ProgramBuilder } from '../../../harness/build/program-builder.js';
import { scenario } from '../../../harness/build/scenario-builder.js';
import type { Scenario } from '../../../harness/scenario.js';
import { FUNCTIONS, READ_BACK, TAKE_BACK } from '../../../reference/eeh/injection.js';
import { LOPAR_TABLE, RTAS_OPERATIONS, type RtasOperation } from '../../../reference/eeh/lopar-table.js';
import { LOPAR_STATES, type PeState } from '../../../reference/eeh/states.js';
import { closeErrinjct } from '../../../reference/papr/ibm-close-errinjct.js';
import { configurePe } from '../../../reference/papr/ibm-configure-pe.js';
import { errinjct } from '../../../reference/papr/ibm-errinjct.js';
import { getConfigAddrInfo2 } from '../../../reference/papr/ibm-get-config-addr-info2.js';
import { openErrinjct } from '../../../reference/papr/ibm-open-errinjct.js';
import { readPciConfig } from '../../../reference/papr/ibm-read-pci-config.js';
import { readSlotResetState2 } from '../../../reference/papr/ibm-read-slot-reset-state2.js';
import { EEH_OPTION, setEehOption } from '../../../reference/papr/ibm-set-eeh-option.js';
import { setSlotReset } from '../../../reference/papr/ibm-set-slot-reset.js';
import { DETAIL, slotErrorDetail } from '../../../reference/papr/ibm-slot-error-detail.js';
import { scenarios as dma } from './dma.js';
import { close, config, configure, details, error, injectError, open, option, PERFORM, REACH, state, STATE, unavailable } from './steps.js';

type LoparState = Exclude<PeState, 'mmio-stopped'>;

/** The clause that decides a cell. */
function decides(operation: RtasOperation, from: LoparState): string {
  const { status, also } = LOPAR_TABLE[operation][from];
  if (operation === 'permanent-detail') return 'ibm,slot-error-detail/permanent';
  const released = operation.startsWith('release');
  const call = released ? 'ibm,set-eeh-option' : 'ibm,set-slot-reset';
  if (also !== undefined) return `${call}/not-held`;
  if (status === 0) return `${call}/${released ? 'released' : operation === 'deactivate' ? 'ended' : 'held'}`;
  return `${call}/${status === -3 ? 'not-stopped' : 'unexpected-state'}`;
}

const cells = RTAS_OPERATIONS.flatMap((operation) =>
  LOPAR_STATES.map((from) =>
    scenario(
      {
        id: `eeh/papr/cell/${from}/${operation}`,
        title: `At the partition's door: ${operation.replace('-', ' ')} of a PE in the state ${from} does what LoPAR's table of states says`,
        clauses: [decides(operation, from as LoparState), `${STATE}/state`],
      },
      (p) => {
        REACH[from as LoparState](p);
        state(p);
        PERFORM[operation](p);
        state(p);
        // Whatever it came to, the other PE is normal.
        state(p, 'eeh1');
      },
    ),
  ),
);

const walk = (id: string, title: string, clauses: readonly string[], write: (p: ProgramBuilder) => void): Scenario => scenario({ id: `eeh/papr/${id}`, title, clauses }, write);

const sequences: readonly Scenario[] = [
  walk(
    'recovery/log-and-reset',
    'The most general recovery: MMIO let go, bridges configured, the log taken, a reset held and ended, bridges configured again',
    ['ibm,set-eeh-option/released', 'ibm,slot-error-detail/log', 'ibm,set-slot-reset/held', 'ibm,set-slot-reset/ended', 'ibm,configure-pe/configured', 'ibm,configure-pe/nothing-to-do'],
    (p) => {
      state(error(p));
      PERFORM['release-mmio'](p);
      configure(details(configure(p), DETAIL.TEMPORARY));
      PERFORM.deactivate(PERFORM['fundamental-reset'](p));
      configure(configure(p));
      state(p, 'eeh0', 5);
    },
  ),
  walk('recovery/release', 'A stopped PE is normal after MMIO and then DMA were let go', ['ibm,set-eeh-option/released', `${STATE}/state`], (p) => {
    PERFORM['release-dma'](PERFORM['release-mmio'](error(p)));
    state(p);
  }),
  walk('recovery/wrong-way', 'DMA that is let go before MMIO is refused, and after it is not', ['ibm,set-eeh-option/unexpected-state', 'ibm,set-eeh-option/released'], (p) => {
    error(p);
    for (const operation of ['release-dma', 'release-mmio', 'release-mmio', 'release-dma', 'release-dma'] as const) PERFORM[operation](p);
  }),
  walk('recovery/reset-without-fundamental', 'A PE without a fundamental reset refuses it in every state and takes a hot one', ['ibm,set-slot-reset/fundamental', 'ibm,set-slot-reset/held'], (p) => {
    for (const reach of [REACH.normal, REACH.stopped, REACH['dma-stopped']]) {
      reach(p, 'eeh1');
      PERFORM['fundamental-reset'](p, 'eeh1');
      PERFORM.deactivate(PERFORM['hot-reset'](p, 'eeh1'), 'eeh1');
    }
  }),
  walk('recovery/unavailable-then-stopped', 'A PE that is unavailable for a time says how long to wait, then it is stopped and can be recovered', [`${STATE}/unavailable`, 'ibm,set-slot-reset/held'], (p) => {
    unavailable(p, 3);
    for (let i = 0; i < 4; i++) state(p);
    PERFORM.deactivate(PERFORM['hot-reset'](p));
    state(p);
  }),
  walk('recovery/failed-until-reboot', 'A PE that was given up stays so whatever is called, and is normal after a reboot', ['ibm,slot-error-detail/permanent', `${STATE}/unavailable`, 'reboot/default-restored'], (p) => {
    details(error(p), DETAIL.PERMANENT);
    for (const operation of RTAS_OPERATIONS) PERFORM[operation](p);
    state(p);
    state(p.reboot());
  }),
  walk('recovery/two-pes', 'Two PEs that are stopped are recovered one by one, each with its own state', ['ibm,set-eeh-option/released', 'ibm,set-slot-reset/ended', `${STATE}/state`], (p) => {
    error(error(p), 'eeh1');
    PERFORM['release-mmio'](p);
    state(p, 'eeh1');
    PERFORM['hot-reset'](p, 'eeh1');
    state(p);
    PERFORM['release-dma'](p);
    state(p, 'eeh1');
    PERFORM.deactivate(p, 'eeh1');
    state(p);
  }),
  walk('options', 'Enabling EEH, and disabling it where it is always on, changes no state; events of a slot are refused where there are none', ['ibm,set-eeh-option/enabled', 'ibm,set-eeh-option/slot-events', 'ibm,set-eeh-option/function'], (p) => {
    for (const func of [...Object.values(EEH_OPTION), 6, 0xffff_ffff]) option(p, func);
    error(p);
    for (const func of [EEH_OPTION.DISABLE, EEH_OPTION.ENABLE]) option(p, func);
  }),
  walk('details', 'The log of a PE: there is one while something is wrong with it, and there may be one while nothing is', ['ibm,slot-error-detail/log'], (p) => {
    for (const from of ['normal', 'reset', 'stopped', 'dma-stopped'] as const) {
      REACH[from](p);
      details(p, DETAIL.TEMPORARY);
      PERFORM.deactivate(PERFORM['hot-reset'](p));
    }
    unavailable(p, 20);
    details(p, DETAIL.TEMPORARY);
  }),
  walk('configure-any-state', 'Bridges can be configured in any state, and the state stays', ['ibm,configure-pe/configured', 'ibm,configure-pe/nothing-to-do'], (p) => {
    for (const from of ['normal', 'reset', 'stopped', 'dma-stopped'] as const) {
      PERFORM.deactivate(PERFORM['hot-reset'](p));
      REACH[from](p);
      configure(configure(p));
    }
  }),
  walk('configure-delayed', 'While configuring asks for time it is made again, and done once', ['ibm,configure-pe/busy', 'ibm,configure-pe/configured'], (p) => {
    PERFORM.deactivate(PERFORM['hot-reset'](p));
    p.platform({ op: 'busy', calls: 2, status: 9901 });
    for (let i = 0; i < 4; i++) configure(p);
  }),
  walk('configuration', 'Configuration space of a stopped PE brings all ones or an error, of one whose MMIO was let go the register', ['ibm,read-pci-config/value', 'ibm,read-pci-config/all-ones', 'ibm,read-pci-config/stopped'], (p) => {
    config(error(config(p)));
    for (const size of [1n, 2n, 4n]) config(p, 'eeh0', 8n, size);
    config(config(p, 'eeh1'), 'pe0');
    PERFORM['release-mmio'](p);
    config(p);
    PERFORM['hot-reset'](p);
    config(p);
    PERFORM.deactivate(p);
    config(p);
  }),
  walk('addresses', 'A PE with EEH has an address and says whether it is shared; one without says that it is none', ['ibm,get-config-addr-info2/address', 'ibm,get-config-addr-info2/sharing', 'ibm,get-config-addr-info2/no-eeh-sharing'], (p) => {
    for (const pe of ['eeh0', 'eeh1', 'pe0']) for (const func of [0n, 1n, 2n]) p.rtas('ibm,get-config-addr-info2', [...peArgs(pe), func], 2);
  }),
];

/** A PE without EEH, also on a machine that has no other. */
const absent = scenario(
  {
    id: 'eeh/papr/absent',
    title: 'A PE without EEH refuses every call on error states with -3; asked for its state it may say that it has no capability',
    clauses: ['ibm,set-eeh-option/no-eeh', 'ibm,set-slot-reset/no-eeh', 'ibm,configure-pe/no-eeh', 'ibm,slot-error-detail/no-eeh', 'ibm,get-config-addr-info2/no-eeh', `${STATE}/no-eeh`, `${STATE}/capability`],
  },
  (p) => {
    for (const func of [0, 1, 2, 3]) option(p, func, 'pe0');
    for (const operation of ['deactivate', 'hot-reset', 'fundamental-reset', 'permanent-detail'] as const) PERFORM[operation](p, 'pe0');
    state(configure(p, 'pe0'), 'pe0');
    p.rtas('ibm,get-config-addr-info2', [...peArgs('pe0'), 0n], 2);
  },
);

/** Makes accesses of every kind that this door has. */
function accesses(p: ProgramBuilder): void {
  const window = p.defaultWindow('eeh0');
  p.put(window, 0n, 0x100_0003n);
  config(p);
  p.deviceReads(window.at(0n), 16, 0, 'eeh0.dev0').deviceWrites(window.at(0n), 16, 0, 'eeh0.dev0');
}

const injection = [true, false].flatMap((wide) =>
  FUNCTIONS.map(({ name }, what) =>
    scenario(
      {
        id: `eeh/papr/errinjct/${wide ? '64' : '32'}-bit/${what}`,
        title: `An injected error of ${wide ? '64' : '32'} bits, ${name} (${what}), comes with the next access of its kind and stops its PE alone`,
        clauses: ['ibm,errinjct/armed', 'ibm,open-errinjct/opened', 'ibm,close-errinjct/closed', `${STATE}/state`],
      },
      (p) => {
        state(injectError(open(p), what, 'eeh0', wide));
        accesses(p);
        state(state(close(p)), 'eeh1');
        PERFORM.deactivate(PERFORM['hot-reset'](p));
        accesses(p);
        state(p);
      },
    ),
  ),
);

const tokens: readonly Scenario[] = [
  walk('errinjct/one-at-a-time', 'Error injection is open once: again only after it was closed, and with its token alone', ['ibm,open-errinjct/once', 'ibm,close-errinjct/open', 'ibm,close-errinjct/closed', 'ibm,errinjct/open'], (p) => {
    p.rtas('ibm,open-errinjct', [], 2, 'open').rtas('ibm,open-errinjct', [], 2);
    p.rtas('ibm,close-errinjct', [{ from: 'open.ret0', plus: 1n }], 1);
    close(close(p));
    injectError(p, 4);
    p.rtas('ibm,open-errinjct', [], 2, 'again').rtas('ibm,close-errinjct', [{ from: 'again.ret0' }], 1);
    state(p);
  }),
  walk('errinjct/taken-back', 'An injected error that was taken back does not come; reading it back brings none either', ['ibm,errinjct/taken-back', 'ibm,errinjct/armed', `${STATE}/state`], (p) => {
    injectError(injectError(injectError(open(p), 4), READ_BACK), TAKE_BACK);
    state(config(p));
    close(p);
  }),
];

const negatives = [setEehOption, getConfigAddrInfo2, readSlotResetState2, setSlotReset, configurePe, slotErrorDetail, openErrinjct, errinjct, closeErrinjct, readPciConfig].flatMap((call) =>
  negativeScenarios('eeh/papr', call),
);

/** Error states at the door of a partition. */
export const scenarios: readonly Scenario[] = [...cells, ...sequences, absent, ...injection, ...tokens, ...dma, ...negatives];
