import { vfioScenario } from '../../harness/build/scenario-builder.js';
import type { VfioProgramBuilder } from '../../harness/build/vfio-program-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import { IOAS_MAP, VFIO_IOAS } from '../../reference/uapi/iommufd.js';
import { IOMMU_TYPE } from '../../reference/uapi/vfio.js';
import { allow, AT, copy, mapAnywhere, mapAt, newIoas, pages, PAGE, READ_WRITE, smallPages, unmap, unmapAll, type IoasHandle } from './steps.js';

/* What only an IOAS with a page table or with reserved IOVAs refuses: the kernel's test driver has both. */

/** Makes the IOAS VFIO's too. */
const compatible = (p: VfioProgramBuilder, { fd, id }: IoasHandle): VfioProgramBuilder => p.iommufd(fd, 'IOMMU_VFIO_IOAS', { op: VFIO_IOAS.SET, ioas_id: id });

const FIXED = READ_WRITE | IOAS_MAP.FIXED_IOVA;

/** Maps in every way at an IOVA: memory, a file, by VFIO, and a copy of what another IOAS has there. */
function everyWay(p: VfioProgramBuilder, from: IoasHandle, to: IoasHandle, file: { readonly from: string }, user_va: { readonly from: string }, length: bigint): void {
  mapAt(p, to, user_va, AT, length);
  p.iommufd(to.fd, 'IOMMU_IOAS_MAP_FILE', { flags: FIXED, ioas_id: to.id, fd: file, length, iova: AT });
  p.ioctl(to.fd, 'VFIO_IOMMU_MAP_DMA', { flags: 3n, vaddr: user_va, iova: AT, size: length });
  copy(p, from, AT, to, AT, length);
}

const CALLS = ['IOMMU_IOAS_MAP', 'IOMMU_IOAS_MAP_FILE', 'IOMMU_IOAS_COPY', 'TYPE1_MAP_DMA'] as const;

export const scenarios: readonly Scenario[] = [
  vfioScenario({ id: 'iommufd/with-table/reserved', title: 'What is reserved can be neither mapped, in any way, nor allowed', clauses: [...CALLS.map((call) => `${call}/reserved`), 'IOMMU_IOAS_ALLOW_IOVAS/reserved'], requires: ['mock'] }, (p) => {
    const from = newIoas(p);
    const to = newIoas(p, from.fd);
    const [buffer, array] = [p.memory(), p.memory(PAGE)];
    compatible(p, to);
    mapAt(p, from, buffer.address, AT, PAGE);
    p.iommufd(to.fd, 'IOMMU_TEST_OP_ADD_RESERVED', { id: to.id, start: AT, length: PAGE });
    everyWay(p, from, to, p.file(PAGE) as { from: string }, buffer.address as { from: string }, PAGE);
    allow(p, to, array, [AT + PAGE - 1n, AT + pages(2n)]);
    allow(p, to, array, [AT + PAGE, AT + pages(2n)]);
  }),
  vfioScenario({ id: 'iommufd/with-table/memory', title: 'With a page table, memory that is not there is refused in every way, and nothing is mapped', clauses: CALLS.map((call) => `${call}/memory`), requires: ['mock'] }, (p) => {
    const from = newIoas(p);
    const to = newIoas(p, from.fd);
    const hole = p.memory(PAGE);
    compatible(p, to);
    mapAt(p, from, hole.address, AT, PAGE);
    p.munmap(hole);
    p.iommufd(to.fd, 'IOMMU_TEST_OP_MOCK_DOMAIN', { id: to.id });
    everyWay(p, from, to, p.file(0n, 'plain') as { from: string }, hole.address as { from: string }, PAGE);
  }),
  vfioScenario({ id: 'iommufd/with-table/limit', title: 'With a page table, memory beyond the limit is refused in every way, and nothing is charged', clauses: CALLS.map((call) => `${call}/limit`), requires: ['mock', 'limit'] }, (p) => {
    p.limit(PAGE - 1n);
    const from = newIoas(p);
    const to = newIoas(p, from.fd);
    const buffer = p.memory();
    compatible(p, to);
    mapAt(p, from, buffer.address, AT, pages(2n));
    p.iommufd(to.fd, 'IOMMU_TEST_OP_MOCK_DOMAIN', { id: to.id });
    everyWay(p, from, to, p.file(pages(2n)) as { from: string }, buffer.address as { from: string }, pages(2n));
  }),
  vfioScenario({ id: 'iommufd/with-table/change-limit', title: 'Another process that may not lock what is pinned cannot take it over, and nothing changes', clauses: ['IOMMU_IOAS_CHANGE_PROCESS/limit', 'ledger/locked'], requires: ['mock', 'limit'] }, (p) => {
    const fd = p.iommu();
    p.iommufd(fd, 'IOMMU_OPTION', { option_id: 0n, op: 0n, val64: 1n });
    p.limit(pages(4n));
    const ioas = newIoas(p, fd);
    p.iommufd(fd, 'IOMMU_TEST_OP_MOCK_DOMAIN', { id: ioas.id });
    p.iommufd(fd, 'IOMMU_IOAS_MAP_FILE', { flags: FIXED, ioas_id: ioas.id, fd: p.file(pages(2n)), length: pages(2n), iova: AT });
    const by = p.fork();
    p.limit(PAGE, by);
    p.iommufd(fd, 'IOMMU_IOAS_CHANGE_PROCESS', {}, { by });
    p.limit(pages(2n), by);
    p.iommufd(fd, 'IOMMU_IOAS_CHANGE_PROCESS', {}, { by });
  }),
  vfioScenario({ id: 'iommufd/with-table/automatic', title: 'With a page table the kernel still chooses a place, for memory that is as aligned as the page of the table', clauses: ['IOMMU_IOAS_MAP/mapped', 'IOMMU_IOAS_MAP/address-alignment', 'IOMMU_IOAS_MAP_FILE/mapped', 'IOMMU_IOAS_COPY/copied'], requires: ['mock'] }, (p) => {
    const ioas = newIoas(p);
    const [buffer, file] = [p.memory(), p.file(pages(2n))];
    p.iommufd(ioas.fd, 'IOMMU_TEST_OP_MOCK_DOMAIN', { id: ioas.id });
    for (const length of [0x800n, PAGE, pages(3n)]) mapAnywhere(p, ioas, buffer.address, length, { as: `mapped${length}` });
    mapAnywhere(p, ioas, buffer.at(0x400n), PAGE);
    p.iommufd(ioas.fd, 'IOMMU_IOAS_MAP_FILE', { flags: READ_WRITE, ioas_id: ioas.id, fd: file, length: PAGE });
    p.iommufd(ioas.fd, 'IOMMU_IOAS_COPY', { flags: READ_WRITE, dst_ioas_id: ioas.id, src_ioas_id: ioas.id, length: PAGE, src_iova: { from: `mapped${PAGE}.iova` } });
    unmapAll(p, ioas);
  }),
  vfioScenario({ id: 'iommufd/with-table/pinned', title: 'What a page table has is pinned once, copies and second tables or not, and counts as pinned whoever is charged', clauses: ['ledger/pinned', 'ledger/locked', 'IOMMU_IOAS_COPY/copied', 'IOMMU_IOAS_UNMAP/unmapped', 'IOMMU_DESTROY/destroyed'], requires: ['mock', 'limit'] }, (p) => {
    for (const mode of [0n, 1n]) {
      const fd = p.iommu();
      p.iommufd(fd, 'IOMMU_OPTION', { option_id: 0n, op: 0n, val64: mode });
      const ioas = newIoas(p, fd);
      const buffer = p.memory();
      mapAt(p, ioas, buffer.address, AT, pages(4n));
      for (const as of ['first', 'second']) p.iommufd(fd, 'IOMMU_TEST_OP_MOCK_DOMAIN', { id: ioas.id }, { as: `${as}${mode}` });
      copy(p, ioas, AT + PAGE, ioas, 2n * AT, pages(2n));
      unmap(p, ioas, AT, pages(4n));
      for (const as of ['first', 'second']) p.iommufd(fd, 'IOMMU_DESTROY', { id: { from: `${as}${mode}.out_stdev_id` } });
      unmapAll(p, ioas);
      // From here on somebody is charged.
      p.limit(pages(64n));
    }
  }),
  vfioScenario({ id: 'iommufd/with-table/large-pages', title: 'Large pages cannot be given up while a page table has something mapped', clauses: ['IOMMU_OPTION/large-mapped', 'TYPE1_SET_IOMMU/large-mapped'], requires: ['mock'] }, (p) => {
    const ioas = newIoas(p);
    compatible(p, ioas);
    p.iommufd(ioas.fd, 'IOMMU_TEST_OP_MOCK_DOMAIN', { id: ioas.id });
    mapAt(p, ioas, p.memory().address, AT, PAGE);
    smallPages(p, ioas);
    p.ioctl(ioas.fd, 'VFIO_SET_IOMMU', { value: BigInt(IOMMU_TYPE.TYPE1) });
  }),
];
