/** Hypercall opcodes (R3 on entry). Source: LoPAR "Hypervisor Call Functions" table; Linux asm/hvcall.h. */
export const HCALLS = {
  H_GET_TCE: 0x1c,
  H_PUT_TCE: 0x20,
  H_MIGRATE_DMA: 0x78,
  H_PUT_RTCE: 0x10c,
  H_STUFF_TCE: 0x138,
  H_PUT_TCE_INDIRECT: 0x13c,
  H_PUT_RTCE_INDIRECT: 0x140,
  H_REMOVE_RTCE: 0x24c,
} as const;

export type HcallName = keyof typeof HCALLS;

/** Return codes (R3 on return, signed). Source: LoPAR "Hypervisor Call Return Code Table"; Linux asm/hvcall.h. */
export const H = {
  H_SUCCESS: 0,
  H_BUSY: 1,
  H_CLOSED: 2,
  H_NOT_AVAILABLE: 3,
  H_CONSTRAINED: 4,
  H_PARTIAL: 5,
  H_IN_PROGRESS: 14,
  H_PAGE_REGISTERED: 15,
  H_CONTINUE: 18,
  H_LONG_BUSY_1_MSEC: 9900,
  H_LONG_BUSY_10_MSEC: 9901,
  H_LONG_BUSY_100_MSEC: 9902,
  H_LONG_BUSY_1_SEC: 9903,
  H_LONG_BUSY_10_SEC: 9904,
  H_LONG_BUSY_100_SEC: 9905,
  H_HARDWARE: -1,
  H_FUNCTION: -2,
  H_PRIVILEGE: -3,
  H_PARAMETER: -4,
  H_NO_MEM: -9,
  H_AUTHORITY: -10,
  H_PERMISSION: -11,
  H_R_PARM: -15,
  H_RESOURCE: -16,
  H_MEM_PARM: -28,
  H_NOT_ENOUGH_RESOURCES: -44,
  H_RESCINDED: -46,
  H_ABORTED: -54,
  H_P2: -55,
  H_P3: -56,
  H_P4: -57,
  H_P5: -58,
  H_IN_USE: -77,
} as const;

const names = new Map<number, string>(Object.entries(H).map(([name, value]) => [value, name]));

/** `H_PARAMETER (-4)`, or the bare number where it has no name. */
export function hcallStatusName(status: number): string {
  const name = names.get(status);
  return name === undefined ? String(status) : `${name} (${status})`;
}

/** Entries one multi-TCE call may carry: a 4 KiB list page of 8-byte entries. Source: LoPAR "H_PUT_TCE_INDIRECT". */
export const MULTI_TCE_LIMIT = 512;
