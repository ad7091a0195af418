import { mapPages, type Mapping } from '../memory/process.js';
import { defineCall, type Guard } from '../rules.js';
import { E } from '../uapi/errno.js';
import type { Host, OpenFile, Process, TableFile } from '../vfio/host.js';
import { MADE, TABLE, tableMade, tceClause } from './checks.js';
import { entryPages } from './state/table-size.js';

const NAME = 'kvm/map';

/** What mapping a table is given; `free` is where the model itself would put it. */
export type MapTableInput = readonly [host: Host, mapping: { readonly process: Process; readonly file: OpenFile | undefined; readonly length: bigint; readonly free: bigint }];

type Mapped = MapTableInput[1] & { readonly host: Host };

const noDescriptor: Guard<Mapped> = {
  ...tceClause(`${NAME}/descriptor`, 'A descriptor that is not open is refused with EBADF.', 'POSIX mmap'),
  when: (c) => c.file === undefined,
  refuse: [-E.EBADF],
};

const notMappable: Guard<Mapped> = {
  ...tceClause(`${NAME}/file`, 'A machine, and KVM itself, cannot be mapped: ENODEV.', 'POSIX mmap'),
  when: (c) => c.file!.kind !== 'kvm-table',
  refuse: [-E.ENODEV],
};

const noLength: Guard<Mapped> = {
  ...tceClause(`${NAME}/length`, 'A mapping of no bytes is refused with EINVAL.', 'POSIX mmap'),
  when: (c) => c.length === 0n,
  refuse: [-E.EINVAL],
};

/** mmap of a table: the entries as KVM has them, 8 bytes each in the system's own order. */
export const mapTable = defineCall<Mapped, MapTableInput>({
  name: NAME,
  parameters: [],
  read: (host, mapping) => ({ host, ...mapping }),
  guards: [noLength, noDescriptor, notMappable],
  effect: {
    clauses: [tceClause(`${NAME}/mapped`, 'The mapping shows the entries and keeps the table alive; there is nothing behind its last page.')],
    statuses: 'count',
    apply(c, chooser) {
      const address = chooser.status(Number(c.free));
      const file = c.file as TableFile;
      for (const mapping of mappingsOf(c, file, BigInt(address))) mapPages(c.process.space, mapping);
      if (!c.host.mapped.has(file)) {
        c.host.mapped.add(file);
        file.users += 1;
      }
      return { clause: `${NAME}/mapped`, status: address };
    },
  },
  sample: { fd: TABLE, setup: [...MADE, tableMade()], args: {} },
});

/** The table's pages, and behind them addresses that cannot be touched. */
function mappingsOf({ host, length }: Mapped, file: TableFile, start: bigint): Mapping[] {
  const { pageShift } = host.linux;
  const page = 1n << BigInt(pageShift);
  const whole = ((length + page - 1n) / page) * page;
  const there = entryPages(file.table.size, pageShift) * page;
  const common = { pageShift, of: file };
  const shown: Mapping = { ...common, start, length: whole < there ? whole : there, real: file.table.real, protection: 'rw' };
  return whole <= there ? [shown] : [shown, { ...common, start: start + there, length: whole - there, real: 0n, protection: 'none' }];
}
