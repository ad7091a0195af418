/**
 * Where the specification leaves a choice: numbered reports, cited from the rules. A permitted answer is
 * never a departure; the report shows what each system chose.
 */
export const CHOICES = {
  A1: 'An IOBA that is not aligned to the I/O page: masked to the page, or refused with H_PARAMETER.',
  A2: 'A multi-TCE call with a count of 0: nothing to do and H_SUCCESS, or H_PARAMETER.',
  A4: 'Bits of a TCE below the I/O page size, and reserved bits 52–61: stored, masked, or refused with H_PARAMETER.',
  A8: 'A window beyond the PE\'s resources: parameter error (the note in LoPAR) or hardware error.',
  A9: 'Where a window starts on the bus: the platform chooses and says; guests cannot.',
  A10: 'The LIOBN of a created window: any that no live window has.',
  A11: 'Entries of a window that came back (reset, restoration, reboot): zero, or what was there before.',
  A12: 'Removing a window with valid TCEs is the caller\'s error: done, or refused.',
  A13: 'PE TCEs in the query while windows exist: the whole pool, or what remains.',
  A14: 'A configuration address that is not the PE\'s, on a host bridge with a single PE: refused, or taken as that PE.',
  A24: 'A large page that begins in the partition\'s memory and ends outside: mapped as far as there is memory, or refused.',
  A25: 'A TCE list that is not on a 4 KiB boundary: refused with H_PARAMETER, or its low bits ignored.',
  A26: 'H_PUT_TCE of a page that its owner rescinded: LoPAR checks it in the multi-TCE calls only.',
  A27: 'An LIOBN with bits above its 32: refused with H_PARAMETER, or cut to 32 bits.',
  A28: 'The loop count that H_PUT_RTCE and H_PUT_RTCE_INDIRECT leave in R4: counted from 0, or from 1.',
  A29: 'A redirected mapping into a virtual adapter\'s table, or a table of larger I/O pages: refused with H_PARAMETER, or made.',
  A30: 'Replacing an entry with a live copy that must not be invalidated: H_RESOURCE, or another recovery of the platform.',
  A31: 'H_GET_TCE of a second pane: refused with H_PARAMETER, or answered.',
  A32: 'The list of H_MIGRATE_DMA: checked rule by rule, or entry by entry, so that the first bad entry decides.',
  A33: 'A mapping beyond the I/O entitlement: refused with H_NOT_ENOUGH_RESOURCES, or honoured as far as the platform can.',
  A34: 'H_MIGRATE_DMA with super pages, a first entry whose LIOBN or bus address is bad: H_MEM_PARM, or H_PARAMETER as without.',
  A35: 'The negative lengths of H_MIGRATE_DMA: the entries yet to be passed, with those of the call itself or without.',
  V4: 'VFIO: unregistering memory that entries still map: EBUSY, or done with the pages pinned until the last entry goes.',
  V5: 'VFIO: a table of no levels: EINVAL, or taken for one level.',
  V6: 'VFIO: a window whose table takes 256 MiB or more, or 16 MiB in one piece: made, or refused for want of memory or of TCEs.',
  V7: 'VFIO: removing a window by an address within it: done, or EINVAL.',
  V8: 'VFIO: what a device is: its regions and interrupts beyond the least, whether it can be reset by itself.',
  V9: 'VFIO: a second window beside a created one, the default one gone: made, or refused where the kernel keeps one for each PE.',
  V10: 'VFIO: windows after firmware refused one: made as before, or refused with ENODEV for ever.',
  V11: 'VFIO: large pages of a region that has smaller ones too: mapped, or refused as if all were small.',
  V12: 'VFIO: mapping or unmapping no bytes: done to no effect, or EINVAL.',
  I20: 'IOMMUFD: the descriptor of a new queue: any that is free.',
  I21: 'IOMMUFD: the cookie of a group of page faults: any that no other group without an answer has, but 0.',
  'data-of-refused-read': 'What a device takes for data when its read was refused: nothing, zeros, or all ones.',
  busy: 'A call that may be interrupted: busy (-2, 990x; H_LONG_BUSY) with nothing done, or the answer.',
  hardware: 'Any call may report an unrecoverable hardware error.',
} as const;

export type ChoiceId = keyof typeof CHOICES;
