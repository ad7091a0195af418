import { describe, expect, it } from '@jest/globals';
import { ModelTarget } from '../../adapters/model/model-target.js';
import { WRITTEN_MUTANTS } from '../../reference/mutants/index.js';
import { mutate } from '../../reference/mutants/mutant.js';
import { REFERENCE_RULES } from '../../reference/rule-book.js';
import { KnownDepartures } from '../known.js';
import { explore, type ExploreOptions } from './explore.js';

const NOTHING_KNOWN = new KnownDepartures(REFERENCE_RULES, { system: '', choices: {}, entries: [] }, { version: '0' });
const OPTIONS: ExploreOptions = { seed: 4, runs: 400, time: 60_000, length: 60, findings: 1 };
const quiet = { progress: () => undefined, finding: () => undefined, stopped: () => false };

const explored = (mutant?: string, runs = OPTIONS.runs) => {
  const rules = mutant === undefined ? REFERENCE_RULES : mutate(REFERENCE_RULES, [WRITTEN_MUTANTS.get(mutant)!]);
  return explore(new ModelTarget(rules), NOTHING_KNOWN, { ...OPTIONS, runs }, quiet);
};

describe('exploring', () => {
  it('finds nothing in the model', async () => {
    const { findings, progress } = await explored();
    expect(findings).toEqual([]);
    expect(progress.runs).toBe(400);
  });

  it.each([
    ['qemu/stuff-count', 'H_STUFF_TCE/count', 1],
    ['qemu/h-put-tce-unchecked-page', 'H_PUT_TCE/page', 1],
    ['qemu/indirect-multi-table', 'H_PUT_TCE_INDIRECT/multi-table-off', 1],
    ['qemu/overlapping-windows', 'ibm,create-pe-dma-window/start', 3],
  ])('finds %s and shrinks it to what shows it', async (mutant, clause, operations) => {
    const { findings } = await explored(mutant, 4000);
    expect(findings.map((finding) => finding.departure.clause)).toEqual([clause]);
    expect(findings[0]?.program.operations.length).toBeLessThanOrEqual(operations);
    expect(findings[0]?.unstable).toBe(false);
  });

  it('draws the same programs from the same seed', async () => {
    const [one, other] = [await explored('qemu/stuff-count'), await explored('qemu/stuff-count')];
    expect(one.findings).toEqual(other.findings);
  });
});
