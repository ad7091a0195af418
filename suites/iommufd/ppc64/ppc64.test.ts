import { describe, expect, it, test } from '@jest/globals';
import { LINUX_PSERIES_PLANNED } from '../../../adapters/model/machines.js';
import { ModelTarget } from '../../../adapters/model/model-target.js';
import { KnownDepartures } from '../../../harness/known.js';
import { withProfile } from '../../../harness/profiled-target.js';
import { judgeTrace } from '../../../harness/oracle.js';
import { qualify } from '../../../harness/qualify.js';
import { takeChoices } from '../../../reference/mutants/mutant.js';
import { LINUX_IOMMUFD_PPC64_MUTANTS } from '../../../reference/mutants/linux-iommufd-ppc64.js';
import { PROFILES } from '../../../reference/profiles.js';
import { REFERENCE_RULES } from '../../../reference/rule-book.js';
import { STANDINGS, type RuleBook } from '../../../reference/rules.js';
import type { Verdict } from '../../../reports/run-record.js';
import type { Scenario } from '../../../harness/scenario.js';
import { scenarios as beside } from './beside.js';
import { scenarios as nesting } from '../../nesting/index.js';
import { scenarios as ppc64 } from './index.js';

const all = [...ppc64, ...nesting];

/** What the scenarios come to on a system with these rules, judged by a profile. */
async function verdicts(profileName: string, rules: RuleBook = REFERENCE_RULES, scenarios: readonly Scenario[] = all): Promise<Map<string, Verdict>> {
  const profile = PROFILES.find(({ name }) => name === profileName)!;
  const target = withProfile(new ModelTarget(rules), profile);
  const known = new KnownDepartures(profile.rules, { system: '', choices: {}, entries: [] }, { version: '0' }, profile.counts);
  const found = new Map<string, Verdict>();
  for (const scenario of scenarios) found.set(scenario.id, (await qualify(scenario, { target, known, destructive: false })).record.verdict);
  return found;
}

describe('the scenarios of the plan for POWER', () => {
  it('conform on the model as planned', async () => {
    expect(new Set((await verdicts('ppc64-target')).values())).toEqual(new Set(['conforms']));
  });

  it('are skipped where the kernel is Linux 7.2, but for those on what it answers', async () => {
    const found = await verdicts('linux-7.2');
    expect(new Set(found.values())).toEqual(new Set(['conforms', 'skipped']));
    expect([...found].filter(([, verdict]) => verdict === 'conforms').map(([id]) => id)).toEqual(all.filter(({ tentative }) => tentative !== true).map(({ id }) => id));
  });
});

describe('a kernel whose page tables have windows of their own', () => {
  const rules = takeChoices(REFERENCE_RULES, { I30: 'goes on' });

  it('is followed: what both windows have is reached, and nothing is left of the one that goes', async () => {
    expect([...(await verdicts('ppc64-target', rules, beside)).values()]).toEqual(['conforms', 'conforms']);
  });

  it('is told where the second window is not in force', () => {
    const { program } = beside[0]!;
    const target = new ModelTarget(rules);
    const trace = target.runNow(program, LINUX_PSERIES_PLANNED);
    const loads = program.operations.flatMap((operation, i) => (operation.op === 'load' && operation.door === 'user' && operation.length === 16 ? [i] : []));
    const seen = trace.observations[loads[1]!];
    expect(seen).toEqual({ kind: 'bytes', bytes: new Uint8Array(16).fill(0x63) });
    const lost = { ...trace, observations: trace.observations.map((observation, i) => (i === loads[1] ? { kind: 'bytes' as const, bytes: new Uint8Array(16) } : observation)) };
    expect(judgeTrace(lost, LINUX_PSERIES_PLANNED, REFERENCE_RULES, STANDINGS).departures.map(({ step }) => step)).toEqual([loads[1]]);
  });
});

/** The first scenario that a system with these rules departs from, by whatever clause. */
function catching(rules: RuleBook): (typeof all)[number] | undefined {
  const target = new ModelTarget(rules);
  return all.find(({ requires, program }) => {
    const variant = target.variants.find(({ capabilities }) => requires.every((capability) => capabilities.has(capability)))!;
    return judgeTrace(target.runNow(program, variant.machine), variant.machine, REFERENCE_RULES, STANDINGS).departures.length > 0;
  });
}

describe('a kernel as planned, with a fault', () => {
  test.each(LINUX_IOMMUFD_PPC64_MUTANTS.map((mutant) => [mutant.id, mutant] as const))('%s is caught where the profile asks, and informs elsewhere', async (_, mutant) => {
    const rules = mutant.change(REFERENCE_RULES);
    const caught = catching(rules);
    expect(caught).toBeDefined();
    expect([...(await verdicts('ppc64-target', rules, [caught!])).values()]).toEqual(['departs']);
    expect([...(await verdicts('lopar', rules, [caught!])).values()]).toEqual(['tentative']);
  });
});
