import { vfioScenario } from '../../harness/build/scenario-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import { allow, AT, mapAnywhere, mapAt, newIoas, PAGE, pages, unmap, unmapAll } from './steps.js';

const MAP = 'IOMMU_IOAS_MAP';
const MIB = 1n << 20n;

/** Addresses that nobody looks at, each aligned in another way. */
const ADDRESSES = [0n, 0x1000_0000n, 0x1000_1000n, 0x1001_0000n, 0x1000_0800n, 0x1000_0001n, 0x1020_0000n, 0x1003_4000n];

/** Where the kernel puts what it places. */
export const scenarios: readonly Scenario[] = [
  vfioScenario({ id: 'iommufd/automatic/first-fit', title: 'The kernel takes the first hole, never the first page of all', clauses: [`${MAP}/mapped`] }, (p) => {
    const ioas = newIoas(p);
    for (let i = 0n; i < 6n; i++) mapAnywhere(p, ioas, ADDRESSES[3]!, PAGE, { as: `a${i}` });
    for (const name of ['a1', 'a3', 'a4']) unmap(p, ioas, { from: `${name}.iova` }, PAGE);
    for (const length of [pages(2n), PAGE, PAGE]) mapAnywhere(p, ioas, ADDRESSES[3]!, length);
    unmapAll(p, ioas);
  }),
  vfioScenario({ id: 'iommufd/automatic/alignment', title: 'The place is aligned as the length rounded up and as the memory is, and keeps its place in the page', clauses: [`${MAP}/mapped`] }, (p) => {
    const ioas = newIoas(p);
    for (const address of ADDRESSES) for (const length of [1n, 0x1000n, 0x1001n, PAGE, pages(3n), MIB + 1n]) mapAnywhere(p, ioas, address, length);
    unmapAll(p, ioas);
  }),
  vfioScenario({ id: 'iommufd/automatic/large', title: 'Large areas are aligned to a large page of the kernel at most', clauses: [`${MAP}/mapped`] }, (p) => {
    const ioas = newIoas(p);
    for (const length of [MIB, 2n * MIB, 3n * MIB, 16n * MIB, 64n * MIB]) mapAnywhere(p, ioas, 1n << 40n, length);
    unmapAll(p, ioas);
  }),
  vfioScenario({ id: 'iommufd/automatic/twice', title: 'The same calls on two empty IOASes are answered the same', clauses: [`${MAP}/mapped`] }, (p) => {
    const first = newIoas(p);
    const second = newIoas(p, first.fd);
    for (const ioas of [first, second]) {
      mapAt(p, ioas, ADDRESSES[1]!, AT, PAGE);
      for (const address of ADDRESSES) mapAnywhere(p, ioas, address, pages(2n));
    }
  }),
  vfioScenario({ id: 'iommufd/automatic/half', title: 'Half of all IOVAs and more cannot be placed', clauses: [`${MAP}/half`, `${MAP}/mapped`] }, (p) => {
    const ioas = newIoas(p);
    for (const length of [(1n << 63n) - 2n, (1n << 63n) - 1n, 1n << 63n, (1n << 64n) - PAGE - 1n]) mapAnywhere(p, ioas, 0n, length);
    unmapAll(p, ioas);
  }),
  vfioScenario({ id: 'iommufd/automatic/allowed', title: 'The kernel keeps to what is allowed, in ascending order; the user maps anywhere', clauses: [`${MAP}/mapped`, `${MAP}/no-room`, 'IOMMU_IOAS_ALLOW_IOVAS/allowed'] }, (p) => {
    const ioas = newIoas(p);
    const array = p.memory(PAGE);
    allow(p, ioas, array, [0x80_0000n, 0x80_ffffn], [0x40_0000n, 0x42_ffffn]);
    for (const length of [pages(2n), pages(2n), PAGE, PAGE, PAGE, PAGE]) mapAnywhere(p, ioas, ADDRESSES[1]!, length);
    mapAt(p, ioas, ADDRESSES[1]!, 0x100_0000n, PAGE);
    allow(p, ioas, array);
    mapAnywhere(p, ioas, ADDRESSES[1]!, PAGE);
    unmapAll(p, ioas);
  }),
  vfioScenario({ id: 'iommufd/automatic/adjacent', title: 'Allowed ranges that touch are one', clauses: [`${MAP}/mapped`, `${MAP}/no-room`] }, (p) => {
    const ioas = newIoas(p);
    const array = p.memory(PAGE);
    allow(p, ioas, array, [0x42_0000n, 0x43_ffffn], [0x40_0000n, 0x41_ffffn]);
    mapAnywhere(p, ioas, ADDRESSES[1]!, pages(4n));
    mapAnywhere(p, ioas, ADDRESSES[1]!, PAGE);
  }),
  vfioScenario({ id: 'iommufd/automatic/exact', title: 'An area of the size of the hole fits where the hole is aligned; an area of one byte needs a hole of two', clauses: [`${MAP}/mapped`, `${MAP}/no-room`] }, (p) => {
    const ioas = newIoas(p);
    const array = p.memory(PAGE);
    allow(p, ioas, array, [0x40_0000n, 0x40_ffffn]);
    mapAnywhere(p, ioas, 0x1001_0000n, PAGE);
    unmapAll(p, ioas);
    allow(p, ioas, array, [0x40_0001n, 0x41_0000n]);
    mapAnywhere(p, ioas, 0x1001_0000n, PAGE);
    mapAt(p, ioas, 0n, 0x40_0001n, 0xffffn);
    mapAnywhere(p, ioas, 0n, 1n);
    unmap(p, ioas, 0x40_0001n, 0xffffn);
    mapAt(p, ioas, 0n, 0x40_0001n, 0xfffen);
    mapAnywhere(p, ioas, 0n, 1n);
    unmapAll(p, ioas);
  }),
  vfioScenario({ id: 'iommufd/automatic/large-hole', title: 'A hole that is large enough but for the alignment to a large page may be refused', clauses: [`${MAP}/no-aligned-room`] }, (p) => {
    const ioas = newIoas(p);
    const array = p.memory(PAGE);
    allow(p, ioas, array, [0x1_0001_0000n, 0x1_0041_ffffn]);
    mapAnywhere(p, ioas, 1n << 40n, 4n * MIB);
    unmapAll(p, ioas);
  }),
  vfioScenario({ id: 'iommufd/automatic/ends', title: 'Allowed IOVAs at both ends of 64 bits are of no use in the first and in the last page', clauses: [`${MAP}/mapped`, `${MAP}/no-room`] }, (p) => {
    const ioas = newIoas(p);
    const array = p.memory(PAGE);
    allow(p, ioas, array, [0n, 0xfffn]);
    mapAnywhere(p, ioas, 0n, 0x100n);
    allow(p, ioas, array, [(1n << 64n) - 0x800n, (1n << 64n) - 1n]);
    mapAnywhere(p, ioas, 0n, 0x100n);
    allow(p, ioas, array, [0n, (1n << 64n) - 1n]);
    mapAnywhere(p, ioas, 0n, PAGE);
    unmapAll(p, ioas);
    // Aligned to the next large page it would begin beyond 64 bits.
    allow(p, ioas, array, [(1n << 64n) - MIB, (1n << 64n) - 1n]);
    mapAnywhere(p, ioas, 0n, 2n * MIB);
    mapAnywhere(p, ioas, 1n << 40n, 2n * MIB);
  }),
];
