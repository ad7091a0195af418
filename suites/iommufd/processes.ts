import { vfioScenario } from '../../harness/build/scenario-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import { IOAS_MAP, OPTION } from '../../reference/uapi/iommufd.js';
import { AT, copy, mapAnywhere, mapAt, newIoas, option, PAGE, pages, READ_WRITE, unmap, unmapAll } from './steps.js';

const CHANGE = 'IOMMU_IOAS_CHANGE_PROCESS';

/** Contexts that several processes share, and what becomes of what one of them mapped. */
export const scenarios: readonly Scenario[] = [
  vfioScenario({ id: 'iommufd/processes/shared', title: 'A child works on the context of its parent, and the parent sees what it did', clauses: ['IOMMU_IOAS_MAP/mapped', 'IOMMU_IOAS_UNMAP/unmapped', 'IOMMU_IOAS_ALLOC/made'] }, (p) => {
    const ioas = newIoas(p);
    const buffer = p.memory();
    mapAt(p, ioas, buffer.address, AT, PAGE);
    const by = p.fork();
    p.iommufd(ioas.fd, 'IOMMU_IOAS_ALLOC', {}, { by });
    mapAt(p, ioas, buffer.address, AT, PAGE, READ_WRITE, { by });
    mapAt(p, ioas, buffer.address, AT + PAGE, PAGE, READ_WRITE, { by });
    unmap(p, ioas, AT, pages(2n));
    p.ioas(ioas.fd);
  }),
  ...(['exit', 'kill'] as const).map((end) =>
    vfioScenario({ id: `iommufd/processes/mapper-${end}`, title: `What a process mapped stays when it is gone (${end}), and can be copied and unmapped by another`, clauses: ['IOMMU_IOAS_COPY/copied', 'IOMMU_IOAS_UNMAP/unmapped'] }, (p) => {
      const ioas = newIoas(p);
      const by = p.fork();
      const buffer = p.memory(PAGE, { by });
      mapAt(p, ioas, buffer.address, AT, PAGE, READ_WRITE, { by });
      p[end](by);
      mapAt(p, ioas, 0n, AT, PAGE);
      copy(p, ioas, AT, ioas, 2n * AT, PAGE);
      unmap(p, ioas, AT, PAGE);
      unmapAll(p, ioas);
    }),
  ),
  vfioScenario({ id: 'iommufd/processes/last-descriptor', title: 'The context ends with its last descriptor, whichever process has it', clauses: ['close/closed', 'IOMMU_IOAS_MAP/mapped'] }, (p) => {
    const ioas = newIoas(p);
    const by = p.fork();
    p.close(ioas.fd);
    mapAt(p, ioas, 0n, AT, PAGE, READ_WRITE, { by });
    mapAt(p, ioas, 0n, AT, PAGE, READ_WRITE, { by });
    p.exit(by);
    newIoas(p);
  }),
  vfioScenario({ id: 'iommufd/processes/change-empty', title: 'A context with nothing mapped changes its process, with or without an IOAS', clauses: [`${CHANGE}/changed`] }, (p) => {
    const fd = p.iommu();
    p.iommufd(fd, CHANGE);
    p.ioas(fd);
    const by = p.fork();
    p.iommufd(fd, CHANGE, {}, { by });
    p.iommufd(fd, CHANGE);
  }),
  vfioScenario({ id: 'iommufd/processes/change-files', title: 'A context changes its process where all that is mapped is of files, in whatever IOAS', clauses: [`${CHANGE}/changed`, `${CHANGE}/memory`] }, (p) => {
    const first = newIoas(p);
    const second = newIoas(p, first.fd);
    const file = p.file(pages(2n));
    for (const { fd, id } of [first, second]) p.iommufd(fd, 'IOMMU_IOAS_MAP_FILE', { flags: READ_WRITE | IOAS_MAP.FIXED_IOVA, ioas_id: id, fd: file, length: PAGE, iova: AT });
    const by = p.fork();
    p.iommufd(first.fd, CHANGE, {}, { by });
    mapAnywhere(p, second, p.memory(PAGE).address, PAGE, { as: 'memory' });
    p.iommufd(first.fd, CHANGE, {}, { by });
    p.iommufd(first.fd, CHANGE);
    unmap(p, second, { from: 'memory.iova' }, PAGE);
    p.iommufd(first.fd, CHANGE);
  }),
  vfioScenario({ id: 'iommufd/processes/limit', title: 'Without a page table nothing is pinned, and no limit of locked memory is met, whoever would be charged', clauses: ['IOMMU_IOAS_MAP/mapped', 'ledger/locked'], requires: ['limit'] }, (p) => {
    p.limit(0n);
    for (const mode of [0n, 1n]) {
      const fd = p.iommu();
      option(p, fd, OPTION.RLIMIT_MODE, OPTION.SET, 0n, mode);
      const ioas = newIoas(p, fd);
      mapAt(p, ioas, p.memory().address, AT, pages(4n));
      copy(p, ioas, AT, ioas, 2n * AT, pages(4n));
      p.iommufd(fd, CHANGE);
      unmapAll(p, ioas);
      p.iommufd(fd, CHANGE);
    }
  }),
];
