/** Waiting with a deadline. */

import { setTimeout as sleep } from 'node:timers/promises';

const INTERVAL_MS = 25;

/**
 * Asks again and again until there is an answer.
 *
 * @param ask undefined: not yet
 * @returns undefined when the time is over
 */
export async function waitFor<T>(timeoutMs: number, ask: () => T | undefined | Promise<T | undefined>): Promise<T | undefined> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined || performance.now() > end) return answer;
    await sleep(INTERVAL_MS);
  }
}
