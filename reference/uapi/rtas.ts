/**
 * RTAS calls, by their device-tree names, with the /rtas property that carries the token.
 * The reset call is `…windows` in LoPAR's text and `…window` in every firmware seen. Source: LoPAR "DDW Option Extensions";
 * Linux kernel/rtas.c.
 */
export const RTAS_CALLS = [
  'ibm,query-pe-dma-window',
  'ibm,create-pe-dma-window',
  'ibm,remove-pe-dma-window',
  'ibm,reset-pe-dma-window',
] as const;

export type RtasName = (typeof RTAS_CALLS)[number];

/** RTAS status words (first result cell, signed). Source: LoPAR per-call tables; Linux asm/rtas.h. */
export const RTAS = {
  SUCCESS: 0,
  HARDWARE_ERROR: -1,
  BUSY: -2,
  PARAMETER_ERROR: -3,
  /** Extended delay: wait 10^x ms with 9900 + x, x = 0..5. */
  EXTENDED_DELAY_MIN: 9900,
  EXTENDED_DELAY_MAX: 9905,
} as const;

const names = new Map<number, string>([
  [0, 'success'],
  [-1, 'hardware error'],
  [-2, 'busy'],
  [-3, 'parameter error'],
]);

/** `parameter error (-3)`, `extended delay 9901`, or the bare number. */
export function rtasStatusName(status: number): string {
  if (status >= RTAS.EXTENDED_DELAY_MIN && status <= RTAS.EXTENDED_DELAY_MAX) return `extended delay ${status}`;
  const name = names.get(status);
  return name === undefined ? String(status) : `${name} (${status})`;
}

/** The status cell as the signed number it is. */
export const rtasStatus = (cell: number): number => cell | 0;
