/** mmap as Linux has it on every architecture of interest: asm-generic/mman-common.h, asm-generic/mman.h, linux/mman.h. */
export const PROT = { none: 0, r: 1, rw: 3 } as const;
export const MAP_SHARED = 0x01;
export const MAP_PRIVATE = 0x02;
export const MAP_FIXED = 0x10;
export const MAP_ANONYMOUS = 0x20;
/** The pages are there at once. */
export const MAP_POPULATE = 0x8000;
/** log2 of the page size is shifted to MAP_HUGE_SHIFT. */
export const MAP_HUGETLB = 0x4_0000;
export const MAP_HUGE_SHIFT = 26;
/** memfd_create; the page size is shifted to MAP_HUGE_SHIFT too. Source: linux/memfd.h. */
export const MFD_HUGETLB = 0x4;
