/*
 * The records that the queues of /dev/iommu are read and written in, as words of 32 bits, little-endian. Source: Linux 7.2
 * include/uapi/linux/iommufd.h.
 */

/** struct iommu_hwpt_pgfault. */
export const PGFAULT_WORDS = ['flags', 'dev_id', 'pasid', 'grpid', 'perm', '__reserved', 'addr_low', 'addr_high', 'length', 'cookie'] as const;

/** Where a word of the fault of that position is, in a read of several. */
export const pgfaultWord = (word: (typeof PGFAULT_WORDS)[number], fault = 0): string => `word${fault * PGFAULT_WORDS.length + PGFAULT_WORDS.indexOf(word)}`;

/** Codes of struct iommu_hwpt_page_response, after the cookie. */
export const PAGE_RESPONSE = { SUCCESS: 0n, INVALID: 1n } as const;

/** struct iommufd_vevent_header. */
export const VEVENT_WORDS = ['flags', 'sequence'] as const;
