import { vfioScenario } from '../../harness/build/scenario-builder.js';
import type { BufferHandle, ContainerHandle, VfioProgramBuilder } from '../../harness/build/vfio-program-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import type { Term } from '../../reference/doors/term.js';
import { IO_PAGE, PAGE, V2 } from '../vfio/steps.js';

const REGISTER = 'VFIO_IOMMU_SPAPR_REGISTER_MEMORY';
const UNREGISTER = 'VFIO_IOMMU_SPAPR_UNREGISTER_MEMORY';
const MAP = 'VFIO_IOMMU_MAP_DMA';

/** A call on a part of memory: bytes from its start, and how many. */
export const onPart = (p: VfioProgramBuilder, { fd }: ContainerHandle, call: typeof REGISTER | typeof UNREGISTER, address: Term, size: bigint): VfioProgramBuilder =>
  p.ioctl(fd, call, { vaddr: address, size });

/** Shows that a region is in force: its first and its last page can be mapped. */
function inForce(p: VfioProgramBuilder, container: ContainerHandle, { at, length }: BufferHandle): void {
  const iova = p.defaultWindow().start;
  p.map(container, at(0n), iova, IO_PAGE).map(container, at(length - IO_PAGE), iova, IO_PAGE).unmap(container, iova, IO_PAGE);
}

/** Memory of 16 of the largest system pages, and the four in its middle registered. */
function middle(p: VfioProgramBuilder): { readonly container: ContainerHandle; readonly all: BufferHandle; readonly region: BufferHandle } {
  const container = p.v2();
  const all = p.memory(16n * PAGE);
  const region: BufferHandle = { address: all.at(6n * PAGE), length: 4n * PAGE, at: (offset) => all.at(6n * PAGE + offset) };
  p.register(container, region);
  return { container, all, region };
}

/** A second region beside the one from page 6 to page 10, from one page to another. */
type Second = readonly [from: bigint, to: bigint];

const OVERLAPPING: readonly Second[] = [
  [4n, 7n],
  [9n, 12n],
  [7n, 9n],
  [6n, 7n],
  [9n, 10n],
  [5n, 11n],
  [6n, 11n],
  [5n, 10n],
];

const ADJACENT: readonly Second[] = [
  [4n, 6n],
  [10n, 12n],
  [0n, 2n],
];

const neighbours: readonly Scenario[] = [
  vfioScenario(
    { id: 'memory/register/overlap', title: 'A region that overlaps one that is there, from the left, the right, inside or around, is refused with EINVAL; the first stays, and when it is gone they are registered', clauses: [`${REGISTER}/overlap`, `${REGISTER}/registered`, `${MAP}/mapped`, 'ledger/locked'], requires: V2 },
    (p) => {
      const { container, all, region } = middle(p);
      for (const [from, to] of OVERLAPPING) onPart(p, container, REGISTER, all.at(from * PAGE), (to - from) * PAGE);
      inForce(p, container, region);
      p.unregister(container, region);
      for (const [from, to] of OVERLAPPING) {
        onPart(p, container, REGISTER, all.at(from * PAGE), (to - from) * PAGE);
        onPart(p, container, UNREGISTER, all.at(from * PAGE), (to - from) * PAGE);
      }
    },
  ),
  vfioScenario(
    { id: 'memory/register/adjacent', title: 'A region that touches one that is there, or lies apart from it, is registered and given back by itself', clauses: [`${REGISTER}/registered`, `${UNREGISTER}/unregistered`, `${MAP}/mapped`, 'ledger/locked'], requires: V2 },
    (p) => {
      const { container, all, region } = middle(p);
      for (const [from, to] of ADJACENT) onPart(p, container, REGISTER, all.at(from * PAGE), (to - from) * PAGE);
      p.map(container, all.at(4n * PAGE), p.defaultWindow().start, 8n * PAGE).unmap(container, p.defaultWindow().start, 8n * PAGE);
      for (const [from, to] of ADJACENT) onPart(p, container, UNREGISTER, all.at(from * PAGE), (to - from) * PAGE);
      inForce(p, container, region);
    },
  ),
  vfioScenario(
    { id: 'memory/register/same', title: 'A region that is there is refused with EBUSY by the same container, however often, and is charged and given back once', clauses: [`${REGISTER}/already`, `${UNREGISTER}/unregistered`, `${UNREGISTER}/unknown`, 'ledger/locked'], requires: V2 },
    (p) => {
      const { container, region } = middle(p);
      for (let round = 0; round < 4; round++) p.register(container, region);
      inForce(p, container, region);
      p.unregister(container, region).unregister(container, region);
    },
  ),
];

const sizes: readonly Scenario[] = [
  vfioScenario(
    { id: 'memory/register/one-page', title: 'A region of one system page is registered, one of half a page or of a page at half a page is refused', clauses: [`${REGISTER}/registered`, `${REGISTER}/alignment`], requires: V2 },
    (p) => {
      const container = p.v2();
      const { address, at } = p.memory(4n * PAGE);
      const page: Term = { from: 'system.page' };
      for (const size of [0x800n, 1n, page, { from: 'system.page', plus: 1n }, { from: 'system.page', plus: -1n }]) p.ioctl(container.fd, REGISTER, { vaddr: address, size });
      for (const offset of [1n, 8n, 0x800n]) p.ioctl(container.fd, REGISTER, { vaddr: at(2n * PAGE + offset), size: page });
      p.map(container, address, p.defaultWindow().start, IO_PAGE);
    },
  ),
  vfioScenario(
    { id: 'memory/register/sizes', title: 'Regions from one page to 16 MiB are each charged by their pages, to the page', clauses: [`${REGISTER}/registered`, `${UNREGISTER}/unregistered`, 'ledger/locked'], requires: V2 },
    (p) => {
      const container = p.v2();
      const buffer = p.memory(256n * PAGE);
      for (const pages of [1n, 2n, 3n, 31n, 255n, 256n]) {
        onPart(p, container, REGISTER, buffer.address, pages * PAGE);
        onPart(p, container, UNREGISTER, buffer.address, pages * PAGE);
      }
    },
  ),
  vfioScenario(
    { id: 'memory/register/addresses', title: 'A region that runs past the end of all addresses, or lies where no program has memory, is refused and charges nothing', clauses: [`${REGISTER}/range`, `${REGISTER}/memory`, 'ledger/locked'], requires: V2 },
    (p) => {
      const container = p.v2();
      const last = 0xffff_ffff_ffff_0000n;
      for (const [vaddr, size] of [[last, PAGE], [last, 2n * PAGE], [PAGE, last], [0n, PAGE], [0xc000_0000_0000_0000n, PAGE], [1n << 62n, PAGE]] as const) p.ioctl(container.fd, REGISTER, { vaddr, size });
      p.registered(container, PAGE);
    },
  ),
  vfioScenario(
    { id: 'memory/register/nothing', title: 'A region of no bytes is refused and charges nothing, wherever it lies', clauses: [`${REGISTER}/nothing`, 'ledger/locked', 'log/quiet'], requires: V2 },
    (p) => {
      const { container, all } = middle(p);
      for (const vaddr of [all.address, all.at(7n * PAGE), 0n]) p.ioctl(container.fd, REGISTER, { vaddr, size: 0n });
    },
  ),
  vfioScenario(
    { id: 'memory/register/many', title: 'Sixteen adjacent regions are registered one by one and given back in another order, and one of them over and over', clauses: [`${REGISTER}/registered`, `${UNREGISTER}/unregistered`, 'ledger/locked'], requires: V2 },
    (p) => {
      const container = p.v2();
      const { at } = p.memory(16n * PAGE);
      const pages = Array.from({ length: 16 }, (_, i) => BigInt(i));
      for (const page of pages) onPart(p, container, REGISTER, at(page * PAGE), PAGE);
      for (const page of pages) onPart(p, container, UNREGISTER, at(((page * 7n) % 16n) * PAGE), PAGE);
      for (let round = 0; round < 6; round++) {
        onPart(p, container, REGISTER, at(PAGE), PAGE);
        onPart(p, container, UNREGISTER, at(PAGE), PAGE);
      }
    },
  ),
];

const unregistering: readonly Scenario[] = [
  vfioScenario(
    { id: 'memory/unregister/parts', title: 'Only the very region can be unregistered: no part of it, nothing around it, and not twice', clauses: [`${UNREGISTER}/unknown`, `${UNREGISTER}/unregistered`, 'ledger/locked'], requires: V2 },
    (p) => {
      const { container, all, region } = middle(p);
      for (const [from, to] of [[6n, 8n], [8n, 10n], [7n, 9n], [5n, 11n], [6n, 11n], [5n, 10n], [0n, 4n], [10n, 14n]] as const) onPart(p, container, UNREGISTER, all.at(from * PAGE), (to - from) * PAGE);
      inForce(p, container, region);
      p.unregister(container, region).unregister(container, region);
    },
  ),
  vfioScenario(
    { id: 'memory/unregister/addresses', title: 'An unaligned address or size is refused with EINVAL, and an aligned one that is no region with ENOENT, also past the end of all addresses', clauses: [`${UNREGISTER}/alignment`, `${UNREGISTER}/unknown`], requires: V2 },
    (p) => {
      const { container, region } = middle(p);
      const fields = [[region.at(1n), region.length], [region.at(0x800n), region.length], [region.address, region.length + 8n], [region.address, 0n], [0n, 0n], [0xffff_ffff_ffff_0000n, PAGE], [0xffff_ffff_ffff_0000n, 2n * PAGE]] as const;
      for (const [vaddr, size] of fields) p.ioctl(container.fd, UNREGISTER, { vaddr, size });
      inForce(p, container, region);
    },
  ),
  vfioScenario(
    { id: 'memory/unregister/two-regions-at-once', title: 'Two adjacent regions cannot be unregistered as one, nor one region as two', clauses: [`${UNREGISTER}/unknown`, `${REGISTER}/overlap`], requires: V2 },
    (p) => {
      const container = p.v2();
      const { address, at } = p.memory(8n * PAGE);
      onPart(p, container, REGISTER, address, 2n * PAGE);
      onPart(p, container, REGISTER, at(2n * PAGE), 2n * PAGE);
      onPart(p, container, UNREGISTER, address, 4n * PAGE);
      onPart(p, container, REGISTER, at(4n * PAGE), 4n * PAGE);
      for (const page of [4n, 6n]) onPart(p, container, UNREGISTER, at(page * PAGE), 2n * PAGE);
      onPart(p, container, REGISTER, address, 4n * PAGE);
    },
  ),
  vfioScenario(
    { id: 'memory/unregister/mapped', title: 'A region that is unregistered while mapped, if that is done, stays charged until its last mapping goes, and is given back then', clauses: [`${UNREGISTER}/mapped`, 'VFIO_IOMMU_UNMAP_DMA/unmapped', 'ledger/locked'], requires: V2 },
    (p) => {
      const { container, region } = middle(p);
      const { start, at } = p.defaultWindow();
      p.map(container, region.address, start, 2n * IO_PAGE).unregister(container, region).unmap(container, start, IO_PAGE).unregister(container, region);
      p.unmap(container, at(IO_PAGE), IO_PAGE).unregister(container, region);
      p.do({ door: 'host', op: 'ledger' }).map(container, region.address, start, IO_PAGE);
    },
  ),
  vfioScenario(
    { id: 'memory/unregister/mapped-and-removed', title: 'A region that is unregistered while mapped is given back with the window that maps it', clauses: [`${UNREGISTER}/mapped`, 'VFIO_IOMMU_SPAPR_TCE_REMOVE/removed', 'ledger/locked'], requires: V2 },
    (p) => {
      const { container, region } = middle(p);
      p.map(container, region.address, p.defaultWindow().start, PAGE).unregister(container, region).remove(container, p.defaultWindow().start);
      p.unregister(container, region).do({ door: 'host', op: 'ledger' });
    },
  ),
  vfioScenario(
    { id: 'memory/unregister/mapped-and-replaced', title: 'A region that is unregistered while mapped is given back when another mapping takes the place of its own', clauses: [`${UNREGISTER}/mapped`, `${MAP}/mapped`, 'ledger/locked'], requires: V2 },
    (p) => {
      const { container, all, region } = middle(p);
      onPart(p, container, REGISTER, all.address, 4n * PAGE);
      p.map(container, region.address, p.defaultWindow().start, IO_PAGE).unregister(container, region);
      p.map(container, all.address, p.defaultWindow().start, IO_PAGE).unregister(container, region);
    },
  ),
  vfioScenario(
    { id: 'memory/unregister/mapped-and-closed', title: 'A region that is unregistered while mapped is given back when everything is closed', clauses: [`${UNREGISTER}/mapped`, 'close/closed', 'ledger/locked'], requires: V2 },
    (p) => {
      const { container, region } = middle(p);
      p.map(container, region.address, p.defaultWindow().start, region.length).unregister(container, region);
    },
  ),
  vfioScenario(
    { id: 'memory/unregister/released', title: 'Memory that was unregistered while mapped can be mapped once more or is refused, and can be registered anew', clauses: [`${UNREGISTER}/mapped`, `${MAP}/released`, `${REGISTER}/registered`, 'ledger/locked'], requires: V2 },
    (p) => {
      const { container, region } = middle(p);
      const { start, at } = p.defaultWindow();
      p.map(container, region.address, start, IO_PAGE).unregister(container, region).map(container, region.at(PAGE), at(IO_PAGE), IO_PAGE);
      p.register(container, region).unmap(container, start, 2n * IO_PAGE);
      p.unregister(container, region).map(container, region.address, start, IO_PAGE);
    },
  ),
];

/** Regions: which can be registered beside each other, and how they are given back. */
export const scenarios: readonly Scenario[] = [...neighbours, ...sizes, ...unregistering];
