import fc from 'fast-check';
import { machineParts, type MachineDescription } from '../../reference/description.js';
import type { Operation, Program } from '../../reference/doors/operations.js';
import type { Term } from '../../reference/doors/term.js';
import { namesOf, referredNames } from '../../reference/doors/terms.js';
import type { VfioCallName } from '../../reference/uapi/vfio.js';
import { VfioProgramBuilder } from '../build/vfio-program-builder.js';

/** Bytes of a buffer of random programs: pages of every system fit in it several times. */
const BUFFER = 0x4_0000n;

const from = (name: string, plus = 0n): Term => (plus === 0n ? { from: name } : { from: name, plus });

const ioctl = (fd: Term, call: VfioCallName, args: Readonly<Record<string, Term>> = {}, as?: string): Operation => ({
  door: 'vfio',
  op: 'ioctl',
  fd,
  call,
  args,
  ...(as === undefined ? {} : { as }),
});

/** What every random program begins with: a container, usually of v2, with the first PE in it, and two buffers. */
function beginning(pe: string, type: bigint): Operation[] {
  const memory = (as: string): Operation => ({ door: 'user', op: 'map', length: BUFFER, protection: 'rw', as });
  return [
    { door: 'vfio', op: 'open', what: 'container', as: 'c1' },
    { door: 'vfio', op: 'open', what: pe, as: 'g1' },
    ioctl(from('g1.fd'), 'VFIO_GROUP_SET_CONTAINER', { fd: from('c1.fd') }),
    ioctl(from('c1.fd'), 'VFIO_SET_IOMMU', { value: type }),
    memory('b1'),
    memory('b2'),
    type === 2n ? ioctl(from('c1.fd'), 'VFIO_IOMMU_ENABLE') : ioctl(from('c1.fd'), 'VFIO_IOMMU_SPAPR_REGISTER_MEMORY', { vaddr: from('b1.address'), size: BUFFER }),
  ];
}

/**
 * Random programs at Linux's doors, of up to `length` operations beside their audits. Nothing in them maps across the end of a
 * window: that could cost the machine its memory. Each ends with everything closed.
 */
export function vfioPrograms(machine: MachineDescription, length: number): fc.Arbitrary<Program> {
  const groups = machine.linux!.groups.filter(({ devices }) => devices.every(({ kind }) => kind !== 'disk')).map(({ name }) => name);
  const parts = machineParts(machine);
  return fc
    .tuple(fc.constantFrom(7n, 7n, 7n, 2n), fc.array(steps(groups), { minLength: Math.ceil(length / 3), maxLength: length, size: 'max' }))
    .map(([type, operations]) => new VfioProgramBuilder().all(whole([...beginning(groups[0]!, type), ...operations.flat()], parts)).finish());
}

const weighted = <T>(...choices: readonly (readonly [number, fc.Arbitrary<T>])[]): fc.Arbitrary<T> =>
  fc.oneof(...choices.map(([weight, arbitrary]) => ({ weight, arbitrary })));

/** One step: an operation, now and then a few that belong together. */
function steps(groups: readonly string[]): fc.Arbitrary<Operation[]> {
  const container = weighted<Term>([8, fc.constant(from('c1.fd'))], [1, fc.constantFrom(from('c2.fd'), from('g1.fd'))]);
  const group = weighted<Term>([6, fc.constant(from('g1.fd'))], [1, fc.constantFrom(from('g2.fd'), from('c1.fd'))]);
  const one = (arbitrary: fc.Arbitrary<Operation>): fc.Arbitrary<Operation[]> => arbitrary.map((operation) => [operation]);
  return weighted(
    [10, one(maps(container, groups))],
    [7, one(unmaps(container, groups))],
    [5, one(registrations(container, 'VFIO_IOMMU_SPAPR_REGISTER_MEMORY'))],
    [4, one(registrations(container, 'VFIO_IOMMU_SPAPR_UNREGISTER_MEMORY'))],
    [6, one(creations(container))],
    [4, one(removals(container, groups))],
    [1, one(container.map((fd) => ioctl(fd, 'VFIO_IOMMU_SPAPR_TCE_GET_INFO')))],
    [1, one(fc.tuple(container, fc.constantFrom<VfioCallName>('VFIO_IOMMU_ENABLE', 'VFIO_IOMMU_DISABLE')).map(([fd, call]) => ioctl(fd, call)))],
    [1, one(fc.tuple(container, fc.constantFrom(2n, 7n)).map(([fd, value]) => ioctl(fd, 'VFIO_SET_IOMMU', { value })))],
    [1, one(fc.tuple(group, fc.constantFrom(from('c1.fd'), from('c2.fd'))).map(([fd, other]) => ioctl(fd, 'VFIO_GROUP_SET_CONTAINER', { fd: other })))],
    [1, one(group.map((fd) => ioctl(fd, 'VFIO_GROUP_UNSET_CONTAINER')))],
    [1, one(group.map((fd) => ioctl(fd, 'VFIO_GROUP_GET_STATUS')))],
    [1, fc.constantFrom(...groups.slice(0, 2)).map(secondContainer)],
    [1, one(fc.constantFrom('c1', 'g1', 'c2', 'g2').map((name): Operation => ({ door: 'vfio', op: 'close', fd: from(`${name}.fd`) })))],
    [1, fc.constantFrom('b1', 'b2').map(newMemory)],
  );
}

/** Another container, with another group or after the first one was closed. */
const secondContainer = (group: string): Operation[] => [
  { door: 'vfio', op: 'open', what: 'container', as: 'c2' },
  { door: 'vfio', op: 'open', what: group, as: 'g2' },
  ioctl(from('g2.fd'), 'VFIO_GROUP_SET_CONTAINER', { fd: from('c2.fd') }),
  ioctl(from('c2.fd'), 'VFIO_SET_IOMMU', { value: 7n }),
];

/** New pages where others were. */
const newMemory = (name: string): Operation[] => [
  { door: 'user', op: 'map', length: BUFFER, protection: 'rw', address: from(`${name}.address`) },
];

const buffer: fc.Arbitrary<string> = fc.constantFrom('b1', 'b1', 'b1', 'b2');

/** In and beside a buffer, not in memory that is the program's own business. */
const address: fc.Arbitrary<Term> = fc
  .tuple(buffer, weighted([8, fc.constantFrom(0n, 0x1000n, 0x1_0000n, 0x2_0000n)], [1, fc.constantFrom(0x800n, 0x3_f000n)]))
  .map(([name, plus]) => from(`${name}.address`, plus));

const WINDOWS = ['w1', 'w2', 'w3'] as const;

/** In the first pages of a window, or in none. */
const iova = (groups: readonly string[]): fc.Arbitrary<Term> =>
  fc
    .tuple(
      weighted([6, fc.constant(`${groups[0]}.dma32.start`)], [4, fc.constantFrom(...WINDOWS).map((name) => `${name}.start_addr`)], [1, fc.constant(`${groups[0]}.dma32.end`)]),
      weighted([10, fc.constantFrom(0n, 0x1000n, 0x1_0000n, 0x2_0000n)], [1, fc.constantFrom(0x800n, 0x8000n)]),
    )
    .map(([name, plus]) => from(name, plus));

const size: fc.Arbitrary<bigint> = weighted([10, fc.constantFrom(0x1000n, 0x1_0000n, 0x2_0000n)], [1, fc.constantFrom(0n, 0x800n)]);

const maps = (fd: fc.Arbitrary<Term>, groups: readonly string[]): fc.Arbitrary<Operation> =>
  fc
    .tuple(fd, weighted([10, fc.constantFrom(1n, 2n, 3n)], [1, fc.constantFrom(0n, 4n)]), address, iova(groups), size)
    .map(([on, flags, vaddr, at, bytes]) => ioctl(on, 'VFIO_IOMMU_MAP_DMA', { flags, vaddr, iova: at, size: bytes }));

const unmaps = (fd: fc.Arbitrary<Term>, groups: readonly string[]): fc.Arbitrary<Operation> =>
  fc.tuple(fd, iova(groups), size).map(([on, at, bytes]) => ioctl(on, 'VFIO_IOMMU_UNMAP_DMA', { iova: at, size: bytes }));

const registrations = (fd: fc.Arbitrary<Term>, call: VfioCallName): fc.Arbitrary<Operation> =>
  fc
    .tuple(fd, buffer, weighted([6, fc.constant(0n)], [1, fc.constantFrom(0x1_0000n, 0x800n)]), weighted([6, fc.constant(BUFFER)], [1, fc.constantFrom(0x2_0000n, 0x1_0000n, 0n)]))
    .map(([on, name, plus, bytes]) => ioctl(on, call, { vaddr: from(`${name}.address`, plus), size: bytes }));

/** Windows of 1 MiB and more: no mapping of the pools crosses the end of one. */
const creations = (fd: fc.Arbitrary<Term>): fc.Arbitrary<Operation> =>
  fc
    .tuple(
      fd,
      fc.constantFrom(...WINDOWS),
      weighted([10, fc.constantFrom(12n, 16n)], [2, fc.constantFrom(21n, 24n)], [1, fc.constantFrom(13n, 11n)]),
      weighted([10, fc.constantFrom(20n, 24n, 26n, 30n).map((shift) => 1n << shift)], [1, fc.constantFrom(0x30_0000n, 0n)]),
      weighted([10, fc.constant(1n)], [1, fc.constantFrom(0n, 2n, 6n)]),
    )
    .map(([on, as, page_shift, window_size, levels]) => ioctl(on, 'VFIO_IOMMU_SPAPR_TCE_CREATE', { page_shift, window_size, levels }, as));

const removals = (fd: fc.Arbitrary<Term>, groups: readonly string[]): fc.Arbitrary<Operation> =>
  fc.tuple(fd, iova(groups)).map(([on, start_addr]) => ioctl(on, 'VFIO_IOMMU_SPAPR_TCE_REMOVE', { start_addr }));

/** Without operations that give a name a second time, and without those that refer to a name that nothing gives. */
function whole(operations: readonly Operation[], parts: ReadonlySet<string>): Operation[] {
  const known = new Set(parts);
  return operations.filter((operation) => {
    const names = namesOf(operation);
    if (names.some((name) => known.has(name)) || referredNames(operation).some((name) => !known.has(name))) return false;
    for (const name of names) known.add(name);
    return true;
  });
}
