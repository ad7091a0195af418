/** How an exchange with a machine can end. */

/** How QEMU ended. */
export interface MachineDeath {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Its standard error; of more than 4 KiB the beginning and the end. */
  readonly stderr: string;
}

/** The machine was lost in a batch; `slot` is the index of the slot that was in execution. */
export type MachineLost =
  | ({ readonly kind: 'crashed'; readonly slot: number } & MachineDeath)
  /** No slot was finished for `waitedMs`. The machine has been killed. */
  | { readonly kind: 'hung'; readonly slot: number; readonly waitedMs: number }
  /** The slot reset the machine, which waits for the next batch with its windows as at boot. */
  | { readonly kind: 'rebooted'; readonly slot: number };

/** How an exchange ended. In every case the batch holds the results of the slots that were executed. */
export type Outcome = { readonly kind: 'done' } | MachineLost;

/** One line for an error message. */
export function describeDeath({ exitCode, signal, stderr }: MachineDeath): string {
  const how = signal === null ? `exit status ${exitCode}` : `signal ${signal}`;
  return `it end with ${how}${stderr === '' ? '' : `: ${stderr.trim().split('\n').join(' | ')}`}`;
}
