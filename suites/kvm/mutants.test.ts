import { describe, expect, it } from '@jest/globals';
import { ModelTarget } from '../../adapters/model/model-target.js';
import { judgeTrace } from '../../harness/oracle.js';
import { LINUX_KVM_MUTANTS } from '../../reference/mutants/linux-kvm.js';
import { REFERENCE_RULES } from '../../reference/rule-book.js';
import type { RuleBook } from '../../reference/rules.js';
import { scenarios } from './index.js';

/** The scenarios of these clauses in which a system with these rules departs. */
function catching(rules: RuleBook, clauses: readonly string[]): string[] {
  const target = new ModelTarget(rules);
  const concerned = scenarios.filter(({ clauses: verified }) => clauses.some((clause) => verified.includes(clause)));
  return concerned
    .filter(({ requires, program }) => {
      const variant = target.variants.find(({ capabilities }) => requires.every((capability) => capabilities.has(capability)));
      return variant !== undefined && judgeTrace(target.runNow(program, variant.machine), variant.machine, REFERENCE_RULES).departures.length > 0;
    })
    .map(({ id }) => id);
}

/** They show in the kernel log, or in a race: the model has neither. */
const NOT_IN_THE_MODEL = ['linux-kvm/never-attached-warns', 'linux-kvm/attach-closing-table'];

describe('a fault of the TCE tables of KVM', () => {
  it.each(LINUX_KVM_MUTANTS.filter(({ id }) => !NOT_IN_THE_MODEL.includes(id)))('$id shows in a scenario of a clause that it breaks', ({ change, clauses }) => {
    expect(catching(change(REFERENCE_RULES), clauses)).not.toEqual([]);
  });

  it.each(LINUX_KVM_MUTANTS)('$id explains what it does itself', ({ change, clauses }) => {
    const rules = change(REFERENCE_RULES);
    const target = new ModelTarget(rules);
    const concerned = scenarios.filter(({ clauses: verified }) => clauses.some((clause) => verified.includes(clause)));
    const unexplained = concerned.filter(({ requires, program }) => {
      const variant = target.variants.find(({ capabilities }) => requires.every((capability) => capabilities.has(capability)));
      return variant !== undefined && judgeTrace(target.runNow(program, variant.machine), variant.machine, rules).departures.length > 0;
    });
    expect(unexplained.map(({ id }) => id)).toEqual([]);
  });

  it('is none of the reference', () => {
    expect(catching(REFERENCE_RULES, LINUX_KVM_MUTANTS.flatMap(({ clauses }) => clauses))).toEqual([]);
  });
});
