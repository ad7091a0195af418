import type { Target } from '../../adapters/target.js';
import { programFromJson } from '../../reference/doors/json.js';
import type { Profile } from '../../reference/profiles.js';
import { appliesTo, type Ledger, type LedgerEntry, type SystemVersion } from '../../reports/ledger.js';
import { fromOperations } from '../build/scenario-builder.js';
import { KnownDepartures } from '../known.js';
import { qualify } from '../qualify.js';

/** Whether an entry's program still shows what the entry says, and nothing else explains it. */
export interface EntryProof {
  readonly entry: LedgerEntry;
  /** Why the entry does not hold; undefined where it does. */
  readonly fault?: string;
}

/** Runs the minimal program of every entry for this version, with the whole ledger and without the entry. */
export async function* proveLedger(target: Target, ledger: Ledger, profile: Profile): AsyncGenerator<EntryProof> {
  const system = target.variants[0].system ?? { version: '0' };
  for (const entry of ledger.entries.filter((candidate) => appliesTo(candidate, system))) {
    const fault = await prove(target, ledger, entry, profile, system);
    yield fault === undefined ? { entry } : { entry, fault };
  }
}

async function prove(target: Target, ledger: Ledger, entry: LedgerEntry, profile: Profile, system: SystemVersion): Promise<string | undefined> {
  const { operations } = programFromJson(entry.program);
  const scenario = fromOperations({ id: `ledger/${entry.id}`, title: entry.title, clauses: entry.clauses }, operations);
  const verdict = async (entries: readonly LedgerEntry[]): Promise<string> => {
    const known = new KnownDepartures(profile.rules, { ...ledger, entries: [...entries] }, system);
    const { record } = await qualify(scenario, { target, known, destructive: true, sensitive: true });
    await target.renew();
    return record.ledger?.includes(entry.id) === true || record.verdict !== 'known' ? record.verdict : 'known without it';
  };
  const whole = await verdict(ledger.entries);
  if (whole !== 'known') return `its program should be known; it is: ${whole}`;
  const without = await verdict(ledger.entries.filter((other) => other !== entry));
  return without === 'departs' || without === 'crashed' ? undefined : `without it its program should depart; it is: ${without}`;
}

/** One line an entry. */
export const proofText = ({ entry, fault }: EntryProof): string =>
  fault === undefined ? `proved  ${entry.id}  ${entry.title}` : `FAULTY  ${entry.id}  ${entry.title}: ${fault}`;
