import { vfioScenario } from '../../harness/build/scenario-builder.js';
import type { VfioProgramBuilder } from '../../harness/build/vfio-program-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import type { Term } from '../../reference/doors/term.js';
import { IOAS_MAP } from '../../reference/uapi/iommufd.js';
import { AT, copy, LARGEST, newIoas, PAGE, pages, READ, READ_WRITE, smallPages, unmap, unmapAll, type IoasHandle } from './steps.js';

const MAP_FILE = 'IOMMU_IOAS_MAP_FILE';

/** Maps a part of a file where the scenario says. */
const mapFile = (p: VfioProgramBuilder, { fd, id }: IoasHandle, file: Term, start: Term, iova: bigint, length: bigint, flags = READ_WRITE): VfioProgramBuilder =>
  p.iommufd(fd, MAP_FILE, { flags: flags | IOAS_MAP.FIXED_IOVA, ioas_id: id, fd: file, start, length, iova });

/** Files as what is mapped. Without a page table nobody looks what they are. */
export const scenarios: readonly Scenario[] = [
  vfioScenario({ id: 'iommufd/files/any', title: 'Without a page table any open file can be mapped, also beyond its end, and /dev/iommu itself', clauses: [`${MAP_FILE}/mapped`, `${MAP_FILE}/fd`] }, (p) => {
    const ioas = newIoas(p);
    const [memory, plain] = [p.file(pages(2n)), p.file(0n, 'plain')];
    const files: readonly Term[] = [memory, plain, ioas.fd];
    files.forEach((file, i) => mapFile(p, ioas, file, 0n, AT + pages(8n * BigInt(i)), pages(4n)));
    p.close(plain);
    mapFile(p, ioas, plain, 0n, 4n * AT, PAGE);
    unmap(p, ioas, AT, pages(20n));
    for (const fd of [0xffff_ffffn, 0x7fff_ffffn, 0x8000_0000n]) mapFile(p, ioas, fd, 0n, AT, PAGE);
  }),
  vfioScenario({ id: 'iommufd/files/closed', title: 'What was mapped of a file stays when its descriptor is closed', clauses: [`${MAP_FILE}/mapped`, 'IOMMU_IOAS_COPY/copied', 'IOMMU_IOAS_UNMAP/unmapped'] }, (p) => {
    const ioas = newIoas(p);
    const file = p.file(pages(2n));
    mapFile(p, ioas, file, PAGE, AT, PAGE);
    p.close(file);
    copy(p, ioas, AT, ioas, 4n * AT, PAGE);
    unmap(p, ioas, AT, PAGE);
    unmap(p, ioas, 4n * AT, PAGE);
  }),
  vfioScenario({ id: 'iommufd/files/ends', title: 'A part of a file ends within 64 bits, an area too; lengths have the bounds of other mappings', clauses: [`${MAP_FILE}/file-end`, `${MAP_FILE}/end`, `${MAP_FILE}/length`, `${MAP_FILE}/nothing`, `${MAP_FILE}/largest`, `${MAP_FILE}/half`] }, (p) => {
    const ioas = newIoas(p);
    const file = p.file(pages(2n));
    for (const start of [LARGEST, LARGEST - PAGE + 1n, LARGEST - PAGE + 2n]) mapFile(p, ioas, file, start, AT, PAGE);
    unmapAll(p, ioas);
    for (const length of [0n, LARGEST - 1n, LARGEST - 0xfffn, LARGEST - PAGE, LARGEST]) mapFile(p, ioas, file, 0n, 0n, length);
    unmapAll(p, ioas);
    mapFile(p, ioas, file, 0n, LARGEST - PAGE + 1n, PAGE);
    mapFile(p, ioas, file, 0n, LARGEST - PAGE + 1n, pages(2n));
    mapFile(p, ioas, file, 0n, LARGEST, PAGE);
    p.iommufd(ioas.fd, MAP_FILE, { flags: READ_WRITE, ioas_id: ioas.id, fd: file, length: 1n << 63n });
  }),
  vfioScenario({ id: 'iommufd/files/automatic', title: 'The kernel places a part of a file by its place in the file', clauses: [`${MAP_FILE}/mapped`, `${MAP_FILE}/no-room`, `${MAP_FILE}/address-alignment`, `${MAP_FILE}/no-aligned-room`] }, (p) => {
    const { fd, id } = newIoas(p);
    const file = p.file(pages(2n));
    const array = p.memory(PAGE);
    const anywhere = (start: bigint, length: bigint): void => void p.iommufd(fd, MAP_FILE, { flags: READ_WRITE, ioas_id: id, fd: file, start, length });
    for (const start of [0n, 0x800n, PAGE, 1n]) for (const length of [0x100n, PAGE, pages(3n)]) anywhere(start, length);
    p.store(array.address, [0x1_0001_0000n, 0x1_0041_ffffn]).iommufd(fd, 'IOMMU_IOAS_ALLOW_IOVAS', { ioas_id: id, num_iovas: 1n, allowed_iovas: array.address });
    anywhere(0n, 8n << 20n);
    anywhere(0n, 4n << 20n);
    unmapAll(p, { fd, id });
    smallPages(p, { fd, id });
    anywhere(0x800n, PAGE);
  }),
  vfioScenario({ id: 'iommufd/files/alignment', title: 'Without large pages the place in the file is to be at a system page', clauses: [`${MAP_FILE}/offset`, `${MAP_FILE}/iova-alignment`, `${MAP_FILE}/length-alignment`, `${MAP_FILE}/taken`] }, (p) => {
    const ioas = newIoas(p);
    const file = p.file(pages(2n));
    smallPages(p, ioas);
    mapFile(p, ioas, file, 0x800n, AT, PAGE);
    mapFile(p, ioas, file, 0n, AT + 0x800n, PAGE);
    mapFile(p, ioas, file, 0n, AT, PAGE + 0x800n);
    mapFile(p, ioas, file, PAGE, AT, PAGE);
    mapFile(p, ioas, file, PAGE, AT, PAGE);
  }),
  vfioScenario({ id: 'iommufd/files/directions', title: 'A file is mapped to be read or to be written, whatever its descriptor is open for; a copy asks no more than that', clauses: [`${MAP_FILE}/mapped`, `${MAP_FILE}/direction`, `${MAP_FILE}/flags`, 'IOMMU_IOAS_COPY/written'] }, (p) => {
    const ioas = newIoas(p);
    const plain = p.file(0n, 'plain');
    mapFile(p, ioas, plain, 0n, AT, PAGE, READ_WRITE);
    mapFile(p, ioas, plain, 0n, AT + PAGE, PAGE, READ);
    mapFile(p, ioas, plain, 0n, AT + pages(2n), PAGE, 0n);
    mapFile(p, ioas, plain, 0n, AT + pages(2n), PAGE, 8n);
    copy(p, ioas, AT + PAGE, ioas, 4n * AT, PAGE);
    unmap(p, ioas, AT, pages(2n));
  }),
  vfioScenario({ id: 'iommufd/files/no-ioctl', title: 'A file of memory knows none of these calls', clauses: ['file/number'] }, (p) => {
    const file = p.file(PAGE);
    p.iommufd(file, 'IOMMU_IOAS_ALLOC').ioctl(file, 'VFIO_GET_API_VERSION');
  }),
  vfioScenario({ id: 'iommufd/files/huge', title: 'A file of huge pages is mapped as any other', clauses: [`${MAP_FILE}/mapped`] }, (p) => {
    const ioas = newIoas(p);
    const file = p.file(2n << 20n, 'memory', { hugePages: 21 });
    mapFile(p, ioas, file, 0n, AT, 2n << 20n);
    unmapAll(p, ioas);
  }),
];
