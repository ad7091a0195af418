import fc from 'fast-check';
import type { Operation, Program } from '../../reference/doors/operations.js';
import type { Term } from '../../reference/doors/term.js';
import { IOAS_MAP, type IommufdCallName } from '../../reference/uapi/iommufd.js';
import { VfioProgramBuilder } from '../build/vfio-program-builder.js';

/** Bytes of the memory, the file and the array of random programs: pages of every system fit in it several times. */
const BUFFER = 0x4_0000n;

const LARGEST = (1n << 64n) - 1n;

const from = (name: string, plus = 0n): Term => (plus === 0n ? { from: name } : { from: name, plus });

const ioctl = (call: IommufdCallName, args: Readonly<Record<string, Term>>, extras: { readonly as?: string; readonly by?: string; readonly pointer?: 'read-only' } = {}): Operation => ({
  door: 'iommufd',
  op: 'ioctl',
  fd: from('i1.fd'),
  call,
  args,
  ...extras,
});

/** What every random program begins with: a context with two IOASes, memory, an array, a file, and a child that shares it all. */
const BEGINNING: readonly Operation[] = [
  { door: 'iommufd', op: 'open', what: 'iommu', as: 'i1' },
  ioctl('IOMMU_IOAS_ALLOC', {}, { as: 'a1' }),
  ioctl('IOMMU_IOAS_ALLOC', {}, { as: 'a2' }),
  { door: 'user', op: 'map', length: BUFFER, protection: 'rw', as: 'b1' },
  { door: 'user', op: 'map', length: BUFFER, protection: 'rw', as: 'array' },
  { door: 'user', op: 'file', kind: 'memory', length: BUFFER, as: 'f1' },
  { door: 'host', op: 'fork', as: 'child' },
];

const weighted = <T>(...choices: readonly (readonly [number, fc.Arbitrary<T>])[]): fc.Arbitrary<T> => fc.oneof(...choices.map(([weight, arbitrary]) => ({ weight, arbitrary })));

/** Numbers of the first objects, and of none. */
const ioas: fc.Arbitrary<Term> = weighted<Term>([12, fc.constantFrom(from('a1.out_ioas_id'), from('a1.out_ioas_id'), from('a2.out_ioas_id'))], [1, fc.constantFrom(0n, 3n, 0xffff_ffffn)]);

/** Few places, so that areas meet; the ends of 64 bits now and then. */
const iova: fc.Arbitrary<bigint> = weighted(
  [12, fc.tuple(fc.constantFrom(0n, 0x100_0000n), fc.bigInt({ min: 0n, max: 7n })).map(([base, page]) => base + page * 0x1_0000n)],
  [2, fc.constantFrom(0x800n, 0x100_0800n, 0x101_1000n)],
  [1, fc.constantFrom(LARGEST, LARGEST - 0xffffn, LARGEST - 0x1_0000n)],
);

const length: fc.Arbitrary<bigint> = weighted([10, fc.constantFrom(0x1_0000n, 0x1_0000n, 0x2_0000n, 0x3_0000n)], [2, fc.constantFrom(1n, 0x800n, 0x1000n, 0x40_0000n)], [1, fc.constantFrom(0n, LARGEST, 1n << 63n)]);

const address: fc.Arbitrary<Term> = weighted<Term>([8, fc.constantFrom(0n, 0x1000n, 0x1_0000n, 0x800n).map((plus) => from('b1.address', plus))], [1, fc.constantFrom<Term>(0n, LARGEST, 1n << 40n)]);

const flags: fc.Arbitrary<bigint> = weighted(
  [10, fc.constantFrom(IOAS_MAP.FIXED_IOVA, IOAS_MAP.FIXED_IOVA, 0n).chain((fixed) => fc.constantFrom(2n, 4n, 6n, 6n).map((direction) => fixed | direction))],
  [1, fc.constantFrom(1n, 8n)],
);

const extras = weighted([12, fc.constant({})], [1, fc.constant({ pointer: 'read-only' } as const)], [1, fc.constant({ by: 'child' })]);

const ranges = fc.array(fc.tuple(iova, length), { minLength: 0, maxLength: 3 });

const one = (arbitrary: fc.Arbitrary<Operation>): fc.Arbitrary<Operation[]> => arbitrary.map((operation) => [operation]);

/** One step: a call, now and then with what it reads. */
const steps: fc.Arbitrary<Operation[]> = weighted(
  [8, one(fc.tuple(flags, ioas, address, length, iova, extras).map(([f, id, user_va, l, at, e]) => ioctl('IOMMU_IOAS_MAP', { flags: f, ioas_id: id, user_va, length: l, iova: at }, e)))],
  [3, one(fc.tuple(flags, ioas, fc.constantFrom(0n, 0x1_0000n, 0x800n), length, iova, extras).map(([f, id, start, l, at, e]) => ioctl('IOMMU_IOAS_MAP_FILE', { flags: f, ioas_id: id, fd: from('f1.fd'), start, length: l, iova: at }, e)))],
  [6, one(fc.tuple(flags, ioas, ioas, length, iova, iova, extras).map(([f, to, source, l, at, src, e]) => ioctl('IOMMU_IOAS_COPY', { flags: f, dst_ioas_id: to, src_ioas_id: source, length: l, dst_iova: at, src_iova: src }, e)))],
  [6, one(fc.tuple(ioas, iova, length, extras).map(([id, at, l, e]) => ioctl('IOMMU_IOAS_UNMAP', { ioas_id: id, iova: at, length: l }, e)))],
  [1, one(ioas.map((id) => ioctl('IOMMU_IOAS_UNMAP', { ioas_id: id, iova: 0n, length: LARGEST })))],
  [2, fc.tuple(ioas, ranges).map(([id, list]) => allowing(id, list))],
  [1, one(fc.tuple(ioas, fc.constantFrom(0n, 1n, 4n)).map(([id, num_iovas]) => ioctl('IOMMU_IOAS_IOVA_RANGES', { ioas_id: id, num_iovas, allowed_iovas: from('array.address') })))],
  [2, one(fc.tuple(ioas, fc.constantFrom(0n, 1n, 2n), fc.constantFrom(0n, 1n), extras).map(([id, val64, op, e]) => ioctl('IOMMU_OPTION', { option_id: 1n, op, object_id: id, val64 }, e)))],
  [1, one(fc.constantFrom(0n, 1n).map((op) => ioctl('IOMMU_OPTION', { option_id: 0n, op })))],
  [1, one(fc.tuple(ioas, fc.constantFrom(0n, 1n, 2n)).map(([ioas_id, op]) => ioctl('IOMMU_VFIO_IOAS', { ioas_id, op })))],
  [1, one(fc.constantFrom({}, { by: 'child' }).map((e) => ioctl('IOMMU_IOAS_CHANGE_PROCESS', {}, e)))],
  [1, one(fc.constantFrom<Term>(from('a1.out_ioas_id'), from('a2.out_ioas_id'), 3n, 0n).map((id) => ioctl('IOMMU_DESTROY', { id })))],
  [1, one(fc.constant(ioctl('IOMMU_IOAS_ALLOC', {})))],
  [3, one(type1())],
);

const allowing = (id: Term, list: readonly (readonly [bigint, bigint])[]): Operation[] => [
  ...(list.length === 0 ? [] : [{ door: 'user', op: 'store', address: from('array.address'), wordBytes: 8, words: list.flatMap(([first, bytes]) => [first, BigInt.asUintN(64, first + bytes)]) } as const]),
  ioctl('IOMMU_IOAS_ALLOW_IOVAS', { ioas_id: id, num_iovas: BigInt(list.length), allowed_iovas: from('array.address') }),
];

/** VFIO's own calls on the same areas. */
function type1(): fc.Arbitrary<Operation> {
  const vfio = (call: 'VFIO_IOMMU_MAP_DMA' | 'VFIO_IOMMU_UNMAP_DMA' | 'VFIO_SET_IOMMU' | 'VFIO_IOMMU_GET_INFO', args: Readonly<Record<string, Term>>): Operation => ({ door: 'vfio', op: 'ioctl', fd: from('i1.fd'), call, args });
  return weighted<Operation>(
    [3, fc.tuple(address, iova, length).map(([vaddr, at, size]) => vfio('VFIO_IOMMU_MAP_DMA', { flags: 3n, vaddr, iova: at, size }))],
    [3, fc.tuple(iova, length).map(([at, size]) => vfio('VFIO_IOMMU_UNMAP_DMA', { iova: at, size }))],
    [1, fc.constantFrom(1n, 3n, 7n).map((value) => vfio('VFIO_SET_IOMMU', { value }))],
    [1, fc.constant(vfio('VFIO_IOMMU_GET_INFO', {}))],
  );
}

/** Random programs at the door of /dev/iommu, of up to `length` steps beside their audits. They need no device. Each ends with everything closed. */
export const iommufdPrograms = (most: number): fc.Arbitrary<Program> =>
  fc
    .array(steps, { minLength: Math.ceil(most / 3), maxLength: most, size: 'max' })
    .map((operations) => new VfioProgramBuilder().all([...BEGINNING, ...operations.flat()]).finish());
