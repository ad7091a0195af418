import { REFERENCE_RULES } from './rule-book.js';
import { EEH_CLAUSES } from './eeh/clauses.js';
import { EVENT_CLAUSES } from './eeh/events.js';
import { EEH_HOST_CLAUSES } from './vfio/eeh-host.js';
import { HOST_CLAUSES } from './vfio/host-operations.js';
import { DOMAIN_CLAUSES } from './iommufd/domain-access.js';
import { HANDED_CLAUSE } from './papr/handed.js';
import { PROPERTY_CLAUSES } from './papr/properties.js';
import type { AnyCall, Clause, Guard } from './rules.js';

/** Clauses on which every door rests, apart from any call. */
const GENERAL: readonly Clause[] = [
  {
    id: 'memory/contents',
    text: 'Memory holds what the partition and its devices, as far as they are permitted, stored last.',
    source: 'LoPAR 2.9, ch_address_map, R2-76588 and TCE Definition',
    status: 'architecture',
    level: 'must',
  },
  {
    id: 'platform/alive',
    text: 'No call of a partition ends the platform or the partition.',
    source: 'LoPAR 2.9, Partitioning, isolation of partitions',
    status: 'architecture',
    level: 'must',
  },
  {
    id: 'user/memory',
    text: 'A user program gets, keeps and gives back memory as POSIX says.',
    source: 'POSIX mmap, munmap',
    status: 'merged',
    level: 'must',
  },
];

/** The clause catalogue: derived from the rule tables, not kept beside them. In the order of the tables. */
export function allClauses(): Clause[] {
  const others = [...PROPERTY_CLAUSES, ...HOST_CLAUSES, ...DOMAIN_CLAUSES, ...EEH_CLAUSES, ...EEH_HOST_CLAUSES, ...EVENT_CLAUSES, HANDED_CLAUSE, ...GENERAL];
  return unique([...[...REFERENCE_RULES.values()].flatMap(callClauses), ...others]);
}

/** A call whose last check always decides names the clause twice. */
const unique = (clauses: readonly Clause[]): Clause[] => [...new Map(clauses.map((clause) => [clause.id, clause])).values()];

/** The clauses of one call: its guards in order, then its effect. */
export const callClauses = (call: AnyCall): Clause[] => [
  ...(call.guards as readonly Guard<unknown>[]).map(plainClause),
  ...call.effect.clauses.map(plainClause),
];

const plainClause = ({ id, text, source, status, level }: Clause): Clause => ({ id, text, source, status, level });

const byId = new Map(allClauses().map((clause) => [clause.id, clause]));

/** The clause with that id. */
export function findClause(id: string): Clause | undefined {
  return byId.get(id);
}
