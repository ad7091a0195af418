/*
 * What a TCE table of a machine costs, in system pages: its entries, and the kernel's own record of them, a header with a pointer
 * for every page of entries. Source: Linux arch/powerpc/kvm/book3s_64_vio.c kvmppc_tce_pages, kvmppc_stt_pages.
 */

/** Bytes of struct kvmppc_spapr_tce_table before its pointers, in a kernel without lock debugging. */
const RECORD_BYTES = 120n;

const ENTRY_BYTES = 8n;
const POINTER_BYTES = 8n;

const ALL_BYTES = (1n << 64n) - 1n;

const pagesOf = (bytes: bigint, pageShift: number): bigint => (bytes + (1n << BigInt(pageShift)) - 1n) >> BigInt(pageShift);

/** System pages of entries; the bytes are counted in 64 bits. */
export const entryPages = (entries: bigint, pageShift: number): bigint => pagesOf(BigInt.asUintN(64, entries * ENTRY_BYTES), pageShift) & (ALL_BYTES >> BigInt(pageShift));

/** Bytes of the kernel's record: one piece of memory. */
export const recordBytes = (entries: bigint, pageShift: number): bigint => RECORD_BYTES + entryPages(entries, pageShift) * POINTER_BYTES;

/** Locked memory that the table costs its owner, whether its entries were ever touched or not. */
export const tablePages = (entries: bigint, pageShift: number): bigint => entryPages(entries, pageShift) + pagesOf(recordBytes(entries, pageShift), pageShift);
