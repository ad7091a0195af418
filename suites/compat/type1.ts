import { negativeScenarios } from '../../harness/build/negatives.js';
import { vfioScenario } from '../../harness/build/scenario-builder.js';
import type { VfioProgramBuilder } from '../../harness/build/vfio-program-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import type { Term } from '../../reference/doors/term.js';
import { IOMMUFD_RULES_LIST } from '../../reference/iommufd/calls.js';
import { VFIO_IOAS } from '../../reference/uapi/iommufd.js';
import { IOMMU_TYPE, UNMAP_ALL, type VfioCallName } from '../../reference/uapi/vfio.js';
import { AT, LARGEST, newIoas, PAGE, pages, READ_WRITE, mapAt, option, unmapAll, type IoasHandle } from '../iommufd/steps.js';

/** VFIO's own ioctls on /dev/iommu: every rule alone and every two in order. */
const TYPE1 = IOMMUFD_RULES_LIST.filter(({ name }) => name.startsWith('TYPE1_') || name.startsWith('VFIO_IOMMU_'));
const negatives = TYPE1.flatMap((call) => negativeScenarios('compat/type1', call));

/** A context whose IOAS is VFIO's, of type 1 or of its version 2. */
function compatible(p: VfioProgramBuilder, type: number = IOMMU_TYPE.TYPE1V2): IoasHandle {
  const ioas = newIoas(p);
  p.iommufd(ioas.fd, 'IOMMU_VFIO_IOAS', { op: VFIO_IOAS.SET, ioas_id: ioas.id });
  p.ioctl(ioas.fd, 'VFIO_SET_IOMMU', { value: BigInt(type) });
  return ioas;
}

const mapDma = (p: VfioProgramBuilder, { fd }: IoasHandle, vaddr: Term, iova: Term, size: Term, flags = 3n): VfioProgramBuilder => p.ioctl(fd, 'VFIO_IOMMU_MAP_DMA', { flags, vaddr, iova, size });
const unmapDma = (p: VfioProgramBuilder, { fd }: IoasHandle, iova: Term, size: Term, flags = 0n): VfioProgramBuilder => p.ioctl(fd, 'VFIO_IOMMU_UNMAP_DMA', { flags, iova, size });

/** What SPAPR TCE and EEH have, and type 1 has not: number 17 is DIRTY_PAGES there. */
const SPAPR_CALLS: readonly VfioCallName[] = [
  'VFIO_IOMMU_SPAPR_REGISTER_MEMORY',
  'VFIO_IOMMU_SPAPR_UNREGISTER_MEMORY',
  'VFIO_IOMMU_SPAPR_TCE_CREATE',
  'VFIO_IOMMU_SPAPR_TCE_REMOVE',
  'VFIO_EEH_PE_OP',
  'VFIO_IOMMU_ENABLE',
  'VFIO_IOMMU_DISABLE',
];

/** VPT-15 of the peer flows: what a program for SPAPR TCE meets when its descriptor is one of /dev/iommu. */
const spaprOnIommufd = vfioScenario(
  {
    id: 'compat/type1/spapr-calls',
    title: 'VPT-15: a program for SPAPR TCE that has /dev/iommu open gets ENOTTY for what only SPAPR has, and the answers of type 1 for all else',
    clauses: ['type1-unknown/number', 'TYPE1_CHECK_EXTENSION/answer', 'TYPE1_SET_IOMMU/type', 'TYPE1_MAP_DMA/ioas', 'VFIO_IOMMU_GET_INFO/ioas'],
  },
  (p) => {
    const fd = p.iommu();
    const buffer = p.memory(0x10_0000n);
    p.ioctl(fd, 'VFIO_IOMMU_SPAPR_REGISTER_MEMORY', { vaddr: buffer.address, size: buffer.length });
    for (const value of [IOMMU_TYPE.SPAPR_TCE_V2, IOMMU_TYPE.TYPE1V2, IOMMU_TYPE.TYPE1, IOMMU_TYPE.EEH, IOMMU_TYPE.SPAPR_TCE]) p.ioctl(fd, 'VFIO_CHECK_EXTENSION', { value: BigInt(value) });
    for (const call of SPAPR_CALLS) p.ioctl(fd, call);
    for (const value of [IOMMU_TYPE.SPAPR_TCE_V2, IOMMU_TYPE.SPAPR_TCE]) p.ioctl(fd, 'VFIO_SET_IOMMU', { value: BigInt(value) });
    p.ioctl(fd, 'VFIO_IOMMU_MAP_DMA', { flags: 3n, vaddr: buffer.address, iova: AT, size: PAGE });
    p.ioctl(fd, 'VFIO_IOMMU_SPAPR_TCE_GET_INFO').ioctl(fd, 'VFIO_IOMMU_GET_INFO');
  },
);

/** Number 12 has two layouts: on /dev/iommu it is that of type 1, whoever asks. */
const twoLayouts = vfioScenario(
  { id: 'compat/type1/number-12', title: 'VFIO_IOMMU_SPAPR_TCE_GET_INFO on /dev/iommu is answered in the layout of type 1; what only SPAPR has stays without effect beside it', clauses: ['VFIO_IOMMU_GET_INFO/answer', 'type1-unknown/number'] },
  (p) => {
    const ioas = compatible(p);
    const buffer = p.memory(PAGE);
    for (const argsz of [15n, 16n, 24n, 32n]) p.ioctl(ioas.fd, 'VFIO_IOMMU_SPAPR_TCE_GET_INFO', { argsz, levels: 7n });
    for (const call of SPAPR_CALLS) p.ioctl(ioas.fd, call, {}, call === 'VFIO_IOMMU_ENABLE' || call === 'VFIO_IOMMU_DISABLE' ? {} : { pointer: 'unmapped' });
    p.ioctl(ioas.fd, 'VFIO_IOMMU_DIRTY_PAGES', { flags: 1n });
    mapDma(p, ioas, buffer.address, AT, PAGE);
    unmapAll(p, ioas);
  },
);

const info = vfioScenario(
  { id: 'compat/type1/info', title: 'VFIO_IOMMU_GET_INFO tells as much as argsz has room for, how much there is, and touches nothing beyond', clauses: ['VFIO_IOMMU_GET_INFO/answer', 'VFIO_IOMMU_GET_INFO/argsz'] },
  (p) => {
    const { fd } = compatible(p);
    const rubbish = { cap_offset: 0x1111_1111n, pad: 0x2222_2222n, avail_id: 0x33n, avail_version: 0x44n, avail_next: 0x5555n, avail: 0x66n, ranges_id: 0x77n, ranges_version: 0x88n, ranges_next: 0x99n, nr_iovas: 0xaan, ranges_reserved: 0xbbn, first_start: 0xccn, first_end: 0xddn };
    for (let argsz = 0n; argsz <= 80n; argsz++) p.ioctl(fd, 'VFIO_IOMMU_GET_INFO', { ...rubbish, argsz });
  },
);

const smallInfo = vfioScenario(
  { id: 'compat/type1/info-mapped', title: 'What is mapped, and the version, change nothing of what VFIO_IOMMU_GET_INFO tells', clauses: ['VFIO_IOMMU_GET_INFO/answer', 'TYPE1_SET_IOMMU/set'] },
  (p) => {
    const ioas = compatible(p);
    p.ioctl(ioas.fd, 'VFIO_IOMMU_GET_INFO');
    mapDma(p, ioas, p.memory().address, AT, PAGE).ioctl(ioas.fd, 'VFIO_SET_IOMMU', { value: BigInt(IOMMU_TYPE.TYPE1) }).ioctl(ioas.fd, 'VFIO_IOMMU_GET_INFO');
  },
);

const extensions = vfioScenario(
  { id: 'compat/type1/extensions', title: 'VFIO_CHECK_EXTENSION answers 1 for type 1 and what goes with it, and 0 for all numbers else', clauses: ['TYPE1_CHECK_EXTENSION/answer', 'TYPE1_CHECK_EXTENSION/ioas', 'TYPE1_GET_API_VERSION/answer'] },
  (p) => {
    const fd = p.iommu();
    p.ioctl(fd, 'VFIO_GET_API_VERSION');
    const all = [...Array.from({ length: 12 }, (_, i) => BigInt(i)), 0xffff_ffffn, LARGEST];
    for (const value of all) p.ioctl(fd, 'VFIO_CHECK_EXTENSION', { value });
    const id = p.ioas(fd);
    p.iommufd(fd, 'IOMMU_VFIO_IOAS', { op: VFIO_IOAS.SET, ioas_id: id });
    for (const value of all) p.ioctl(fd, 'VFIO_CHECK_EXTENSION', { value });
  },
);

const sameAreas = vfioScenario(
  { id: 'compat/type1/same-areas', title: 'What one door maps the other sees; VFIO maps at 2^64-1 and without a direction too', clauses: ['TYPE1_MAP_DMA/mapped', 'TYPE1_MAP_DMA/taken', 'TYPE1_MAP_DMA/end', 'TYPE1_UNMAP_DMA/unmapped', 'IOMMU_IOAS_MAP/taken', 'IOMMU_IOAS_UNMAP/unmapped'] },
  (p) => {
    const ioas = compatible(p);
    const buffer = p.memory();
    mapDma(p, ioas, buffer.address, AT, pages(2n));
    mapAt(p, ioas, buffer.address, AT, PAGE);
    mapAt(p, ioas, buffer.address, AT + pages(2n), PAGE);
    mapDma(p, ioas, buffer.address, AT + pages(2n), PAGE);
    mapDma(p, ioas, buffer.address, AT + pages(3n), PAGE, 0n);
    mapDma(p, ioas, buffer.address, LARGEST, 1n);
    mapDma(p, ioas, buffer.address, LARGEST, 2n);
    mapDma(p, ioas, buffer.address, AT, LARGEST);
    unmapDma(p, ioas, AT, pages(2n));
    unmapAll(p, ioas);
    unmapDma(p, ioas, 0n, 0n, UNMAP_ALL);
  },
);

const version2 = vfioScenario(
  { id: 'compat/type1/version-2', title: 'Version 2 cuts no area; an empty range is no error; a refusal half way tells what is gone', clauses: ['TYPE1_UNMAP_DMA/partly', 'TYPE1_UNMAP_DMA/unmapped', 'TYPE1_UNMAP_DMA/size', 'TYPE1_UNMAP_DMA/end', 'TYPE1_UNMAP_DMA/all'] },
  (p) => {
    const ioas = compatible(p);
    const buffer = p.memory();
    for (const place of [0n, 2n, 3n]) mapDma(p, ioas, buffer.address, AT + pages(place), PAGE);
    unmapDma(p, ioas, 4n * AT, PAGE);
    unmapDma(p, ioas, AT + 1n, PAGE);
    unmapDma(p, ioas, AT, pages(3n) + 1n);
    unmapDma(p, ioas, AT, 0n);
    unmapDma(p, ioas, AT, LARGEST);
    for (const [iova, size] of [[AT, 0n], [0n, PAGE], [0n, 0n], [0n, 0n]] as const) unmapDma(p, ioas, iova, size, UNMAP_ALL);
  },
);

const version1 = vfioScenario(
  {
    id: 'compat/type1/version-1',
    title: 'Type 1 cuts areas at both ends of what is unmapped, and what is left can be unmapped by itself',
    clauses: ['TYPE1_UNMAP_DMA/unmapped', 'TYPE1_UNMAP_DMA/cut', 'TYPE1_SET_IOMMU/set', 'TYPE1_MAP_DMA/iova-alignment', 'TYPE1_MAP_DMA/length-alignment', 'TYPE1_MAP_DMA/offset'],
  },
  (p) => {
    const ioas = compatible(p, IOMMU_TYPE.TYPE1);
    const buffer = p.memory();
    option(p, ioas.fd, 1n, 1n, ioas.id);
    mapDma(p, ioas, buffer.address, AT, pages(4n));
    unmapDma(p, ioas, AT + PAGE, PAGE);
    mapAt(p, ioas, buffer.at(PAGE), AT + PAGE, PAGE, READ_WRITE);
    unmapDma(p, ioas, AT + PAGE, 0x800n);
    unmapDma(p, ioas, AT + PAGE + 0x800n, PAGE);
    unmapDma(p, ioas, AT - PAGE, pages(3n));
    unmapDma(p, ioas, AT + pages(3n), pages(8n));
    unmapDma(p, ioas, AT, pages(8n));
    mapDma(p, ioas, buffer.address, AT, pages(2n));
    unmapDma(p, ioas, AT + PAGE, 0n);
    p.iommufd(ioas.fd, 'IOMMU_IOAS_UNMAP', { ioas_id: ioas.id, iova: AT, length: PAGE });
    unmapDma(p, ioas, 0n, LARGEST);
    for (const [address, iova, size] of [[0x800n, 0n, PAGE], [0n, 0x800n, PAGE], [0n, 0n, PAGE + 0x800n]] as const) mapDma(p, ioas, buffer.at(address), AT + iova, size);
  },
);

const reply = vfioScenario(
  { id: 'compat/type1/reply', title: 'Where the size cannot be written the areas are gone, and EFAULT hides every other refusal', clauses: ['TYPE1_UNMAP_DMA/answer-pointer', 'TYPE1_UNMAP_DMA/unmapped'] },
  (p) => {
    const ioas = compatible(p, IOMMU_TYPE.TYPE1);
    const buffer = p.memory();
    mapDma(p, ioas, buffer.address, AT, pages(4n));
    p.ioctl(ioas.fd, 'VFIO_IOMMU_UNMAP_DMA', { iova: AT + PAGE, size: PAGE }, { pointer: 'read-only' });
    p.ioctl(ioas.fd, 'VFIO_IOMMU_UNMAP_DMA', { iova: AT, size: 0n }, { pointer: 'read-only' });
    p.ioctl(ioas.fd, 'VFIO_IOMMU_UNMAP_DMA', { iova: AT, size: LARGEST }, { pointer: 'read-only' });
    unmapDma(p, ioas, AT, pages(4n));
  },
);

const largePages = vfioScenario(
  { id: 'compat/type1/large-pages', title: 'Type 1 is refused while something is mapped that is not of whole pages; version 2 is not, and brings no large pages back', clauses: ['TYPE1_SET_IOMMU/large-aligned', 'TYPE1_SET_IOMMU/set', 'TYPE1_SET_IOMMU/ioas', 'TYPE1_SET_IOMMU/type'] },
  (p) => {
    const ioas = newIoas(p);
    const set = (value: number): void => void p.ioctl(ioas.fd, 'VFIO_SET_IOMMU', { value: BigInt(value) });
    for (const value of [0, 1, 3]) set(value);
    p.iommufd(ioas.fd, 'IOMMU_VFIO_IOAS', { op: VFIO_IOAS.SET, ioas_id: ioas.id });
    mapAt(p, ioas, 0n, AT + 0x800n, 0x800n);
    for (const value of [IOMMU_TYPE.TYPE1, IOMMU_TYPE.TYPE1V2]) set(value);
    unmapAll(p, ioas);
    for (const value of [IOMMU_TYPE.TYPE1, IOMMU_TYPE.TYPE1, IOMMU_TYPE.TYPE1V2]) set(value);
    option(p, ioas.fd, 1n, 1n, ioas.id);
  },
);

export const scenarios: readonly Scenario[] = [spaprOnIommufd, twoLayouts, info, smallInfo, extensions, sameAreas, version2, version1, reply, largePages, ...negatives];
