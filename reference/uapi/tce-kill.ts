/*
 * Values for the TCE kill register (0x210 of a host bridge): each write makes the bridge forget entries it has cached.
 *
 *    0   1  2   3 4                                 51 52   54 55      63
 *   +---+--+---+-----------------------------------------------+--------+
 *   |all|PE|one|  bus address of the page (one only)           | PE     |
 *   +---+--+---+-----------------------------------------------+--------+
 *
 * Bit 4 is bit 59 of the address, which selects the window. PHB3 has 8 bits of PE number, PHB4 has 9.
 * Source: Linux platforms/powernv/pci-ioda.c PHB3_TCE_KILL_INVAL_*; skiboot phb4-regs.h PHB_TCE_KILL_*, phb4.c phb4_tce_kill.
 */
export const TCE_KILL_ALL = 1n << 63n;
export const TCE_KILL_PE = 1n << 62n;
export const TCE_KILL_ONE = 1n << 61n;

/** Everything that the bridge has cached for a PE. */
export const killPe = (pe: number): bigint => TCE_KILL_PE | BigInt(pe);

/**
 * PHB3: one value for each page.
 *
 * @param iova bus address of the first page, bytes; bit 59 selects the window
 * @param pageShift log2 of the window's page size, 12 or more
 */
export const phb3KillPages = (pe: number, iova: bigint, pageShift: number, pages: number): bigint[] =>
  Array.from(
    { length: pages },
    (_, i) => TCE_KILL_ONE | (iova + (BigInt(i) << BigInt(pageShift))) | BigInt(pe & 0xff),
  );

/** OPAL_PCI_TCE_KILL (call 126), by number. Source: skiboot opal-api.h OPAL_PCI_TCE_KILL_*. */
export type OpalKill = 'pages' | 'pe' | 'all';

/**
 * PHB4 and PHB5: the one value that OPAL writes. A kill of pages kills the whole PE, since one of pages can be lost when
 * the queue is full (HW560152).
 */
export const phb4Kill = (kill: OpalKill, pe: number): bigint => (kill === 'all' ? TCE_KILL_ALL : killPe(pe));
