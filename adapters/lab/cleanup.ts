/** What must be undone however this process ends: an orderly end, an exception, Ctrl-C, a signal. */

const pending = new Set<() => void>();
let watching = false;

/**
 * Calls `undo` when this process ends, unless the returned function is called before. `undo` must be synchronous and must
 * not throw. A process that is killed with SIGKILL undoes nothing: what may be left then must be recognisable as such.
 */
export function atEnd(undo: () => void): () => void {
  watch();
  pending.add(undo);
  return () => pending.delete(undo);
}

function watch(): void {
  if (watching) return;
  watching = true;
  process.on('exit', undoAll);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      undoAll();
      // Somebody else's handler decides what the signal means; without one it keeps its usual effect.
      if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
    });
  }
}

function undoAll(): void {
  for (const undo of [...pending].reverse()) undo();
  pending.clear();
}
