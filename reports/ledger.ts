import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';

/** One thing that a real system does and the specification does not allow. */
const entrySchema = z.strictObject({
  /** `Q01`; never reused. */
  id: z.string().regex(/^[A-Z]\d{2,}$/),
  title: z.string(),
  clauses: z.array(z.string()).min(1),
  /** The historic mutant of the reference that behaves the same. */
  mutant: z.string(),
  /** Seen in these versions: `from` and `to` inclusive, as `major.minor`. */
  versions: z.strictObject({ from: z.string(), to: z.string() }),
  /** Platforms on which it was seen; all if left out. */
  platforms: z.array(z.string()).min(1).optional(),
  firstSeen: z.string(),
  /** What a guest can do with it. */
  consequence: z.string(),
  evidence: z.string(),
  upstream: z.string(),
  /** A user or guest could harm the host: stays out of published reports. */
  sensitive: z.boolean().optional(),
  /** The minimal program, as `replay` takes it. */
  program: z.strictObject({ schema: z.string(), operations: z.array(z.record(z.string(), z.unknown())).min(1) }),
});

const fileSchema = z.strictObject({
  system: z.string(),
  /** What the system does where the specification leaves a choice (`reference/choices.ts`): it refuses, or it goes on. */
  choices: z.record(z.string(), z.enum(['refuses', 'goes on'])),
  entries: z.array(entrySchema),
});

export type Ledger = z.infer<typeof fileSchema>;

const NOTHING_KNOWN: Ledger = { system: '', choices: {}, entries: [] };

export type LedgerEntry = z.infer<typeof entrySchema>;

/** A ledger file that is not one. */
export class BrokenLedger extends Error {}

/** A system's ledger (`<directory>/<system>.yaml`); an empty one where there is no file. @throws BrokenLedger */
export function readLedger(directory: string, system: string | undefined): Ledger {
  if (system === undefined) return NOTHING_KNOWN;
  const file = join(directory, `${system}.yaml`);
  if (!existsSync(file)) return NOTHING_KNOWN;
  const parsed = fileSchema.safeParse(parse(readFileSync(file, 'utf8')));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new BrokenLedger(`${file}: expected a departure ledger; ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`);
}

/** What of a system under test decides which entries it has. */
export interface SystemVersion {
  /** `7.2.22`. */
  readonly version: string;
  readonly platform?: string;
}

/** The entry lists this version, and this platform. */
export function appliesTo(entry: LedgerEntry, { version, platform }: SystemVersion): boolean {
  if (platform !== undefined && entry.platforms?.includes(platform) === false) return false;
  return compareVersions(version, entry.versions.from) >= 0 && compareVersions(version, entry.versions.to) <= 0;
}

/** Compares as many parts as `b` has: `7.2.22` is `7.2`. */
function compareVersions(a: string, b: string): number {
  const [left, right] = [a.split('.').map(Number), b.split('.').map(Number)];
  for (const [i, part] of right.entries()) {
    const difference = (left[i] ?? 0) - part;
    if (difference !== 0) return difference;
  }
  return 0;
}
