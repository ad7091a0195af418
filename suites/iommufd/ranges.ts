import { vfioScenario } from '../../harness/build/scenario-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import { allow, AT, LARGEST, mapAnywhere, mapAt, newIoas, option, PAGE, plus, ranges, smallPages, unmapAll } from './steps.js';

const RANGES = 'IOMMU_IOAS_IOVA_RANGES';
const ALLOW = 'IOMMU_IOAS_ALLOW_IOVAS';

/** What can be mapped, and what is allowed: without a page table nothing is reserved. */
export const scenarios: readonly Scenario[] = [
  vfioScenario({ id: 'iommufd/ranges/everything', title: 'An IOAS of its own has one range, of all IOVAs, whatever is mapped or allowed', clauses: [`${RANGES}/told`, `${ALLOW}/allowed`] }, (p) => {
    const ioas = newIoas(p);
    const array = p.memory(PAGE);
    ranges(p, ioas, array);
    mapAt(p, ioas, array.address, AT, PAGE);
    ranges(p, ioas, array);
    allow(p, ioas, array, [0x100_0000n, 0x1ff_ffffn]);
    ranges(p, ioas, array, 1n);
    unmapAll(p, ioas);
  }),
  vfioScenario({ id: 'iommufd/ranges/room', title: 'Without room for the range there is EMSGSIZE, and the number that would do; the array is not touched', clauses: [`${RANGES}/room`] }, (p) => {
    const { fd, id } = newIoas(p);
    const array = p.memory(PAGE);
    ranges(p, { fd, id }, array, 0n);
    p.iommufd(fd, RANGES, { ioas_id: id, num_iovas: 0n, allowed_iovas: 0n });
    p.iommufd(fd, RANGES, { ioas_id: id, num_iovas: 0n, allowed_iovas: 0n }, { pointer: 'read-only' });
  }),
  vfioScenario({ id: 'iommufd/ranges/array', title: 'An array that cannot be written is refused, and the number is not told; room beyond what is written is never touched', clauses: [`${RANGES}/array`, `${RANGES}/told`, `${RANGES}/answer-pointer`] }, (p) => {
    const { fd, id } = newIoas(p);
    const array = p.memory(PAGE);
    p.do({ door: 'user', op: 'map', length: PAGE, protection: 'r', as: 'readable' });
    for (const place of [0n, { from: 'readable.address' }, plus(array.address, PAGE - 8n)]) p.iommufd(fd, RANGES, { ioas_id: id, num_iovas: 1n, allowed_iovas: place });
    p.iommufd(fd, RANGES, { ioas_id: id, num_iovas: 0xffff_ffffn, allowed_iovas: plus(array.address, PAGE - 16n) });
    p.load(plus(array.address, PAGE - 16n), 16);
    p.fill(array.address, 32, 0xee);
    p.iommufd(fd, RANGES, { ioas_id: id, num_iovas: 1n, allowed_iovas: array.address }, { pointer: 'read-only' });
    p.load(array.address, 32);
  }),
  vfioScenario({ id: 'iommufd/ranges/alignment', title: 'The alignment told is one byte, without large pages the system page, and one byte again', clauses: [`${RANGES}/told`, 'IOMMU_OPTION/answer'] }, (p) => {
    const ioas = newIoas(p);
    const array = p.memory(PAGE);
    ranges(p, ioas, array);
    smallPages(p, ioas);
    ranges(p, ioas, array);
    option(p, ioas.fd, 1n, 0n, ioas.id, 1n);
    ranges(p, ioas, array);
  }),
  vfioScenario({ id: 'iommufd/ranges/allow-refused', title: 'A list with a bad range is refused whole, the first bad one decides, and what was allowed before stays', clauses: [`${ALLOW}/range`, `${ALLOW}/overlap`, `${ALLOW}/array`] }, (p) => {
    const ioas = newIoas(p);
    const array = p.memory(PAGE);
    allow(p, ioas, array, [0x40_0000n, 0x4f_ffffn]);
    allow(p, ioas, array, [0x80_0000n, 0x8f_ffffn], [0x90_0000n, 0x90_0000n]);
    allow(p, ioas, array, [0x80_0000n, 0x8f_ffffn], [0x90_0000n, 0x8f_ffffn]);
    allow(p, ioas, array, [0x80_0000n, 0x8f_ffffn], [0x8f_ffffn, 0x9f_ffffn], [5n, 5n]);
    allow(p, ioas, array, [0x80_0000n, 0x8f_ffffn], [5n, 5n], [0x80_0000n, 0x9f_ffffn]);
    p.store(plus(array.address, PAGE - 16n), [0x80_0000n, 0x8f_ffffn]);
    p.iommufd(ioas.fd, ALLOW, { ioas_id: ioas.id, num_iovas: 2n, allowed_iovas: plus(array.address, PAGE - 16n) });
    mapAnywhere(p, ioas, array.address, PAGE);
  }),
  vfioScenario({ id: 'iommufd/ranges/allow-edges', title: 'All IOVAs can be allowed as one range, or as two that touch; no range at all needs no array', clauses: [`${ALLOW}/allowed`, `${ALLOW}/overlap`] }, (p) => {
    const ioas = newIoas(p);
    const array = p.memory(PAGE);
    allow(p, ioas, array, [0n, LARGEST]);
    allow(p, ioas, array, [0n, (1n << 63n) - 1n], [1n << 63n, LARGEST]);
    allow(p, ioas, array, [1n << 63n, LARGEST], [0n, 1n << 63n]);
    p.iommufd(ioas.fd, ALLOW, { ioas_id: ioas.id, num_iovas: 0n, allowed_iovas: 0n });
    allow(p, ioas, array, [LARGEST - 1n, LARGEST], [0n, 1n]);
  }),
  vfioScenario({ id: 'iommufd/ranges/allow-mapped', title: 'What is allowed is not compared with what is mapped', clauses: [`${ALLOW}/allowed`, 'IOMMU_IOAS_UNMAP/unmapped'] }, (p) => {
    const ioas = newIoas(p);
    const array = p.memory(PAGE);
    mapAt(p, ioas, array.address, AT, PAGE);
    allow(p, ioas, array, [AT + 0x800n, AT + 0x1_7fffn]);
    mapAnywhere(p, ioas, 0n, 0x100n);
    unmapAll(p, ioas);
  }),
];
