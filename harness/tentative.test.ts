import { describe, expect, it } from '@jest/globals';
import { ModelTarget } from '../adapters/model/model-target.js';
import { refuseWith } from '../reference/mutants/mutant.js';
import { REFERENCE_RULES } from '../reference/rule-book.js';
import { STANDINGS, type Standing } from '../reference/rules.js';
import { countVerdicts, exitStatus } from '../reports/run-record.js';
import { scenario } from './build/scenario-builder.js';
import { KnownDepartures } from './known.js';
import { qualify } from './qualify.js';
import type { Scenario } from './scenario.js';

const known = (counts?: readonly Standing[]) =>
  new KnownDepartures(REFERENCE_RULES, { system: '', choices: {}, entries: [] }, { version: '0' }, counts);

const record = async (system: ModelTarget, what: Scenario, by: KnownDepartures) => (await qualify(what, { target: system, known: by, destructive: false })).record;

/** A clause that nobody has decided, and a system that does otherwise. */
const OPEN = 'ibm,query-pe-dma-window/cells';
const undecided = scenario({ id: 'x/open', title: '', clauses: [] }, (p) =>
  p.do({ door: 'papr', op: 'rtas', call: 'ibm,query-pe-dma-window', args: [], nret: 5 }),
);

/** A clause that is decided. */
const decided = (tentative?: true): Scenario =>
  scenario({ id: 'x/decided', title: '', clauses: [], ...(tentative && { tentative }) }, (p) => p.stuff(p.defaultWindow(), 0n, 0n, 513n));

const otherwise = new ModelTarget(refuseWith(REFERENCE_RULES, 'H_STUFF_TCE/count', -75));

describe('a departure from a clause that is only proposed or open', () => {
  const differs = new ModelTarget(refuseWith(REFERENCE_RULES, OPEN, -1));

  it('informs: the clause, what was seen, its standing', async () => {
    const found = await record(differs, undecided, known());
    expect(found).toMatchObject({ verdict: 'tentative', departures: [{ clause: OPEN, step: 0 }] });
    expect(found.reason).toContain(`${OPEN} is open`);
    expect(exitStatus(countVerdicts([found]))).toBe(0);
  });

  it('counts where the profile counts it', async () => {
    const found = await record(differs, undecided, known(STANDINGS));
    expect(found.verdict).toBe('departs');
    expect(exitStatus(countVerdicts([found]))).toBe(1);
  });
});

describe('a tentative scenario', () => {
  it('fails nothing, whatever the clause', async () => {
    expect(await record(otherwise, decided(true), known())).toMatchObject({ verdict: 'tentative', departures: [{ clause: 'H_STUFF_TCE/count' }] });
    expect((await record(otherwise, decided(), known())).verdict).toBe('departs');
  });

  it('fails where the profile counts what is proposed', async () => {
    expect((await record(otherwise, decided(true), known(STANDINGS))).verdict).toBe('departs');
  });

  it('conforms where nothing departs', async () => {
    expect((await record(new ModelTarget(), decided(true), known())).verdict).toBe('conforms');
  });

  it('does not excuse a system that dies', async () => {
    const dying = new ModelTarget(refuseWith(REFERENCE_RULES, 'H_STUFF_TCE/count', 'crash'));
    expect((await record(dying, decided(true), known())).verdict).toBe('crashed');
  });
});
