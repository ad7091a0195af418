import { UsageError } from '../../adapters/target.js';

/** `*` stands for anything within a path segment, `**` for anything at all. */
function globExpression(glob: string): RegExp {
  const escaped = glob.replace(/[.+^${}()|[\]\\]/g, '\\$&');
  const body = escaped.replace(/\*\*|\*|\?/g, (wild) => (wild === '**' ? '.*' : wild === '*' ? '[^/]*' : '[^/]'));
  return new RegExp(`^${body}(/.*)?$`);
}

/** The scenarios whose ids match one of the globs; a glob also selects everything below it. @throws UsageError */
export function selectScenarios<T extends { readonly id: string }>(all: readonly T[], globs: readonly string[] = []): readonly T[] {
  if (globs.length === 0) return all;
  const chosen = new Set<T>();
  for (const glob of globs) {
    const expression = globExpression(glob);
    const matching = all.filter(({ id }) => expression.test(id));
    if (matching.length === 0) {
      const suites = [...new Set(all.map(({ id }) => id.split('/')[0]))].join(', ');
      throw new UsageError(`Expected --suite to match a scenario id; '${glob}' matches none. The suites are ${suites}; ids: 'papr-conformance list'.`);
    }
    matching.forEach((scenario) => chosen.add(scenario));
  }
  return all.filter((scenario) => chosen.has(scenario));
}
