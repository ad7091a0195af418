import type { Guard } from '../rules.js';
import { E } from '../uapi/errno.js';
import { merged } from '../vfio/checks.js';
import type { Host, OpenFile } from '../vfio/host.js';

/** What read and write of a descriptor are given. */
export interface Transfer {
  /** Absent where the descriptor is not open. */
  readonly file: OpenFile | undefined;
  /** Bytes that are asked for, or given. */
  readonly count: number;
  /** Bytes of memory that are there for them. */
  readonly room: number;
  /** What is written. */
  readonly words: readonly bigint[];
}

export type TransferInput = readonly [host: Host, transfer: Transfer];

/** The call of the rule book that reads or writes a descriptor: the kind of file decides. @throws Error for a device, or a file with contents */
export function transferCall(file: OpenFile | undefined, op: 'read' | 'write'): string {
  if (file?.kind === 'device' || file?.kind === 'node' || file?.kind === 'file') throw new Error(`The reference has no ${op} of a ${file.kind} as of a queue.`);
  if (file?.kind === 'faults') return op === 'read' ? 'read-faults' : 'write-responses';
  return file?.kind === 'events' && op === 'read' ? 'read-events' : `${op}-other`;
}

const clause = merged('Linux 7.2 fs/read_write.c ksys_read, vfs_read');

/** What a descriptor answers that cannot be read, or written. */
export const otherTransferChecks = (op: 'read' | 'write'): readonly [Guard<Transfer>, Guard<Transfer>] => [
  {
    ...clause(`${op}-other/descriptor`, `To ${op} a descriptor that is not open is refused with EBADF.`),
    when: ({ file }) => file === undefined,
    refuse: [-E.EBADF],
  },
  {
    ...clause(`${op}-other/kind`, `To ${op} what cannot be ${op === 'read' ? 'read (/dev/iommu, a container, a group)' : 'written (an event queue, /dev/iommu, a container, a group)'} is refused with EINVAL.`),
    when: () => true,
    refuse: [-E.EINVAL],
  },
];
