/*
 * The queue of page faults that user space answers (struct iommufd_fault): groups that wait to be read, and groups that were
 * read and wait for their answer. Plain data.
 */

/** What a device asked for and did not get; numbers of 32 bits, the address in bytes. */
export interface PageFault {
  readonly flags: bigint;
  readonly pasid: bigint;
  readonly grpid: bigint;
  readonly perm: bigint;
  readonly addr: bigint;
}

/** Where faults come in: a group of devices, through its own page table (0) or that of a PASID. */
export interface Attachment {
  readonly group: object;
  readonly pasid: number;
}

/** Faults that are delivered and answered together. */
export interface FaultGroup extends Attachment {
  /** The device's number. */
  readonly device: number;
  readonly faults: readonly PageFault[];
}

export interface FaultQueue {
  readonly kind: 'fault';
  readonly id: number;
  /** Its file is open: then the queue is in use. */
  open: boolean;
  /** In the order in which they came. */
  waiting: FaultGroup[];
  /** By cookie: read, and not answered. */
  readonly unanswered: Map<bigint, FaultGroup>;
}

export const makeFaultQueue = (id: number): FaultQueue => ({ kind: 'fault', id, open: true, waiting: [], unanswered: new Map() });

/** Bytes of a record (struct iommu_hwpt_pgfault) and of an answer (struct iommu_hwpt_page_response). */
export const FAULT_BYTES = 40;
export const RESPONSE_BYTES = 8;

/** IOMMU_PGFAULT_FLAGS: the PASID is valid; the last fault of its group. */
export const FAULT_FLAG = { PASID_VALID: 1n, LAST_PAGE: 2n } as const;

/** The lowest cookie that is free. Source: Linux 7.2 drivers/iommu/iommufd/eventq.c iommufd_fault_alloc (XA_FLAGS_ALLOC1). */
export function freeCookie(queue: FaultQueue): bigint {
  let cookie = 1n;
  while (queue.unanswered.has(cookie)) cookie += 1n;
  return cookie;
}

/** The groups at the head that fit in so many bytes, whole: the first that does not ends it. */
export function fittingGroups({ waiting }: FaultQueue, bytes: number): FaultGroup[] {
  let left = bytes;
  const end = waiting.findIndex(({ faults }) => (left -= faults.length * FAULT_BYTES) < 0);
  return waiting.slice(0, end < 0 ? waiting.length : end);
}

/** Answers in the user's place whatever came in through an attachment that ends. Source: eventq.c iommufd_auto_response_faults. */
export function answerAll(queue: FaultQueue, { group, pasid }: Attachment): void {
  const through = (fault: FaultGroup): boolean => fault.group === group && fault.pasid === pasid;
  queue.waiting = queue.waiting.filter((fault) => !through(fault));
  for (const [cookie, fault] of queue.unanswered) if (through(fault)) queue.unanswered.delete(cookie);
}
