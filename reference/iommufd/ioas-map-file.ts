import type { MemoryFile } from '../memory/process.js';
import { defineCall, type Guard } from '../rules.js';
import type { Operation } from '../doors/operations.js';
import { E } from '../uapi/errno.js';
import { IOAS_MAP } from '../uapi/iommufd.js';
import { arg, BUFFER_BYTES, type Ioctl, type IoctlInput } from '../vfio/checks.js';
import type { Host, OpenFile } from '../vfio/host.js';
import { answerChecks, IOAS, IOMMU, IOVA, iommufdClause, LARGEST, noIoas, readIoas, sizeChecks, WITH_IOAS } from './checks.js';
import { directions, noDirection, unknownFlags } from './ioas-map.js';
import { filePages } from './pages.js';
import { place, placeChecks, type Placing } from './placing.js';
import { pageBytes } from './ranges.js';

const NAME = 'IOMMU_IOAS_MAP_FILE';
const clause = iommufdClause('ioas.c iommufd_ioas_map_file');
const pagesClause = iommufdClause('io_pagetable.c iopt_map_file_pages');

interface MapFile extends Placing {
  readonly opened: OpenFile | undefined;
}

const overflow: Guard<MapFile> = {
  ...clause(`${NAME}/largest`, 'An IOVA or a length of 2^64-1 is refused with EOVERFLOW.'),
  when: (c) => c.iova === LARGEST || c.length === LARGEST,
  refuse: [-E.EOVERFLOW],
  violation: { args: { iova: LARGEST } },
};

const nothing: Guard<MapFile> = {
  ...pagesClause(`${NAME}/nothing`, 'A length of 0 is refused with EINVAL.'),
  when: (c) => c.length === 0n,
  refuse: [-E.EINVAL],
  violation: { args: { length: 0n } },
};

const fileEnd: Guard<MapFile> = {
  ...pagesClause(`${NAME}/file-end`, 'A part of a file that ends beyond 64 bits is refused with EOVERFLOW.'),
  when: (c) => arg(c, 'start') + c.length - 1n > LARGEST,
  refuse: [-E.EOVERFLOW],
  violation: { args: { start: LARGEST - 0xffffn } },
};

const noDescriptor: Guard<MapFile> = {
  ...pagesClause(`${NAME}/fd`, 'A descriptor that is not open is refused with EBADF.'),
  when: (c) => c.opened === undefined,
  refuse: [-E.EBADF],
  violation: { args: { fd: 0xffff_ffffn } },
};

const tooLong: Guard<MapFile> = {
  ...pagesClause(`${NAME}/length`, 'A length that leaves less than a page of 64 bits is refused with EINVAL.', 'Linux 7.2 drivers/iommu/iommufd/pages.c iopt_alloc_pages'),
  when: (c) => c.length > LARGEST - pageBytes(c.host),
  refuse: [-E.EINVAL],
};

/** What is no file with contents of memory can be mapped as long as nobody looks at it. */
const NO_MEMORY: MemoryFile = { kind: 'plain', length: 0n, real: 0n, pageShift: 0 };

function readMapFile(host: Host, ioctl: Ioctl): MapFile {
  const c = readIoas(host, ioctl);
  const [start, length] = [arg(c, 'start'), arg(c, 'length')];
  const opened = c.process.files.get(Number(BigInt.asIntN(32, arg(c, 'fd'))));
  const pages = filePages(host, c.context, c.process.space, opened?.kind === 'file' ? opened.file : NO_MEMORY, start, directions(c).writeable);
  return { ...c, ...directions(c), opened, iova: arg(c, 'iova'), length, parts: [{ pages, offset: start - pages.source.start, length }] };
}

/** A file in memory of the size of the samples' buffer. */
export const FILE: Operation = { door: 'user', op: 'file', kind: 'memory', length: BUFFER_BYTES, as: 'file' };

const IOVA_FIELD = 6;

/** IOMMU_IOAS_MAP_FILE: a part of a file becomes an area. Without a page table nobody looks what the file is. */
export const ioasMapFile = defineCall<MapFile, IoctlInput>({
  name: NAME,
  parameters: ['size', 'flags', 'ioas_id', 'fd', 'start', 'length', 'iova'],
  read: readMapFile,
  guards: [
    ...sizeChecks<MapFile>(NAME),
    unknownFlags(NAME, clause),
    overflow,
    noDirection(NAME, clause),
    noIoas(NAME, clause),
    nothing,
    fileEnd,
    noDescriptor,
    tooLong,
    ...placeChecks<MapFile>(NAME, { file: true }),
    { ...answerChecks<MapFile>(NAME, 'An answer that cannot be written is refused with EFAULT; what was mapped stays.'), damage: (c) => void place(c, IOVA_FIELD, 'iova', `${NAME}/mapped`) },
  ],
  effect: {
    clauses: [clause(`${NAME}/mapped`, 'The IOVAs are an area of the file: where the user says, or where the kernel chooses as for IOMMU_IOAS_MAP.')],
    apply(c, chooser) {
      const iova = place(c, IOVA_FIELD, 'iova', `${NAME}/mapped`, chooser);
      return { clause: `${NAME}/mapped`, status: 0, outputs: [{ index: IOVA_FIELD, name: 'iova', value: iova, clause: `${NAME}/mapped` }] };
    },
  },
  sample: {
    fd: IOMMU,
    setup: [...WITH_IOAS, FILE],
    args: { flags: IOAS_MAP.FIXED_IOVA | IOAS_MAP.READABLE | IOAS_MAP.WRITEABLE, ioas_id: IOAS, fd: { from: 'file.fd' }, length: BUFFER_BYTES, iova: IOVA },
  },
});
