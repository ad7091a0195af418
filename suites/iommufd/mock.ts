import { vfioScenario } from '../../harness/build/scenario-builder.js';
import type { VfioProgramBuilder } from '../../harness/build/vfio-program-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import type { Term } from '../../reference/doors/term.js';
import { bound, destroy, map, PAGE, table } from './device-steps.js';

/* The behaviours that the kernel's own selftests assert with its test driver (tools/testing/selftests/iommu/iommufd.c), as programs. */

const MAKE = 'IOMMU_TEST_OP_MOCK_DOMAIN';
const MAKE_FLAGS = 'IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS';
const REPLACE = 'IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE';
const CHECK_MAP = 'IOMMU_TEST_OP_MD_CHECK_MAP';
const CHECK_REFS = 'IOMMU_TEST_OP_MD_CHECK_REFS';

/** The test driver translates it, and it is a multiple of every page. */
const IOVA = 0x2000_0000n;

interface Mock {
  readonly stdev: Term;
  readonly id: Term;
  readonly table: Term;
}

/** A device of the test driver, attached to an IOAS or a page table. */
function mock(p: VfioProgramBuilder, iommu: Term, to: Term, as: string, flags?: bigint): Mock {
  p.iommufd(iommu, flags === undefined ? MAKE : MAKE_FLAGS, { id: to, ...(flags !== undefined && { dev_flags: flags }) }, { as });
  return { stdev: { from: `${as}.out_stdev_id` }, id: { from: `${as}.out_idev_id` }, table: { from: `${as}.out_hwpt_id` } };
}

const replace = (p: VfioProgramBuilder, iommu: Term, { stdev }: Mock, to: Term, as?: string): VfioProgramBuilder => p.iommufd(iommu, REPLACE, { id: stdev, pt_id: to }, as === undefined ? {} : { as });

const checkMap = (p: VfioProgramBuilder, iommu: Term, of: Term, uptr: Term, iova = IOVA, length = PAGE): VfioProgramBuilder => p.iommufd(iommu, CHECK_MAP, { id: of, iova, length, uptr });

const checkRefs = (p: VfioProgramBuilder, iommu: Term, uptr: Term, refs: bigint, length = PAGE): VfioProgramBuilder => p.iommufd(iommu, CHECK_REFS, { uptr, length, refs });

const unmap = (p: VfioProgramBuilder, iommu: Term, ioas: Term, iova = IOVA, length = PAGE): VfioProgramBuilder => p.iommufd(iommu, 'IOMMU_IOAS_UNMAP', { ioas_id: ioas, iova, length });

/** Memory with pages of its own. */
function buffer(p: VfioProgramBuilder): ReturnType<VfioProgramBuilder['memory']> {
  const memory = p.memory(2n * PAGE);
  for (const offset of [0n, PAGE]) p.fill(memory.at(offset), Number(PAGE) - 1, 0x11);
  return memory;
}

const tables: readonly Scenario[] = [
  vfioScenario(
    { id: 'iommufd/mock/basic', title: 'What is mapped is in the page table, page for page, and pinned once; what is unmapped is in none', clauses: [`${MAKE}/made`, `${CHECK_MAP}/same`, `${CHECK_MAP}/page`, `${CHECK_REFS}/same`] },
    (p) => {
      const [iommu, memory] = [p.iommu(), buffer(p)];
      const ioas = p.ioas(iommu);
      const device = mock(p, iommu, ioas, 'mock');
      checkRefs(p, iommu, memory.address, 0n, 2n * PAGE);
      map(p, iommu, ioas, memory.address, IOVA, 2n * PAGE);
      checkMap(p, iommu, device.table, memory.address, IOVA, 2n * PAGE);
      checkMap(p, iommu, device.table, memory.at(PAGE), IOVA);
      checkRefs(p, iommu, memory.address, 1n, 2n * PAGE);
      unmap(p, iommu, ioas, IOVA, 2n * PAGE);
      checkMap(p, iommu, device.table, memory.address);
      checkRefs(p, iommu, memory.address, 0n, 2n * PAGE);
      map(p, iommu, ioas, p.memory(PAGE).at(-PAGE), IOVA);
    },
  ),
  vfioScenario(
    { id: 'iommufd/mock/two-devices', title: 'Devices of one IOAS share its page table, and memory is pinned once however many tables and copies there are', clauses: [`${MAKE}/made`, `${CHECK_REFS}/same`, 'IOMMU_DESTROY/in-use'] },
    (p) => {
      const [iommu, memory] = [p.iommu(), buffer(p)];
      const [ioas, other] = [p.ioas(iommu), p.ioas(iommu)];
      const devices = ['first', 'second'].map((as) => mock(p, iommu, ioas, as));
      const own = p.iommufd(iommu, 'IOMMU_HWPT_ALLOC', { dev_id: devices[0]!.id, pt_id: ioas }, { as: 'own' });
      map(own, iommu, ioas, memory.address, IOVA);
      checkMap(p, iommu, devices[1]!.table, memory.address);
      checkMap(p, iommu, { from: 'own.out_hwpt_id' }, memory.address);
      checkRefs(p, iommu, memory.address, 1n);
      mock(p, iommu, other, 'third');
      p.iommufd(iommu, 'IOMMU_IOAS_COPY', { flags: 7n, dst_ioas_id: other, src_ioas_id: ioas, length: PAGE, dst_iova: IOVA + PAGE, src_iova: IOVA });
      checkMap(p, iommu, { from: 'third.out_hwpt_id' }, memory.address, IOVA + PAGE);
      checkRefs(p, iommu, memory.address, 1n);
      for (const id of [ioas, devices[0]!.table, devices[0]!.id, { from: 'own.out_hwpt_id' }, devices[0]!.stdev, devices[0]!.table, devices[1]!.stdev, devices[1]!.table]) destroy(p, iommu, id);
      checkRefs(p, iommu, memory.address, 1n);
    },
  ),
  vfioScenario(
    { id: 'iommufd/mock/replace', title: 'A device goes from table to table: to itself, to one of its own, to another IOAS and back; a table made by attaching is gone then', clauses: [`${REPLACE}/replaced`, `${REPLACE}/table`, 'IOMMU_DESTROY/destroyed'] },
    (p) => {
      const [iommu, memory] = [p.iommu(), buffer(p)];
      const [ioas, other] = [p.ioas(iommu), p.ioas(iommu)];
      for (const space of [ioas, other]) map(p, iommu, space, memory.address, IOVA);
      const device = mock(p, iommu, ioas, 'mock');
      replace(p, iommu, device, ioas);
      replace(p, iommu, device, other, 'moved');
      checkMap(p, iommu, { from: 'moved.pt_id' }, memory.address);
      p.iommufd(iommu, 'IOMMU_HWPT_ALLOC', { dev_id: device.id, pt_id: ioas }, { as: 'own' });
      replace(p, iommu, device, { from: 'own.out_hwpt_id' });
      checkMap(p, iommu, { from: 'own.out_hwpt_id' }, memory.address);
      replace(p, iommu, device, 0x7fff_ffffn);
      destroy(p, iommu, { from: 'own.out_hwpt_id' });
      replace(p, iommu, device, ioas);
      destroy(p, iommu, { from: 'own.out_hwpt_id' });
      destroy(p, iommu, other);
      destroy(p, iommu, device.stdev);
      checkRefs(p, iommu, memory.address, 0n);
    },
  ),
  vfioScenario(
    {
      id: 'iommufd/mock/refused',
      title: 'What an IOAS has that the test driver cannot take is refused to a new device and to one that goes over, and leaves nothing behind',
      clauses: [MAKE, MAKE_FLAGS, REPLACE].flatMap((call) => ['aperture', 'alignment', 'memory', 'limit'].map((rule) => `${call}/${rule}`)).concat(`${MAKE}/kind`, `${MAKE_FLAGS}/kind`, `${MAKE_FLAGS}/made`),
      requires: ['limit'],
    },
    (p) => {
      const [iommu, memory] = [p.iommu(), buffer(p)];
      const [ioas, good] = [p.ioas(iommu), p.ioas(iommu)];
      const device = mock(p, iommu, good, 'mock', 4n);
      const all = (to: Term): void => {
        p.iommufd(iommu, MAKE, { id: to }).iommufd(iommu, MAKE_FLAGS, { id: to });
        replace(p, iommu, device, to);
      };
      all(device.stdev);
      for (const [address, iova, length] of [[memory.address, 0x1000n, 0x1000n], [memory.address, IOVA, 0x400n], [p.memory(PAGE).at(-PAGE), IOVA, PAGE]] as const) {
        map(p, iommu, ioas, address, iova, length);
        all(ioas);
        unmap(p, iommu, ioas, iova, length);
      }
      p.limit(0n);
      map(p, iommu, ioas, memory.address, IOVA);
      all(ioas);
      checkRefs(p, iommu, memory.address, 0n);
      destroy(p, iommu, ioas);
      // The numbers of what was refused are free.
      p.ioas(iommu);
    },
  ),
  vfioScenario(
    { id: 'iommufd/mock/drivers', title: "A page table of another driver is none of the test driver's, and one that tells what was written none of a device that cannot", clauses: [`${MAKE}/driver`, `${MAKE_FLAGS}/driver`, `${REPLACE}/driver`, `${CHECK_MAP}/driver`, 'IOMMU_TEST_OP_DIRTY/driver'], requires: ['paging', 'cdev', 'mock'] },
    (p) => {
      const [iommu, memory] = [p.iommu(), buffer(p)];
      const ioas = p.ioas(iommu);
      const foreign = table(p, iommu, bound(p, iommu), ioas, 'foreign');
      const device = mock(p, iommu, ioas, 'mock');
      p.iommufd(iommu, MAKE, { id: foreign }).iommufd(iommu, MAKE_FLAGS, { id: foreign });
      replace(p, iommu, device, foreign);
      checkMap(p, iommu, foreign, memory.address);
      p.iommufd(iommu, 'IOMMU_TEST_OP_DIRTY', { id: foreign, iova: IOVA, length: PAGE, page_size: PAGE, uptr: memory.address });
    },
  ),
  vfioScenario(
    { id: 'iommufd/mock/reserved', title: 'Reserved IOVAs and promised ones exclude each other, and what is reserved is not mapped', clauses: ['IOMMU_TEST_OP_ADD_RESERVED/reserved', 'IOMMU_TEST_OP_ADD_RESERVED/taken'] },
    (p) => {
      const [iommu, memory] = [p.iommu(), buffer(p)];
      const ioas = p.ioas(iommu);
      const reserve = (start: bigint, length = PAGE): VfioProgramBuilder => p.iommufd(iommu, 'IOMMU_TEST_OP_ADD_RESERVED', { id: ioas, start, length });
      reserve(IOVA);
      map(p, iommu, ioas, memory.address, IOVA);
      map(p, iommu, ioas, memory.address, IOVA + PAGE);
      reserve(IOVA + PAGE);
      reserve(IOVA, PAGE / 2n);
      unmap(p, iommu, ioas, IOVA + PAGE);
      reserve(IOVA + PAGE);
    },
  ),
];

const PARENT = 1n;
const TELLS = 2n;

const others: readonly Scenario[] = [
  vfioScenario(
    { id: 'iommufd/mock/nested', title: "A guest's page table rests on one that permits it, and on nothing else; a device can be attached to it and go back", clauses: ['IOMMU_HWPT_ALLOC/nested-made', 'IOMMU_HWPT_ALLOC/nested', 'IOMMU_HWPT_ALLOC/parent', 'IOMMU_HWPT_ALLOC/kind', 'IOMMU_DESTROY/in-use', 'IOMMU_HWPT_SET_DIRTY_TRACKING/hwpt_id'] },
    (p) => {
      const [iommu, data] = [p.iommu(), p.memory(PAGE)];
      const ioas = p.ioas(iommu);
      const device = mock(p, iommu, ioas, 'mock');
      const alloc = (on: Term, args: Readonly<Record<string, Term>>, as?: string): void => {
        p.iommufd(iommu, 'IOMMU_HWPT_ALLOC', { dev_id: device.id, pt_id: on, ...args }, as === undefined ? {} : { as });
      };
      const selftest = { data_type: 0xdeadn, data_len: 4n, data_uptr: data.address };
      p.store(data.address, [0xbad_beefn], 4);
      alloc(ioas, { flags: PARENT }, 'parent');
      const parent = { from: 'parent.out_hwpt_id' };
      alloc(device.table, selftest);
      alloc(parent, { ...selftest, flags: PARENT });
      alloc(parent, { ...selftest, data_type: 1n });
      alloc(parent, selftest, 'nested');
      const nested = { from: 'nested.out_hwpt_id' };
      alloc(nested, selftest);
      alloc(device.stdev, {});
      replace(p, iommu, device, nested);
      p.iommufd(iommu, 'IOMMU_HWPT_SET_DIRTY_TRACKING', { hwpt_id: nested });
      for (const id of [parent, nested]) destroy(p, iommu, id);
      replace(p, iommu, device, ioas);
      for (const id of [parent, nested, parent]) destroy(p, iommu, id);
    },
  ),
  vfioScenario(
    { id: 'iommufd/mock/hw-info', title: 'The buffer of GET_HW_INFO is cut or filled with zeros, its length and type are told, of a device with PASIDs how many', clauses: ['IOMMU_GET_HW_INFO/told', 'IOMMU_GET_HW_INFO/capabilities', 'IOMMU_GET_HW_INFO/type'] },
    (p) => {
      const [iommu, memory] = [p.iommu(), p.memory(PAGE)];
      const ioas = p.ioas(iommu);
      for (const [flags, as] of [[0n, 'plain'], [1n, 'blind'], [4n, 'pasids']] as const) {
        const { id } = mock(p, iommu, ioas, as, flags);
        for (const data_len of [0n, 4n, 8n, 12n, 64n]) {
          p.fill(memory.address, 128, 0xff).iommufd(iommu, 'IOMMU_GET_HW_INFO', { dev_id: id, data_len, data_uptr: memory.address }).load(memory.address, 128);
        }
        for (const type of [0xfeed_beefn, 1n, 0n]) p.iommufd(iommu, 'IOMMU_GET_HW_INFO', { dev_id: id, flags: 1n, out_data_type: type });
      }
    },
  ),
  vfioScenario(
    { id: 'iommufd/mock/dirty', title: 'Pages that were written are told once, or again with NO_CLEAR; enabling forgets them', clauses: ['IOMMU_TEST_OP_DIRTY/marked', 'IOMMU_HWPT_SET_DIRTY_TRACKING/set', 'IOMMU_HWPT_GET_DIRTY_BITMAP/told', 'IOMMU_TEST_OP_DIRTY/tracking'] },
    (p) => {
      const [iommu, memory, bits] = [p.iommu(), p.memory(4n * PAGE), p.memory(PAGE)];
      const ioas = p.ioas(iommu);
      const device = mock(p, iommu, ioas, 'mock');
      p.iommufd(iommu, 'IOMMU_HWPT_ALLOC', { dev_id: device.id, pt_id: ioas, flags: TELLS }, { as: 'telling' });
      const telling = { from: 'telling.out_hwpt_id' };
      // Each page by itself: the table may tell of larger pieces otherwise.
      for (const i of [0n, 1n, 2n, 3n]) map(p, iommu, ioas, memory.at(i * PAGE), IOVA + i * PAGE);
      const range = { iova: IOVA, length: 4n * PAGE, page_size: PAGE };
      const write = (pattern: bigint): VfioProgramBuilder => p.store(bits.address, [pattern]).iommufd(iommu, 'IOMMU_TEST_OP_DIRTY', { id: telling, uptr: bits.address, ...range });
      const ask = (flags: bigint): void => {
        p.store(bits.address, [0n]).iommufd(iommu, 'IOMMU_HWPT_GET_DIRTY_BITMAP', { hwpt_id: telling, flags, data: bits.address, ...range }).load(bits.address, 8);
      };
      const track = (flags: bigint): VfioProgramBuilder => p.iommufd(iommu, 'IOMMU_HWPT_SET_DIRTY_TRACKING', { hwpt_id: telling, flags });
      write(5n);
      track(1n);
      for (const flags of [1n, 1n, 0n, 0n]) {
        if (flags === 1n) write(5n);
        ask(flags);
      }
      write(10n);
      track(1n);
      ask(0n);
      track(0n);
      write(15n);
    },
  ),
  vfioScenario(
    { id: 'iommufd/mock/unknown', title: 'An operation that the test driver does not have is refused with EOPNOTSUPP', clauses: ['IOMMU_TEST_OP_UNKNOWN/op'] },
    (p) => {
      p.iommufd(p.iommu(), 'IOMMU_TEST_OP_UNKNOWN');
    },
  ),
  vfioScenario(
    { id: 'iommufd/mock/none', title: "A kernel without its test driver refuses that driver's number with ENOTTY", clauses: ['iommufd-unknown/number'], requires: ['no-mock', 'iommufd'] },
    (p) => {
      p.iommufd(p.iommu(), MAKE, { id: 1n });
    },
  ),
];

/** What the kernel's own selftests assert with its test driver. */
export const scenarios: readonly Scenario[] = [...tables, ...others];
