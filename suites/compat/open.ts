import { vfioScenario } from '../../harness/build/scenario-builder.js';
import type { VfioProgramBuilder } from '../../harness/build/vfio-program-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import type { Term } from '../../reference/doors/term.js';
import { IOMMU_TYPE } from '../../reference/uapi/vfio.js';
import { V2 } from '../isolation/vfio/device.js';

/*
 * vfio-ppc-tests, vfio-pci-device-open.c: take a group, choose SPAPR TCE v2, open a device, look at its regions.
 */

const SET_IOMMU = 'VFIO_SET_IOMMU';
const STATUS = 'VFIO_GROUP_GET_STATUS';
const GET_DEVICE = 'VFIO_GROUP_GET_DEVICE_FD';

/** Kinds of IOMMU that a program may ask for, EEH included; the last one is the one to have. */
const ASKED = [IOMMU_TYPE.TYPE1, IOMMU_TYPE.TYPE1V2, IOMMU_TYPE.NOIOMMU, IOMMU_TYPE.EEH, IOMMU_TYPE.SPAPR_TCE_V2];
/** Kinds that must be refused, no IOMMU at all before others. */
const REFUSED = [IOMMU_TYPE.NOIOMMU, IOMMU_TYPE.TYPE1];

const ask = (p: VfioProgramBuilder, container: Term): void => {
  for (const type of ASKED) p.ioctl(container, 'VFIO_CHECK_EXTENSION', { value: BigInt(type) });
};

/** Opens a device without a place for its descriptor: the call is to be refused. */
const tryDevice = (p: VfioProgramBuilder, group: Term, device = 'pe0.dev0'): unknown => p.ioctl(group, GET_DEVICE, {}, { device });

const ladder = vfioScenario(
  {
    id: 'compat/vpt-01/open-ladder',
    title: 'VPT-01: container, group, SPAPR TCE v2 and device are opened step by step; whatever is out of turn is refused, nothing is locked',
    clauses: [
      'open-group/once',
      `${STATUS}/answer`,
      'VFIO_CHECK_EXTENSION/answer',
      `${GET_DEVICE}/container`,
      'VFIO_GROUP_SET_CONTAINER/blocked',
      'VFIO_GROUP_SET_CONTAINER/once',
      `${SET_IOMMU}/type`,
      `${SET_IOMMU}/set`,
      `${SET_IOMMU}/once`,
      `${GET_DEVICE}/name`,
      `${GET_DEVICE}/opened`,
      'ledger/locked',
    ],
    requires: V2,
  },
  (p) => {
    const fd = p.open('container', 'container');
    p.ioctl(fd, 'VFIO_GET_API_VERSION');
    const group = p.open('pe0', 'group');
    p.do({ door: 'vfio', op: 'open', what: 'pe0' }).ioctl(group, STATUS);
    ask(p, fd);
    tryDevice(p, group);
    p.ioctl(group, 'VFIO_GROUP_SET_CONTAINER', { fd }).ioctl(group, 'VFIO_GROUP_SET_CONTAINER', { fd }).ioctl(group, STATUS);
    tryDevice(p, group);
    for (const type of REFUSED) p.ioctl(fd, SET_IOMMU, { value: BigInt(type) });
    p.ioctl(fd, SET_IOMMU, { value: 7n }).ioctl(fd, SET_IOMMU, { value: 7n });
    ask(p, fd);
    tryDevice(p, group, 'no-such-device');
    p.device({ fd, group });
    p.ioctl(group, STATUS);
  },
);

/** The program never closes anything; its end must. */
const ended = vfioScenario(
  {
    id: 'compat/vpt-01/exit',
    title: 'VPT-01: a program that ends with container, group and device open leaves the group to the next one',
    clauses: ['close/closed', 'open-group/opened', `${SET_IOMMU}/set`, `${GET_DEVICE}/opened`],
    requires: V2,
  },
  (p) => {
    const by = p.fork();
    const [fd, group] = [p.open('container', 'theirs', by), p.open('pe0', 'their-group', by)];
    p.ioctl(group, 'VFIO_GROUP_SET_CONTAINER', { fd }, { by }).ioctl(fd, SET_IOMMU, { value: 7n }, { by });
    p.ioctl(group, GET_DEVICE, {}, { device: 'pe0.dev0', by }).exit(by);
    p.device(p.v2());
  },
);

/** Regions of a PCI device, and an index that no device has. */
const REGIONS = [0n, 1n, 2n, 3n, 4n, 5n, 6n, 7n, 8n, 64n];
const CONFIGURATION = 7;
/** Bytes that are read at a time: some devices answer loads of four bytes only. */
const WORD = 4;

/** What the original does with mmap is done with reads here; there is no mapping of regions at this door. */
const regions = vfioScenario(
  {
    id: 'compat/vpt-02/region-scan',
    title: 'VPT-02: every region of a device has an answer, and the first words of its first region and its configuration can be read',
    clauses: ['VFIO_DEVICE_GET_INFO/answer', 'VFIO_DEVICE_GET_REGION_INFO/answer', 'VFIO_DEVICE_GET_REGION_INFO/index', 'VFIO_DEVICE_GET_REGION_INFO/vga'],
    requires: V2,
  },
  (p) => {
    const { fd } = p.device(p.v2());
    p.ioctl(fd, 'VFIO_DEVICE_GET_INFO');
    for (const index of REGIONS) p.ioctl(fd, 'VFIO_DEVICE_GET_REGION_INFO', { index });
    for (const region of [0, CONFIGURATION]) {
      for (let offset = 0; offset < 4 * WORD; offset += WORD) p.do({ door: 'vfio', op: 'read', fd, region, offset, length: WORD });
    }
  },
);

/** VPT-01 and VPT-02. */
export const scenarios: readonly Scenario[] = [ladder, ended, regions];
