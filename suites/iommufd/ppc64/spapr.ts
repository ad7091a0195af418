import type { ContainerHandle, VfioProgramBuilder } from '../../../harness/build/vfio-program-builder.js';
import type { Scenario } from '../../../harness/scenario.js';
import type { Term } from '../../../reference/doors/term.js';
import { VFIO_IOAS } from '../../../reference/uapi/iommufd.js';
import { IOMMU_TYPE } from '../../../reference/uapi/vfio.js';
import { freeze, pe, state } from '../../eeh/steps.js';
import { PAGE } from '../device-steps.js';
import { plannedScenario } from './steps.js';

/* The ioctls of SPAPR TCE on /dev/iommu: VFIO_SET_IOMMU says whose the numbers 12 to 21 are. */

const SET = 'TYPE1_SET_IOMMU';
const CHECK = 'TYPE1_CHECK_EXTENSION';
const MEMORY = 0x10_0000n;

/** A group that works with /dev/iommu. */
function joined(p: VfioProgramBuilder, group = 'pe0', fd: Term = p.iommu()): ContainerHandle {
  const opened = p.open(group, `group-${group}`);
  p.ioctl(opened, 'VFIO_GROUP_SET_CONTAINER', { fd });
  return { fd, group: opened };
}

const select = (p: VfioProgramBuilder, { fd }: Pick<ContainerHandle, 'fd'>, type: number): VfioProgramBuilder => p.ioctl(fd, 'VFIO_SET_IOMMU', { value: BigInt(type) });

function spapr(p: VfioProgramBuilder, type: number = IOMMU_TYPE.SPAPR_TCE_V2): ContainerHandle {
  const container = joined(p);
  select(p, container, type);
  return container;
}

/** What GET_INFO of SPAPR TCE said, where a claim can see it. */
function information(p: VfioProgramBuilder, { fd }: ContainerHandle, as: string): void {
  p.ioctl(fd, 'VFIO_IOMMU_SPAPR_TCE_GET_INFO', {}, { as });
  const { address } = p.memory();
  p.store(address, ['flags', 'dma32_window_start', 'dma32_window_size', 'pgsizes', 'max_dynamic_windows_supported', 'levels'].map((field) => ({ from: `${as}.${field}` })));
  p.load(address, 48, `${as}-words`);
}

export const scenarios: readonly Scenario[] = [
  plannedScenario(
    {
      id: 'iommufd/ppc64/spapr-program',
      title: 'A program of SPAPR TCE v2 runs on /dev/iommu as it is: memory registered, two windows, what is mapped is reached, all is given back',
      clauses: [`${SET}/ppc64-set`, 'VFIO_IOMMU_SPAPR_REGISTER_MEMORY/registered', 'VFIO_IOMMU_SPAPR_TCE_CREATE/created', 'VFIO_IOMMU_MAP_DMA/mapped', 'dma/translated', 'ledger/locked'],
      requires: ['second-window'],
      claims: [{ says: 'the device has written what it read', clause: 'memory/contents', holds: 'equal', loads: ['from', 'to'] }],
    },
    (p) => {
      const container = spapr(p);
      const buffer = p.registered(container, MEMORY);
      const [low, high] = [p.defaultWindow(), p.create(container)];
      p.fill(buffer.address, 0x1000, 0x4d);
      p.map(container, buffer.address, low.start, PAGE).map(container, buffer.at(PAGE), high.start, PAGE);
      const device = p.device(container);
      p.deviceReads(device, low.start).deviceWrites(device, high.start).load(buffer.address, 16, 'from').load(buffer.at(PAGE), 16, 'to');
      p.unmap(container, high.start, PAGE).remove(container, high.start).unmap(container, low.start, PAGE).unregister(container, buffer);
    },
  ),
  plannedScenario({ id: 'iommufd/ppc64/spapr-first-version', title: 'A program of SPAPR TCE v1 runs on /dev/iommu as it is', clauses: [`${SET}/ppc64-set`, 'VFIO_IOMMU_ENABLE/enabled', 'VFIO_IOMMU_MAP_DMA/mapped', 'dma/translated', 'ledger/locked'] }, (p) => {
    const container = spapr(p, IOMMU_TYPE.SPAPR_TCE);
    const buffer = p.memory();
    p.ioctl(container.fd, 'VFIO_IOMMU_ENABLE').map(container, buffer.address, p.defaultWindow().start, PAGE);
    p.deviceWrites(p.device(container), p.defaultWindow().start);
    p.unmap(container, p.defaultWindow().start, PAGE).ioctl(container.fd, 'VFIO_IOMMU_DISABLE');
  }),
  plannedScenario(
    { id: 'iommufd/ppc64/q26-by-type', title: 'Numbers 12 to 21 are those of type 1 until SPAPR TCE is asked for, and again when the last group has left', clauses: [`${SET}/ppc64-spapr`, `${SET}/ppc64-set`, `${CHECK}/ppc64-spapr`, 'VFIO_IOMMU_GET_INFO/answer', 'VFIO_IOMMU_SPAPR_TCE_GET_INFO/answer', 'type1-unknown/number'] },
    (p) => {
      const container = joined(p);
      const buffer = p.memory(MEMORY);
      for (const type of [IOMMU_TYPE.SPAPR_TCE, IOMMU_TYPE.SPAPR_TCE_V2, IOMMU_TYPE.EEH, IOMMU_TYPE.TYPE1]) p.ioctl(container.fd, 'VFIO_CHECK_EXTENSION', { value: BigInt(type) });
      const numbers = (): void => {
        for (const call of ['VFIO_IOMMU_SPAPR_TCE_GET_INFO', 'VFIO_IOMMU_GET_INFO', 'VFIO_IOMMU_ENABLE', 'VFIO_IOMMU_DIRTY_PAGES', 'VFIO_IOMMU_SPAPR_TCE_REMOVE', 'VFIO_EEH_PE_OP', 'VFIO_UNKNOWN'] as const) p.ioctl(container.fd, call);
        p.register(container, buffer).unregister(container, buffer);
      };
      numbers();
      select(p, container, IOMMU_TYPE.SPAPR_TCE_V2);
      numbers();
      // What is IOMMUFD's own stays what it is.
      p.ioas(container.fd);
      p.ioctl(container.group, 'VFIO_GROUP_UNSET_CONTAINER');
      numbers();
      select(p, container, IOMMU_TYPE.TYPE1V2);
    },
  ),
  plannedScenario({ id: 'iommufd/ppc64/spapr-not-now', title: 'SPAPR TCE is refused without a group, a second time, for several groups of v1, and while a device is open', clauses: [`${SET}/ppc64-once`, `${SET}/ppc64-busy`, `${SET}/ioas`], requires: ['pe:pe1'] }, (p) => {
    const fd = p.iommu();
    select(p, { fd }, IOMMU_TYPE.SPAPR_TCE_V2);
    const ioas = p.ioas(fd);
    p.iommufd(fd, 'IOMMU_VFIO_IOAS', { op: VFIO_IOAS.SET, ioas_id: ioas });
    select(p, { fd }, IOMMU_TYPE.SPAPR_TCE_V2);
    const first = joined(p, 'pe0', fd);
    joined(p, 'pe1', fd);
    select(p, { fd }, IOMMU_TYPE.SPAPR_TCE);
    const device = p.device(first);
    select(p, { fd }, IOMMU_TYPE.SPAPR_TCE_V2);
    p.close(device.fd);
    for (const type of [IOMMU_TYPE.SPAPR_TCE_V2, IOMMU_TYPE.SPAPR_TCE_V2, IOMMU_TYPE.TYPE1]) select(p, { fd }, type);
  }),
  plannedScenario(
    {
      id: 'iommufd/ppc64/spapr-same-information',
      title: 'VFIO_IOMMU_SPAPR_TCE_GET_INFO says the same of a PE on a container and on /dev/iommu',
      clauses: ['VFIO_IOMMU_SPAPR_TCE_GET_INFO/answer', `${SET}/ppc64-set`],
      claims: [{ says: 'both say the same of the PE', clause: 'VFIO_IOMMU_SPAPR_TCE_GET_INFO/answer', holds: 'equal', loads: ['container-words', 'iommufd-words'] }],
    },
    (p) => {
      const container = p.v2();
      information(p, container, 'container');
      p.ioctl(container.group, 'VFIO_GROUP_UNSET_CONTAINER');
      p.close(container.group);
      information(p, spapr(p), 'iommufd');
    },
  ),
  plannedScenario({ id: 'iommufd/ppc64/spapr-joins-later', title: 'A group that joins /dev/iommu while it serves SPAPR TCE is attached as to a container', clauses: [`${SET}/ppc64-set`, 'VFIO_GROUP_SET_CONTAINER/blocked', 'VFIO_GROUP_SET_CONTAINER/one-group'], requires: ['pe:pe1'] }, (p) => {
    const container = spapr(p);
    joined(p, 'pe1', container.fd);
    p.ioctl(container.fd, 'VFIO_IOMMU_SPAPR_TCE_GET_INFO');
    const first = p.iommu();
    const alone = joined(p, 'pe2', first);
    select(p, alone, IOMMU_TYPE.SPAPR_TCE);
    joined(p, 'pe3', first);
  }),
  plannedScenario({ id: 'iommufd/ppc64/spapr-eeh', title: 'VFIO_EEH_PE_OP on /dev/iommu: the state of a stopped PE, and its recovery', clauses: [`${SET}/ppc64-set`, 'VFIO_EEH_PE_OP/get-state', 'VFIO_EEH_PE_OP/enable'], requires: ['eeh', 'freeze'] }, (p) => {
    const container = spapr(p);
    p.device(container);
    state(freeze(state(p, container)), container);
    state(pe(p, container, 'enable'), container);
  }),
];
