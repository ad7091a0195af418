import type { MachineDescription } from '../reference/description.js';
import type { Trace } from '../reference/doors/observation.js';
import type { Operation, Program } from '../reference/doors/operations.js';
import { referredNames } from '../reference/doors/terms.js';
import { Model } from '../reference/model.js';
import { WRITTEN_MUTANTS } from '../reference/mutants/index.js';
import { mutate, takeChoices, type Mutant } from '../reference/mutants/mutant.js';
import { SETTLED, STANDINGS, type RuleBook, type Standing } from '../reference/rules.js';
import { appliesTo, BrokenLedger, type Ledger, type LedgerEntry, type SystemVersion } from '../reports/ledger.js';
import { conforms, judgeTrace, type TraceJudgement } from './oracle.js';

/** Of the model, or of a system that no ledger knows. */
const UNKNOWN_VERSION: SystemVersion = { version: '0' };

interface Known {
  readonly entry: LedgerEntry;
  readonly mutant: Mutant;
}

/**
 * What is known of a system: the specification with the faults that the ledger lists for its version. A departure is
 * known only where those faults explain the whole trace, step by step.
 */
export class KnownDepartures {
  readonly #known: readonly Known[];
  readonly #choices: Ledger['choices'];
  /** The specification with every known fault. */
  readonly rules: RuleBook;

  constructor(
    readonly specification: RuleBook,
    { entries, choices }: Ledger,
    system: SystemVersion = UNKNOWN_VERSION,
    /** The standings of clauses whose departures count. */
    readonly counts: readonly Standing[] = SETTLED,
  ) {
    this.#choices = choices;
    this.#known = entries.filter((entry) => appliesTo(entry, system)).map((entry) => ({ entry, mutant: mutantOf(entry) }));
    this.rules = this.#rulesWith(this.#known);
  }

  get entries(): readonly LedgerEntry[] {
    return this.#known.map(({ entry }) => entry);
  }

  /** Those of the entries that are marked sensitive. */
  sensitive(ids: readonly string[]): string[] {
    return this.entries.filter(({ id, sensitive }) => sensitive === true && ids.includes(id)).map(({ id }) => id);
  }

  /**
   * Entries that explain the trace, and no more of them than it takes: of two that explain the same, the earlier one. Empty if some
   * departure is unexplained anyway.
   */
  needed(trace: Trace, machine: MachineDescription): string[] {
    if (!conforms(this.judge(trace, machine))) return [];
    return this.#known
      .reduceRight((kept, entry) => {
        const others = kept.filter((other) => other !== entry);
        return conforms(this.#judge(trace, machine, this.#rulesWith(others))) ? others : kept;
      }, this.#known)
      .map(({ entry }) => entry.id);
  }

  /**
   * The trace against what is known of the system; where that is wrong about a choice that the specification leaves
   * open, against the specification.
   */
  explain(trace: Trace, machine: MachineDescription): TraceJudgement {
    const explained = this.judge(trace, machine);
    if (conforms(explained)) return explained;
    const specified = this.#judge(trace, machine, this.specification);
    return conforms(specified) ? specified : explained;
  }

  /** The trace against the specification with every known fault. */
  judge(trace: Trace, machine: MachineDescription): TraceJudgement {
    return this.#judge(trace, machine, this.rules);
  }

  /**
   * Diagnosis by re-simulation: known faults of the stack, each alone, that explain the whole trace. In words, with the
   * commit that mends it where there is one.
   */
  diagnose(trace: Trace, machine: MachineDescription): string[] {
    const behavesLike = [...WRITTEN_MUTANTS.values()].filter((mutant) => this.#explainedBy(mutant, trace, machine));
    return behavesLike.map(({ id, title, fix }) => `${id} (${title}${fix === undefined ? '' : `; mended by ${fix}`})`);
  }

  #explainedBy(mutant: Mutant, trace: Trace, machine: MachineDescription): boolean {
    if (this.#known.some((known) => known.mutant === mutant)) return false;
    const rules = changed(this.rules, mutant);
    return rules !== undefined && conforms(judgeTrace(trace, machine, rules, STANDINGS));
  }

  /** The program without the operations with which a known fault leaves a scar, and without what refers to those. */
  withoutScars({ operations }: Program, machine: MachineDescription): Program {
    let model = new Model(machine, this.rules);
    const [kept, left]: [Operation[], Set<string>] = [[], new Set()];
    for (const operation of operations) {
      const dangles = referredNames(operation).some((name) => left.has(name));
      if (!dangles) model.answer(operation);
      if (!dangles && model.machine.scars.size === 0) {
        kept.push(operation);
        continue;
      }
      if (operation.as !== undefined) left.add(operation.as);
      if (dangles) continue;
      model = new Model(machine, this.rules);
      for (const before of kept) model.answer(before);
    }
    return { operations: kept };
  }

  /** Entries that a conforming trace contradicts: with that fault the system would have answered otherwise. */
  contradicted(trace: Trace, machine: MachineDescription): string[] {
    return this.#known
      .filter(({ mutant }) => !conforms(this.#judge(trace, machine, mutant.change(this.specification))))
      .map(({ entry }) => entry.id);
  }

  #judge(trace: Trace, machine: MachineDescription, rules: RuleBook): TraceJudgement {
    return judgeTrace(trace, machine, rules, this.counts);
  }

  #rulesWith(known: readonly Known[]): RuleBook {
    return takeChoices(mutate(this.specification, known.map(({ mutant }) => mutant)), this.#choices);
  }
}

/** The rules with a fault; undefined where a profile has no such rule any more, as it has the fault already. */
function changed(rules: RuleBook, mutant: Mutant): RuleBook | undefined {
  try {
    return mutant.change(rules);
  } catch {
    return undefined;
  }
}

function mutantOf(entry: LedgerEntry): Mutant {
  const mutant = WRITTEN_MUTANTS.get(entry.mutant);
  if (mutant === undefined) {
    throw new BrokenLedger(`Ledger entry ${entry.id} names the mutant '${entry.mutant}', which the reference does not have.`);
  }
  return mutant;
}
