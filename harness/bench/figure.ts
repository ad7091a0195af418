/** One measured figure, beside the least it must be (or most) and beside something measured in the same run. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** What was asked for; undefined where nothing was. */
  readonly goal?: { readonly atLeast: number } | { readonly atMost: number };
  /** The same work in its simplest form, measured beside it. */
  readonly beside?: { readonly what: string; readonly value: number };
}

/** Best of several timings of `work`, which does `count` things: things per second. */
export function rate(count: number, work: () => void, repeats = 5): number {
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < repeats; i++) {
    const started = performance.now();
    work();
    best = Math.min(best, performance.now() - started);
  }
  return (count / best) * 1000;
}

/** The same of several works, each of which goes on where the one before left off. */
export function rates(count: number, ...works: readonly (() => void)[]): number[] {
  const best = works.map(() => Number.POSITIVE_INFINITY);
  for (let round = 0; round < 3; round++) {
    for (const [i, work] of works.entries()) {
      const started = performance.now();
      work();
      best[i] = Math.min(best[i]!, performance.now() - started);
    }
  }
  return best.map((time) => (count / time) * 1000);
}

/** True where the figure is what was asked for. */
export function meets({ value, goal }: Figure): boolean {
  if (goal === undefined) return true;
  return 'atLeast' in goal ? value >= goal.atLeast : value <= goal.atMost;
}

/** One line: the figure, the goal, and the ratio to what was measured beside it. */
export function figureText(figure: Figure): string {
  const { name, value, unit, goal, beside } = figure;
  const asked = goal === undefined ? '' : 'atLeast' in goal ? `  (goal ≥ ${show(goal.atLeast)})` : `  (goal ≤ ${show(goal.atMost)})`;
  const ratio = beside === undefined ? '' : `  ${(value / beside.value).toPrecision(2)} × ${beside.what} (${show(beside.value)})`;
  return `${meets(figure) ? ' ' : '!'} ${name}: ${show(value)} ${unit}${asked}${ratio}`;
}

const show = (value: number): string => (value >= 1000 ? Math.round(value).toLocaleString('en') : value.toPrecision(3));
