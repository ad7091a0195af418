/** Exit status of a process that a signal ended, as shells count. */
const STATUS = { SIGINT: 130, SIGTERM: 143 } as const;

/**
 * Calls `first` on the first Ctrl-C (or SIGTERM); the second ends the process at once.
 * @returns stops listening
 */
export function onInterruption(first: () => void): () => void {
  let interrupted = false;
  const listen = (signal: 'SIGINT' | 'SIGTERM'): void => {
    if (interrupted) process.exit(STATUS[signal]);
    interrupted = true;
    first();
  };
  process.on('SIGINT', listen);
  process.on('SIGTERM', listen);
  return () => {
    process.off('SIGINT', listen);
    process.off('SIGTERM', listen);
  };
}
