import { join } from 'node:path';
import { existsSync } from 'node:fs';
import { UsageError, type Target } from '../adapters/target.js';
import { REFERENCE_RULES } from '../reference/rule-book.js';
import { PROFILES, type Profile } from '../reference/profiles.js';
import { readLedger } from '../reports/ledger.js';
import { KnownDepartures } from './known.js';

/** The package's own directory: the compiled code lies in `dist`, the data beside it. */
export const PACKAGE_ROOT = join(__dirname, '..', '..');

/** Where the departure ledger is kept, or where the user says. @throws UsageError */
export function ledgerDirectory(given?: string): string {
  if (given === undefined) return join(PACKAGE_ROOT, 'reports', 'departures');
  if (existsSync(given)) return given;
  throw new UsageError(`Expected --ledger to be a directory of departure ledgers; '${given}' does not exist.`);
}

/**
 * What the target is judged by: the profile, and what the ledger knows of the target's system. A profile that is
 * already a platform's own way has no use for a ledger. The model's ledger, if a directory has one, is `model.yaml`.
 */
export function knownOf(target: Pick<Target, 'variants'>, profile: Profile = PROFILES[0]!, directory = ledgerDirectory()): KnownDepartures {
  const { system, name } = target.variants[0];
  const ledger = profile.rules === REFERENCE_RULES ? (system?.name ?? name) : undefined;
  return new KnownDepartures(profile.rules, readLedger(directory, ledger), system, profile.counts);
}
