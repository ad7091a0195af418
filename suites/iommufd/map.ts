import { vfioScenario } from '../../harness/build/scenario-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import { AT, LARGEST, mapAnywhere, mapAt, newIoas, option, PAGE, pages, plus, READ, READ_WRITE, smallPages, unmap, unmapAll } from './steps.js';

const MAP = 'IOMMU_IOAS_MAP';

/** What IOMMU_IOAS_MAP does without a page table: nobody looks at the memory. */
export const scenarios: readonly Scenario[] = [
  vfioScenario({ id: 'iommufd/map/overlap', title: 'IOVAs that are mapped cannot be mapped again, in whole or in part; those right beside can', clauses: [`${MAP}/taken`, `${MAP}/mapped`] }, (p) => {
    const ioas = newIoas(p);
    const buffer = p.memory();
    mapAt(p, ioas, buffer.address, AT, pages(2n));
    const overlapping: readonly (readonly [bigint, bigint])[] = [
      [AT, pages(2n)],
      [AT, 1n],
      [AT + pages(2n) - 1n, 1n],
      [AT - PAGE, pages(4n)],
      [AT - PAGE, PAGE + 1n],
      [AT + PAGE, pages(2n)],
    ];
    for (const [iova, length] of overlapping) mapAt(p, ioas, buffer.address, iova, length);
    mapAt(p, ioas, buffer.address, AT - PAGE, PAGE);
    mapAt(p, ioas, buffer.address, AT + pages(2n), PAGE);
    unmapAll(p, ioas);
  }),
  vfioScenario({ id: 'iommufd/map/nobody-looks', title: 'Without a page table memory can be mapped that is not there, that must not be written, and that is the kernel\'s', clauses: [`${MAP}/mapped`] }, (p) => {
    const ioas = newIoas(p);
    const hole = p.memory(PAGE);
    p.munmap(hole);
    p.do({ door: 'user', op: 'map', length: PAGE, protection: 'none', as: 'none' }).do({ door: 'user', op: 'map', length: PAGE, protection: 'r', as: 'readable' });
    [hole.address, { from: 'none.address' }, { from: 'readable.address' }, 0n, 0xc000_0000_0000_0000n].forEach((address, i) => mapAt(p, ioas, address, AT + pages(BigInt(i)), PAGE));
    unmap(p, ioas, AT, pages(5n));
  }),
  vfioScenario({ id: 'iommufd/map/any-byte', title: 'Without a page table an area begins and ends at any byte', clauses: [`${MAP}/mapped`, 'IOMMU_IOAS_UNMAP/unmapped', 'IOMMU_IOAS_UNMAP/partly'] }, (p) => {
    const ioas = newIoas(p);
    const buffer = p.memory();
    mapAt(p, ioas, buffer.at(3n), AT + 1n, 1n);
    mapAt(p, ioas, buffer.at(5n), AT + 2n, 0x1234n);
    mapAt(p, ioas, buffer.at(5n), AT + 2n + 0x1234n, 1n);
    unmap(p, ioas, AT + 2n, 0x1233n);
    unmap(p, ioas, AT + 1n, 1n);
    unmap(p, ioas, AT, pages(1n));
  }),
  vfioScenario({ id: 'iommufd/map/both-ends', title: 'The first and the last of all IOVAs can be mapped, and nothing beyond', clauses: [`${MAP}/mapped`, `${MAP}/end`, `${MAP}/largest`] }, (p) => {
    const ioas = newIoas(p);
    const buffer = p.memory();
    mapAt(p, ioas, buffer.address, 0n, PAGE);
    mapAt(p, ioas, buffer.address, LARGEST - PAGE + 1n, PAGE);
    mapAt(p, ioas, buffer.address, LARGEST - pages(2n) + 1n, PAGE);
    mapAt(p, ioas, buffer.address, LARGEST - pages(4n) + 1n, pages(8n));
    mapAt(p, ioas, buffer.address, LARGEST, 1n);
    mapAt(p, ioas, buffer.address, LARGEST - 1n, 2n);
    mapAt(p, ioas, buffer.address, AT, LARGEST);
    unmapAll(p, ioas);
    unmapAll(p, ioas);
  }),
  vfioScenario({ id: 'iommufd/map/lengths', title: 'An area can be as long as all IOVAs but for a page; memory must end within 64 bits', clauses: [`${MAP}/length`, `${MAP}/address-end`, `${MAP}/mapped`] }, (p) => {
    const ioas = newIoas(p);
    for (const length of [LARGEST - 1n, LARGEST - 0xfffn, LARGEST - PAGE, 1n << 63n, (1n << 63n) - 1n]) mapAt(p, ioas, 0n, 0n, length).iommufd(ioas.fd, 'IOMMU_IOAS_UNMAP', { ioas_id: ioas.id, iova: 0n, length });
    for (const address of [LARGEST, LARGEST - PAGE, LARGEST - PAGE + 1n]) mapAt(p, ioas, address, AT, PAGE);
    unmapAll(p, ioas);
  }),
  vfioScenario({ id: 'iommufd/map/largest-automatic', title: 'An IOVA of 2^64-1 is refused also where the kernel chooses the place; any other is no matter there', clauses: [`${MAP}/largest`, `${MAP}/mapped`] }, (p) => {
    const { fd, id } = newIoas(p);
    const buffer = p.memory();
    for (const iova of [LARGEST, LARGEST - 1n, 0n, 1n]) p.iommufd(fd, MAP, { flags: READ_WRITE, ioas_id: id, user_va: buffer.address, length: PAGE, iova });
  }),
  vfioScenario({ id: 'iommufd/map/flags', title: 'Every flag beyond the three is refused, the one that was proposed to reserve IOVAs too', clauses: [`${MAP}/flags`, `${MAP}/direction`] }, (p) => {
    const { fd, id } = newIoas(p);
    const buffer = p.memory();
    for (let bit = 0n; bit < 32n; bit++) p.iommufd(fd, MAP, { flags: 1n << bit, ioas_id: id, user_va: buffer.address, length: PAGE, iova: AT });
    unmapAll(p, { fd, id });
  }),
  vfioScenario({ id: 'iommufd/map/reply', title: 'Where the answer cannot be written the mapping stays: at a place that was asked for, and at one that the kernel chose', clauses: [`${MAP}/answer-pointer`, 'IOMMU_IOAS_UNMAP/unmapped'] }, (p) => {
    const ioas = newIoas(p);
    const buffer = p.memory();
    mapAt(p, ioas, buffer.address, AT, PAGE, READ_WRITE, { pointer: 'read-only' });
    mapAt(p, ioas, buffer.address, AT, PAGE);
    unmap(p, ioas, AT, PAGE);
    mapAnywhere(p, ioas, buffer.address, PAGE, { pointer: 'read-only' });
    unmapAll(p, ioas);
  }),
  vfioScenario({ id: 'iommufd/map/small-pages', title: 'Without large pages every IOVA, length and address is to be of whole system pages', clauses: [`${MAP}/iova-alignment`, `${MAP}/length-alignment`, `${MAP}/offset`, `${MAP}/address-alignment`] }, (p) => {
    const ioas = newIoas(p);
    const buffer = p.memory();
    smallPages(p, ioas);
    for (const [address, iova, length] of [
      [0n, 0x800n, PAGE],
      [0n, 0n, PAGE + 0x800n],
      [0x800n, 0n, PAGE],
      [0x800n, 0x800n, 0x800n],
      [0n, 0n, PAGE],
    ] as const) mapAt(p, ioas, buffer.at(address), AT + iova, length);
    mapAnywhere(p, ioas, buffer.at(0x800n), PAGE);
    mapAnywhere(p, ioas, buffer.address, PAGE);
    option(p, ioas.fd, 1n, 0n, ioas.id, 1n);
    mapAt(p, ioas, buffer.at(0x800n), 2n * AT + 0x800n, 0x800n);
  }),
  vfioScenario({ id: 'iommufd/map/system-page', title: 'Without large pages one system page is the least that can be mapped', clauses: [`${MAP}/mapped`, `${MAP}/length-alignment`] }, (p) => {
    const ioas = newIoas(p);
    const buffer = p.memory();
    const page = { from: 'system.page' };
    smallPages(p, ioas);
    mapAt(p, ioas, buffer.address, AT, page);
    mapAt(p, ioas, buffer.address, plus(page, AT), plus(page, -1n));
    mapAt(p, ioas, buffer.address, plus(page, AT), page, READ);
    unmapAll(p, ioas);
  }),
];
