import { countVerdicts, type DepartureRecord, type RunRecord, type ScenarioRecord } from './run-record.js';

/** A departure with everything a writer may stumble over: markup, a bar, a back-quote. */
export const DEPARTURE: DepartureRecord = {
  clause: 'H_STUFF_TCE/count',
  rule: 'A count above 512 is refused with H_P4.',
  expected: ['H_PARAMETER (-4)', 'H_P4 (-57)'],
  observed: 'H_SUCCESS (0) <&"|`>',
  step: 1,
  operation: 'H_STUFF_TCE(pe0.liobn, pe0.start, 0x3, 0x201)',
  known: [],
  program: {
    schema: 'papr-conformance/program/1',
    operations: [{ door: 'papr', op: 'hcall', call: 'H_STUFF_TCE', args: [{ from: 'pe0.liobn' }, '0x0', '0x3', '0x201'] }],
  },
};

const scenario = (id: string, rest: Omit<ScenarioRecord, 'id' | 'title' | 'clauses' | 'milliseconds'>): ScenarioRecord => ({
  id,
  title: `The title of ${id}`,
  clauses: ['H_STUFF_TCE/count'],
  milliseconds: 1.25,
  ...rest,
});

/** One scenario of each verdict. */
export const SCENARIOS = {
  conforms: scenario('tce/stuff/one', { verdict: 'conforms' }),
  departs: scenario('tce/stuff/count', { verdict: 'departs', departures: [DEPARTURE, { ...DEPARTURE, clause: 'H_GET_TCE/value', step: 2 }] }),
  known: scenario('tce/stuff/partial', { verdict: 'known', ledger: ['Q01'], departures: [{ ...DEPARTURE, known: ['Q01'] }] }),
  fixed: scenario('ddw/create/default', { verdict: 'fixed', reason: 'the ledger lists Q02, and the system no longer departs', ledger: ['Q02'] }),
  tentative: scenario('iommufd/ppc64/window', { verdict: 'tentative', reason: 'only proposed', departures: [DEPARTURE] }),
  skipped: scenario('ddw/reset/absent', { verdict: 'skipped', reason: 'the target lacks ddw-reset' }),
  inconclusive: scenario('ddw/query/late', { verdict: 'inconclusive', reason: 'no answer within 2 s' }),
  crashed: scenario('ddw/create/abort', { verdict: 'crashed', departures: [{ ...DEPARTURE, observed: 'crashed: assertion\u0007 failed' }] }),
} as const;

/** A scenario that shows a cell of the table of states. */
export const CELL: ScenarioRecord = scenario('eeh/vfio/cell/stopped/unfreeze-dma', {
  verdict: 'conforms',
  cell: { door: 'vfio:powernv', operation: 'unfreeze-dma', state: 'stopped', allowed: ['0 → mmio-stopped (5)', '-EIO → stopped (2)'], did: '0 → 5' },
});

export function runRecord(scenarios: readonly ScenarioRecord[] = Object.values(SCENARIOS)): RunRecord {
  return {
    schema: 'papr-conformance/run/1',
    suiteVersion: '0.1.0',
    target: { name: 'qemu-papr', fingerprint: 'pseries qemu-7.2.22', capabilities: ['papr', 'ddw'] },
    profile: 'lopar',
    startedAt: '2026-11-21T10:00:00.000Z',
    complete: true,
    totals: countVerdicts(scenarios),
    scenarios,
  };
}
