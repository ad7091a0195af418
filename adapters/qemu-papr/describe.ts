/** What a bare pSeries machine is, as the model needs to know it: from its device tree, and from asking it. */

import type { DdwDescription, MachineDescription, PeDescription } from '../../reference/description.js';
import type { Batch } from './batch.js';
import { EDU_DEVICE, EDU_VENDOR } from './edu.js';
import type { DeviceFacts, MachineFacts, PhbFacts } from './facts.js';
import type { RtasCall } from './requests.js';

/** The RTAS calls of the EEH option that a machine has together. */
const EEH_CALLS = ['ibm,set-eeh-option', 'ibm,set-slot-reset', 'ibm,read-slot-reset-state2', 'ibm,get-config-addr-info2', 'ibm,slot-error-detail', 'ibm,configure-pe'] as const;

/** Function sets of `ibm,hypertas-functions` that the suites know. */
const KNOWN_FUNCTIONS = ['hcall-tce', 'hcall-multi-tce', 'hcall-rdma', 'hcall-migrate'];

/** Where QEMU puts a window beside another one (`dma64_win_addr`). Only the model's own choice; the oracle adopts what it sees. */
const SECOND_WINDOW = 1n << 59n;

/** The names that programs know the bridges by, by index. */
export const PE_NAMES: readonly string[] = ['pe0', 'pe1', 'plain0', 'wide0'];

/** Both forms of the query of one bridge, before anything has changed. */
export interface DdwQuery {
  readonly phb: PhbFacts;
  readonly short: RtasCall;
  readonly long: RtasCall;
}

/** Adds the queries that `describeMachine` needs to a batch. */
export function queryBridges(batch: Batch, facts: MachineFacts): DdwQuery[] {
  return facts.phbs.flatMap((phb) => {
    if (phb.ddw === undefined) return [];
    const args = [0, Number(phb.buid >> 32n), Number(phb.buid & 0xffff_ffffn)];
    return [{ phb, short: batch.rtas(phb.ddw.query, args, 5), long: batch.rtas(phb.ddw.query, args, 6) }];
  });
}

/** The machine as the model is to be configured; `queries` have been answered. */
export function describeMachine(facts: MachineFacts, batch: Batch, queries: readonly DdwQuery[]): MachineDescription {
  return {
    platform: 'pseries',
    memoryBytes: facts.memoryBytes,
    functions: [...KNOWN_FUNCTIONS.filter((name) => facts.hypertas.includes(name)), ...(EEH_CALLS.every((name) => facts.rtas.has(name)) ? ['rtas-eeh'] : []), 'reboot'],
    pes: facts.phbs.map((phb) => describeBridge(phb, batch, queries.find((query) => query.phb === phb))),
    vios: facts.vio.map(({ window: { liobn, start, size } }, i) => ({
      name: `vio${i}`,
      own: { liobn: BigInt(liobn), start, size, pageShift: 12 },
      bitBucket: false,
    })),
  };
}

function describeBridge(phb: PhbFacts, batch: Batch, query: DdwQuery | undefined): PeDescription {
  const edus = edusOf(phb);
  const window = phb.dmaWindow;
  if (window === undefined) throw new Error(`${phb.path} has no ibm,dma-window`);
  return {
    name: PE_NAMES[phb.index] ?? `pe${phb.index}`,
    configAddress: edus[0]?.configAddress ?? 0,
    buid: phb.buid,
    defaultWindow: { liobn: BigInt(window.liobn), start: window.start, size: window.size, pageShift: 12 },
    ...(query === undefined ? {} : { ddw: describeDdw(phb, batch, query) }),
    devices: edus.map((_, i) => `dev${i}`),
  };
}

const edusOf = (phb: PhbFacts): DeviceFacts[] =>
  phb.devices.filter(({ vendorId, deviceId }) => vendorId === EDU_VENDOR && deviceId === EDU_DEVICE);

/** Extensions: the token of reset, 1 for queries with 6 outputs, non-zero for limited addressing. */
function describeDdw(phb: PhbFacts, batch: Batch, query: DdwQuery): DdwDescription {
  const [count = 0, reset, query6, limited] = phb.ddwExtensions;
  const [, available = 0, tces32 = 0, pageSizes = 0, migrationMask = 0] = batch.returns(query.short);
  const [, , high = 0, low = 0] = batch.returns(query.long);
  const hasQuery6 = count >= 2 && query6 === 1;
  return {
    windows: available + 1,
    pageSizes,
    migrationMask,
    tces: hasQuery6 ? (BigInt(high) << 32n) | BigInt(low) : BigInt(tces32),
    tces32,
    reset: count >= 1 && reset !== undefined,
    query6: hasQuery6,
    limited: count >= 3 && limited !== undefined && limited !== 0,
    secondStart: SECOND_WINDOW,
  };
}
