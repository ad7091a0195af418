import { vfioScenario } from '../../harness/build/scenario-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import { OPTION, VFIO_IOAS } from '../../reference/uapi/iommufd.js';
import { AT, mapAt, newIoas, option, PAGE, smallPages, unmapAll } from './steps.js';

const NAME = 'IOMMU_OPTION';
const { RLIMIT_MODE, HUGE_PAGES, SET, GET } = OPTION;

/** The options of a context and of an IOAS, and which IOAS is VFIO's. */
export const scenarios: readonly Scenario[] = [
  vfioScenario({ id: 'iommufd/options/rlimit-mode', title: 'Who is charged is the user at first; an empty context can change it, and its value is told', clauses: [`${NAME}/answer`, `${NAME}/val64`, `${NAME}/op`] }, (p) => {
    const fd = p.iommu();
    for (const [op, value] of [[GET, 7n], [SET, 1n], [GET, 0n], [SET, 0n], [GET, 7n], [SET, 2n], [SET, 1n << 32n], [2n, 0n], [0xffffn, 0n], [SET, 1n], [SET, 2n], [GET, 7n]] as const) option(p, fd, RLIMIT_MODE, op, 0n, value);
  }),
  vfioScenario({ id: 'iommufd/options/rlimit-in-use', title: 'With any object in the context it cannot be changed who is charged, to whatever value; when the last is gone it can', clauses: [`${NAME}/rlimit-in-use`, `${NAME}/answer`, `${NAME}/rlimit-object`] }, (p) => {
    const { fd, id } = newIoas(p);
    for (const value of [0n, 1n, 2n]) option(p, fd, RLIMIT_MODE, SET, 0n, value);
    option(p, fd, RLIMIT_MODE, GET, 0n);
    option(p, fd, RLIMIT_MODE, GET, id);
    p.iommufd(fd, 'IOMMU_DESTROY', { id });
    option(p, fd, RLIMIT_MODE, SET, 0n, 1n);
    p.ioas(fd);
    option(p, fd, RLIMIT_MODE, GET, 0n);
    option(p, p.iommu(), RLIMIT_MODE, GET, 0n);
  }),
  vfioScenario({ id: 'iommufd/options/huge-pages', title: 'An IOAS uses large pages at first; each IOAS by itself', clauses: [`${NAME}/answer`, `${NAME}/val64`, `${NAME}/object_id`] }, (p) => {
    const { fd, id } = newIoas(p);
    const other = p.ioas(fd);
    option(p, fd, HUGE_PAGES, GET, id, 7n);
    for (const value of [0n, 0n, 2n, 1n << 32n]) {
      option(p, fd, HUGE_PAGES, SET, id, value);
      option(p, fd, HUGE_PAGES, GET, id);
    }
    option(p, fd, HUGE_PAGES, GET, other);
    option(p, fd, HUGE_PAGES, SET, id, 1n);
    option(p, fd, HUGE_PAGES, GET, id);
    option(p, fd, HUGE_PAGES, GET, 0n);
  }),
  vfioScenario({ id: 'iommufd/options/align-change', title: 'Large pages can be given up only while all that is mapped is of whole system pages', clauses: [`${NAME}/large-aligned`, `${NAME}/answer`] }, (p) => {
    const ioas = newIoas(p);
    const buffer = p.memory();
    for (const [address, iova, length] of [[0x800n, 0n, PAGE], [0n, 0x800n, PAGE], [0n, 0n, PAGE - 0x800n]] as const) {
      mapAt(p, ioas, buffer.at(address), AT + iova, length);
      smallPages(p, ioas);
      option(p, ioas.fd, HUGE_PAGES, GET, ioas.id);
      unmapAll(p, ioas);
    }
    mapAt(p, ioas, buffer.address, AT, PAGE);
    smallPages(p, ioas);
    option(p, ioas.fd, HUGE_PAGES, SET, ioas.id, 1n);
    mapAt(p, ioas, buffer.at(0x800n), 2n * AT, 0x800n);
    smallPages(p, ioas);
  }),
  vfioScenario({ id: 'iommufd/options/reply', title: 'Where the answer cannot be written the option is set', clauses: [`${NAME}/answer-pointer`, `${NAME}/answer`] }, (p) => {
    const { fd, id } = newIoas(p);
    option(p, fd, HUGE_PAGES, SET, id, 0n, { pointer: 'read-only' });
    option(p, fd, HUGE_PAGES, GET, id);
    const empty = p.iommu();
    option(p, empty, RLIMIT_MODE, SET, 0n, 1n, { pointer: 'read-only' });
    option(p, empty, RLIMIT_MODE, GET, 0n);
  }),
  vfioScenario({ id: 'iommufd/options/vfio-ioas', title: "VFIO's IOAS is set, told and cleared; destroying it leaves none, and does not fail for it", clauses: ['IOMMU_VFIO_IOAS/answer', 'IOMMU_VFIO_IOAS/none', 'IOMMU_VFIO_IOAS/ioas_id', 'IOMMU_DESTROY/destroyed'] }, (p) => {
    const { fd, id } = newIoas(p);
    const other = p.ioas(fd);
    const vfioIoas = (op: bigint, ioas_id: typeof id = 0n): void => void p.iommufd(fd, 'IOMMU_VFIO_IOAS', { op, ioas_id });
    vfioIoas(VFIO_IOAS.GET);
    vfioIoas(VFIO_IOAS.CLEAR);
    vfioIoas(VFIO_IOAS.SET);
    for (const which of [id, other]) {
      vfioIoas(VFIO_IOAS.SET, which);
      vfioIoas(VFIO_IOAS.GET, 77n);
    }
    vfioIoas(VFIO_IOAS.SET, 77n);
    vfioIoas(VFIO_IOAS.GET);
    vfioIoas(VFIO_IOAS.CLEAR, 77n);
    vfioIoas(VFIO_IOAS.GET);
    vfioIoas(VFIO_IOAS.SET, other);
    p.iommufd(fd, 'IOMMU_DESTROY', { id: other });
    vfioIoas(VFIO_IOAS.GET);
    p.ioas(fd);
    vfioIoas(VFIO_IOAS.GET);
    vfioIoas(3n);
  }),
];
