/** Both ends belong to it. */
export interface Interval {
  readonly first: bigint;
  readonly last: bigint;
}

/*
 * Intervals of IOVAs that do not meet, in order: a balanced (AVL) tree. Each node knows what is free between the intervals of its
 * part, so that a hole is found without looking at every interval. That is worked out when a hole is looked for, for the nodes that
 * changed since: a program that says where it maps does not pay for it.
 */

interface Node<A extends Interval> {
  area: A;
  left: Node<A> | undefined;
  right: Node<A> | undefined;
  height: number;
  /** What is known of the part of the tree below; undefined since it changed. */
  span: Span | undefined;
}

/** Ends of a part of the tree, and the bytes of the largest hole within. */
interface Span extends Interval {
  readonly gap: bigint;
}

/** Whether something can be put into a hole: where, or undefined. */
export type Fit = (hole: Interval) => bigint | undefined;

export class AreaMap<A extends Interval> {
  #root: Node<A> | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Adds an area that meets no other. */
  add(area: A): void {
    this.#root = inserted(this.#root, area);
    this.#size += 1;
  }

  /** Takes an area away that is there. */
  delete(area: A): void {
    this.#root = removed(this.#root, area.first);
    this.#size -= 1;
  }

  /** The area that holds the IOVA. */
  at(iova: bigint): A | undefined {
    const found = this.firstIn({ first: iova, last: iova });
    return found;
  }

  /** The lowest area that meets the range. */
  firstIn({ first, last }: Interval): A | undefined {
    let best: A | undefined;
    for (let node = this.#root; node !== undefined; ) {
      if (node.area.last >= first) {
        best = node.area;
        node = node.left;
      } else node = node.right;
    }
    return best !== undefined && best.first <= last ? best : undefined;
  }

  /** Every area that meets the range, in ascending order. */
  *within(range: Interval): Generator<A, void, undefined> {
    yield* below(this.#root, range);
  }

  [Symbol.iterator](): Generator<A, void, undefined> {
    return this.within(EVERYTHING);
  }

  /** The first hole within a range, of at least so many bytes, that takes what `fit` puts there. */
  hole(range: Interval, least: bigint, fit: Fit): bigint | undefined {
    return search(this.#root, range, least, fit);
  }
}

/** All that 64 bits can name. */
export const EVERYTHING: Interval = { first: 0n, last: (1n << 64n) - 1n };

function* below<A extends Interval>(node: Node<A> | undefined, range: Interval): Generator<A, void, undefined> {
  if (node === undefined) return;
  const { area } = node;
  if (area.first > range.first) yield* below(node.left, range);
  if (area.last >= range.first && area.first <= range.last) yield area;
  if (area.last < range.last) yield* below(node.right, range);
}

const height = (node: Node<Interval> | undefined): number => (node === undefined ? 0 : node.height);

function inserted<A extends Interval>(node: Node<A> | undefined, area: A): Node<A> {
  if (node === undefined) return { area, left: undefined, right: undefined, height: 1, span: undefined };
  if (area.first < node.area.first) node.left = inserted(node.left, area);
  else node.right = inserted(node.right, area);
  return balanced(node);
}

function removed<A extends Interval>(node: Node<A> | undefined, first: bigint): Node<A> | undefined {
  if (node === undefined) return undefined;
  if (first < node.area.first) node.left = removed(node.left, first);
  else if (first > node.area.first) node.right = removed(node.right, first);
  else if (node.left === undefined) return node.right;
  else if (node.right === undefined) return node.left;
  else {
    let next = node.right;
    while (next.left !== undefined) next = next.left;
    node.area = next.area;
    node.right = removed(node.right, next.area.first);
  }
  return balanced(node);
}

/** The part of the tree with two sides that differ by one in height at most. What was known of it holds no more. */
function balanced<A extends Interval>(node: Node<A>): Node<A> {
  const lean = height(node.left) - height(node.right);
  if (lean > 1) {
    if (height(node.left!.left) < height(node.left!.right)) node.left = turnedLeft(node.left!);
    return turnedRight(node);
  }
  if (lean < -1) {
    if (height(node.right!.right) < height(node.right!.left)) node.right = turnedRight(node.right!);
    return turnedLeft(node);
  }
  return changed(node);
}

function changed<A extends Interval>(node: Node<A>): Node<A> {
  node.height = 1 + Math.max(height(node.left), height(node.right));
  node.span = undefined;
  return node;
}

function turnedRight<A extends Interval>(node: Node<A>): Node<A> {
  const top = node.left!;
  node.left = top.right;
  top.right = changed(node);
  return changed(top);
}

function turnedLeft<A extends Interval>(node: Node<A>): Node<A> {
  const top = node.right!;
  node.right = top.left;
  top.left = changed(node);
  return changed(top);
}

function spanOf<A extends Interval>(node: Node<A>): Span {
  if (node.span !== undefined) return node.span;
  const { area } = node;
  const [left, right] = [node.left && spanOf(node.left), node.right && spanOf(node.right)];
  const before = left === undefined ? 0n : largest(left.gap, area.first - left.last - 1n);
  const after = right === undefined ? 0n : largest(right.gap, right.first - area.last - 1n);
  node.span = { first: left?.first ?? area.first, last: right?.last ?? area.last, gap: largest(before, after) };
  return node.span;
}

const largest = (x: bigint, y: bigint): bigint => (x > y ? x : y);

/** The first hole of a range, of which `node` has all areas. */
function search<A extends Interval>(node: Node<A> | undefined, range: Interval, least: bigint, fit: Fit): bigint | undefined {
  if (range.first > range.last || range.last - range.first + 1n < least) return undefined;
  if (node === undefined) return fit(range);
  const span = spanOf(node);
  if (span.last < range.first || span.first > range.last) return fit(range);
  // Beside the areas and between them nothing is as large as it must be.
  const outside = largest(span.first - range.first, range.last - span.last);
  if (span.gap < least && outside < least) return undefined;
  const { area } = node;
  const left = search(node.left, { first: range.first, last: area.first - 1n < range.last ? area.first - 1n : range.last }, least, fit);
  return left ?? search(node.right, { first: largest(area.last + 1n, range.first), last: range.last }, least, fit);
}
