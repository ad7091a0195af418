/** What came of decoding bytes that somebody else wrote: a value, or the first thing that is wrong with them. */
export type Decoded<T, Problem = string> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problem: Problem };

export const decoded = <T>(value: T): { readonly ok: true; readonly value: T } => ({ ok: true, value });
export const malformed = <Problem = string>(problem: Problem): { readonly ok: false; readonly problem: Problem } => ({
  ok: false,
  problem,
});
