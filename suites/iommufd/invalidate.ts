import type { VfioProgramBuilder } from '../../harness/build/vfio-program-builder.js';
import { vfioScenario } from '../../harness/build/scenario-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import type { Term } from '../../reference/doors/term.js';
import { CACHE, guest, IOTLB, mock, nested, SELFTEST, table, vdevice, words } from './virtual-steps.js';

const NAME = 'IOMMU_HWPT_INVALIDATE';
const TABLE_ENTRY = 8n;
const DEVICE_ENTRY = 12n;

/** Invalidates `count` entries that begin at an address. */
const invalidate = (p: VfioProgramBuilder, fd: Term, id: Term, at: Term, count: bigint, args: Readonly<Record<string, Term>> = {}): VfioProgramBuilder =>
  p.iommufd(fd, NAME, { hwpt_id: id, data_uptr: at, data_type: SELFTEST, entry_len: TABLE_ENTRY, entry_num: count, ...args });

/** Looks what is kept at every place of a table, and one beyond. */
function look(p: VfioProgramBuilder, fd: Term, id: Term, kept: readonly bigint[]): void {
  for (const [place, iotlb] of [...kept, 0n].entries()) p.iommufd(fd, 'IOMMU_TEST_OP_MD_CHECK_IOTLB', { id, place: BigInt(place), iotlb });
}

/** The same of a device. */
function lookAtDevice(p: VfioProgramBuilder, fd: Term, id: Term, kept: readonly bigint[]): void {
  for (const [place, cache] of [...kept, 0n].entries()) p.iommufd(fd, 'IOMMU_TEST_OP_DEV_CHECK_CACHE', { id, place: BigInt(place), cache });
}

function onTable(p: VfioProgramBuilder): { readonly fd: Term; readonly id: Term } {
  const fd = p.iommu();
  const ioas = p.ioas(fd);
  const device = mock(p, fd, ioas);
  return { fd, id: nested(p, fd, device, table(p, fd, device, ioas, 'parent', { flags: 1n }), 'nested') };
}

const KEPT = [IOTLB, IOTLB, IOTLB, IOTLB];

/** Invalidations: entries are done in order, and their number is told whatever comes. */
export const scenarios: readonly Scenario[] = [
  vfioScenario(
    { id: 'iommufd/invalidate/entries', title: 'Entries are done in order to the first that is wrong, and their number is told', clauses: [`${NAME}/done`, `${NAME}/counted`, `${NAME}/entry`, 'IOMMU_TEST_OP_MD_CHECK_IOTLB/same', 'IOMMU_TEST_OP_MD_CHECK_IOTLB/kept'] },
    (p) => {
      const { fd, id } = onTable(p);
      look(p, fd, id, KEPT);
      const data = words(p, 0n, 0n, 0n, 4n, 0n, 1n, 2n, 2n, 0n, 2n, 1n, 3n);
      invalidate(p, fd, id, data.address, 2n);
      look(p, fd, id, [0n, IOTLB, IOTLB, IOTLB]);
      invalidate(p, fd, id, data.at(16n), 3n);
      look(p, fd, id, [0n, 0n, IOTLB, IOTLB]);
      invalidate(p, fd, id, data.at(32n), 1n);
      invalidate(p, fd, id, data.at(40n), 1n);
      look(p, fd, id, [0n, 0n, 0n, 0n]);
    },
  ),
  vfioScenario({ id: 'iommufd/invalidate/nothing', title: 'No entries are done without a look at the pointer or the length, but the type must be right', clauses: [`${NAME}/done`, `${NAME}/type`] }, (p) => {
    const { fd, id } = onTable(p);
    invalidate(p, fd, id, 0n, 0n, { entry_len: 0n });
    invalidate(p, fd, id, 0n, 0n, { data_type: 0xdad_beefn });
  }),
  vfioScenario({ id: 'iommufd/invalidate/limits', title: 'Entries of more than a page, too many, without a pointer or a length are refused before anything else of them', clauses: [`${NAME}/entries`, `${NAME}/entry-length`] }, (p) => {
    const { fd, id } = onTable(p);
    const data = words(p, 0n);
    const page = { from: 'system.page' };
    invalidate(p, fd, id, data.address, 1n, { entry_len: page });
    invalidate(p, fd, id, data.address, 1n, { entry_len: { ...page, plus: 1n } });
    invalidate(p, fd, id, data.address, (1n << 19n) + 1n);
    invalidate(p, fd, id, 0n, 1n);
    for (const length of [1n, TABLE_ENTRY - 1n, TABLE_ENTRY + 1n]) invalidate(p, fd, id, data.address, 1n, { entry_len: length });
  }),
  vfioScenario({ id: 'iommufd/invalidate/unreadable', title: 'Where entries end in memory that is not there, those before are done and told', clauses: [`${NAME}/entry`, `${NAME}/counted`] }, (p) => {
    const { fd, id } = onTable(p);
    const data = p.memory(0x2_0000n);
    p.do({ door: 'user', op: 'unmap', address: data.at(0x1_0000n), length: 0x1_0000n });
    p.store(data.at(0x1_0000n - 8n), [0n, 3n], 4);
    invalidate(p, fd, id, data.at(0x1_0000n - 8n), 3n);
    look(p, fd, id, [IOTLB, IOTLB, IOTLB, 0n]);
  }),
  vfioScenario({ id: 'iommufd/invalidate/answerless', title: 'Where the answer cannot be written, what was to be invalidated is all the same', clauses: [`${NAME}/answer-pointer`, 'IOMMU_TEST_OP_MD_CHECK_IOTLB/same'] }, (p) => {
    const { fd, id } = onTable(p);
    const data = words(p, 0n, 2n);
    p.iommufd(fd, NAME, { hwpt_id: id, data_uptr: data.address, data_type: SELFTEST, entry_len: TABLE_ENTRY, entry_num: 1n }, { pointer: 'read-only' });
    look(p, fd, id, [IOTLB, IOTLB, 0n, IOTLB]);
  }),
  vfioScenario(
    { id: 'iommufd/invalidate/devices', title: "A guest invalidates what its own devices keep, by the numbers that it knows them by, and nobody else's", clauses: [`${NAME}/done`, `${NAME}/entry`, `${NAME}/counted`, 'IOMMU_TEST_OP_DEV_CHECK_CACHE/same', 'IOMMU_TEST_OP_DEV_CHECK_CACHE/kept'] },
    (p) => {
      const { fd, ioas, device, viommu } = guest(p);
      const other = mock(p, fd, ioas, 'other');
      vdevice(p, fd, viommu, device, 0x99n);
      const all = (kept: bigint): bigint[] => [kept, kept, kept, kept];
      const data = words(p, 0n, 0x99n, 0n, 0n, 0x98n, 1n, 0n, 0x99n, 1n, 0n, 0x99n, 4n, 2n, 0x99n, 2n, 1n, 0x99n, 3n);
      for (const [at, count] of [[0n, 2n], [24n, 2n], [36n, 1n], [48n, 1n]] as const) invalidate(p, fd, viommu, data.at(at), count, { entry_len: DEVICE_ENTRY });
      lookAtDevice(p, fd, device.id, [0n, 0n, CACHE, CACHE].with(1, 0n));
      invalidate(p, fd, viommu, data.at(60n), 1n, { entry_len: DEVICE_ENTRY });
      lookAtDevice(p, fd, device.id, all(0n));
      lookAtDevice(p, fd, other.id, all(CACHE));
    },
  ),
  vfioScenario(
    { id: 'iommufd/invalidate/device-entries', title: 'Entries for devices may be shorter than the driver knows, and longer where what lies beyond is zero; one that cannot be read stops all', clauses: [`${NAME}/entry-length`, `${NAME}/done`, `${NAME}/entry`] },
    (p) => {
      const { fd, device, viommu } = guest(p);
      vdevice(p, fd, viommu, device, 0n);
      const data = words(p, 0n, 0n, 0n, 0n, 0n, 0n, 0n, 1n);
      for (const length of [4n, 8n, 16n]) invalidate(p, fd, viommu, data.address, 1n, { entry_len: length });
      invalidate(p, fd, viommu, data.address, 2n, { entry_len: 16n });
      invalidate(p, fd, viommu, data.at(data.length - 12n), 2n, { entry_len: DEVICE_ENTRY });
      invalidate(p, fd, viommu, 0n, 0n, { data_type: 0xdad_beefn });
      invalidate(p, fd, viommu, 0n, 0n);
    },
  ),
];
