import type { ProgramBuilder, WindowHandle } from '../../harness/build/program-builder.js';
import { plus } from '../../reference/doors/term.js';

/** The windows of a PE that exist, as the caller knows them. */
export interface Windows {
  readonly default?: WindowHandle;
  readonly first?: WindowHandle;
  readonly second?: WindowHandle;
}

/** A combination of windows, and how a well-behaved caller comes to it. */
export interface WindowState {
  readonly name: string;
  /** Follows "with". */
  readonly text: string;
  readonly reach: (p: ProgramBuilder, pe?: string) => Windows;
}

/** log2 of the sizes of the created windows: 256 MiB. */
export const WINDOW_SHIFT = 28;

/** Every combination of windows that a PE with two of them can have. */
export const WINDOW_STATES: readonly WindowState[] = [
  { name: 'default', text: 'the default window alone', reach: (p, pe = 'pe0') => ({ default: p.defaultWindow(pe) }) },
  {
    name: 'default-and-created',
    text: 'the default window and a created one',
    reach: (p, pe = 'pe0') => ({ default: p.defaultWindow(pe), first: p.create(16, WINDOW_SHIFT, pe) }),
  },
  {
    name: 'none',
    text: 'no window, the default removed',
    reach(p, pe = 'pe0') {
      p.remove(p.defaultWindow(pe));
      return {};
    },
  },
  {
    name: 'created',
    text: 'a created window in place of the default',
    reach(p, pe = 'pe0') {
      p.remove(p.defaultWindow(pe));
      return { first: p.create(16, WINDOW_SHIFT, pe) };
    },
  },
  {
    name: 'two-created',
    text: 'two created windows in place of the default',
    reach(p, pe = 'pe0') {
      p.remove(p.defaultWindow(pe));
      return { first: p.create(16, WINDOW_SHIFT, pe), second: p.create(12, WINDOW_SHIFT, pe) };
    },
  },
  {
    name: 'default-removed-last',
    text: 'a created window that was there before the default was removed',
    reach(p, pe = 'pe0') {
      const first = p.create(16, WINDOW_SHIFT, pe);
      p.remove(p.defaultWindow(pe));
      return { first };
    },
  },
  {
    name: 'restored',
    text: 'the default window restored by removing the last other one',
    reach(p, pe = 'pe0') {
      const first = p.create(16, WINDOW_SHIFT, pe);
      p.remove(p.defaultWindow(pe)).remove(first);
      return { default: p.defaultWindow(pe) };
    },
  },
];

/** The windows as a list, in the order default, first, second. */
export const listed = (windows: Windows): WindowHandle[] =>
  [windows.default, windows.first, windows.second].filter((window): window is WindowHandle => window !== undefined);

/** Reads the first and the last entry of a window, and asks for the one after the last. */
export function readEdges(p: ProgramBuilder, window: WindowHandle): void {
  const page = 1n << BigInt(window.pageShift);
  p.get(window, 0n).hcall('H_GET_TCE', window.liobn, plus(window.end, -page)).hcall('H_GET_TCE', window.liobn, window.end);
}

/** Shows that the window's edges are where they should be, by writing there, and clears them again. */
export function useEdges(p: ProgramBuilder, window: WindowHandle, entry: bigint): void {
  const page = 1n << BigInt(window.pageShift);
  for (const value of [entry, 0n]) {
    p.put(window, 0n, value).put(window, page, value);
    p.hcall('H_PUT_TCE', window.liobn, plus(window.end, -page), value).hcall('H_PUT_TCE', window.liobn, window.end, value);
    p.hcall('H_PUT_TCE', window.liobn, plus(window.start, -page), value);
  }
}
