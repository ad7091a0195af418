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
  'ibm,set-eeh-option',
  'ibm,get-config-addr-info2',
  'ibm,read-slot-reset-state2',
  'ibm,set-slot-reset',
  'ibm,configure-pe',
  'ibm,slot-error-detail',
  'ibm,open-errinjct',
  'ibm,errinjct',
  'ibm,close-errinjct',
  'ibm,read-pci-config',
] as const;

export type RtasName = (typeof RTAS_CALLS)[number];

/** RTAS status words (first result cell, signed). Source: LoPAR per-call tables; Linux asm/rtas.h. */
export const RTAS = {
  SUCCESS: 0,
  HARDWARE_ERROR: -1,
  BUSY: -2,
  PARAMETER_ERROR: -3,
  /** ibm,open-errinjct and its kin: already open, or not with this token. */
  ERRINJCT_OPEN: -4,
  /** The PE is in a state in which this cannot be. */
  UNEXPECTED_STATE: -7,
  /** ibm,set-slot-reset: not for this PE. */
  NOT_POSSIBLE: -8,
  /** Extended delay: wait 10^x ms with 9900 + x, x = 0..5. */
  EXTENDED_DELAY_MIN: 9900,
  EXTENDED_DELAY_MAX: 9905,
} as const;

const names = new Map<number, string>([
  [0, 'success'],
  [-1, 'hardware error'],
  [-2, 'busy'],
  [-3, 'parameter error'],
  [-4, 'error injection open or closed'],
  [-7, 'unexpected state'],
  [-8, 'not possible'],
]);

/** `parameter error (-3)`, `extended delay 9901`, or the bare number. */
export function rtasStatusName(status: number): string {
  if (status >= RTAS.EXTENDED_DELAY_MIN && status <= RTAS.EXTENDED_DELAY_MAX) return `extended delay ${status}`;
  const name = names.get(status);
  return name === undefined ? String(status) : `${name} (${status})`;
}

/** The result cell that holds the status: ibm,open-errinjct gives its token first. Source: LoPAR 2.9, Firmware Assisted Error Injection. */
export const statusCell = (call: RtasName): number => (call === 'ibm,open-errinjct' ? 1 : 0);

/** The status cell as the signed number it is. */
export const rtasStatus = (cell: number): number => cell | 0;
