import { vfioScenario } from '../../harness/build/scenario-builder.js';
import type { VfioProgramBuilder } from '../../harness/build/vfio-program-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import type { Term } from '../../reference/doors/term.js';
import { info, ofType, PAGE, setIommu, TYPE_V1, TYPE_V2, V2 } from './steps.js';

/** Every type that Linux numbers, the next, and values whose low bits alone are those of a type. */
const TYPES: readonly bigint[] = [...Array.from({ length: 13 }, (_, type) => BigInt(type)), 0x7fff_ffffn, 0x8000_0000n, (1n << 32n) + 2n, (1n << 32n) + 7n, 0xffff_ffff_ffff_ffffn];

const askAll = (p: VfioProgramBuilder, fd: Term): void => {
  for (const value of TYPES) p.ioctl(fd, 'VFIO_CHECK_EXTENSION', { value });
};

const extensions: readonly Scenario[] = [
  vfioScenario(
    { id: 'vfio/type/extensions-before', title: 'An empty container, and one with a group, know SPAPR TCE v1 and v2, EEH where the platform has it, and no other extension', clauses: ['VFIO_CHECK_EXTENSION/answer', 'VFIO_GET_API_VERSION/answer'] },
    (p) => {
      const empty = p.open('container', 'empty');
      p.ioctl(empty, 'VFIO_GET_API_VERSION');
      askAll(p, empty);
      askAll(p, p.attached().fd);
    },
  ),
  ...[TYPE_V1, TYPE_V2].map((type) =>
    vfioScenario(
      {
        id: `vfio/type/extensions-of-type-${type}`,
        title: `A container of IOMMU type ${type} knows the extensions of the other version too, and keeps answering its own calls`,
        clauses: ['VFIO_CHECK_EXTENSION/answer', 'VFIO_GET_API_VERSION/answer'],
        ...(type === TYPE_V2 ? { requires: V2 } : {}),
      },
      (p) => {
        const { fd } = ofType(p, type);
        askAll(p, fd);
        p.ioctl(fd, 'VFIO_GET_API_VERSION');
      },
    ),
  ),
];

const setting: readonly Scenario[] = [
  vfioScenario(
    { id: 'vfio/type/set-unknown', title: 'Every type of IOMMU that POWER does not have is refused, and the container can still be given one that it has', clauses: ['VFIO_SET_IOMMU/type', 'VFIO_SET_IOMMU/set'], requires: V2 },
    (p) => {
      const container = p.attached();
      for (const type of TYPES.filter((value) => value !== TYPE_V1 && value !== TYPE_V2)) setIommu(p, container.fd, type);
      setIommu(p, container.fd, TYPE_V2);
      info(p, container);
    },
  ),
  vfioScenario(
    { id: 'vfio/type/set-not-now', title: 'An empty container, and one that has its IOMMU, refuse every type with EINVAL and keep what they have', clauses: ['VFIO_SET_IOMMU/once'], requires: V2 },
    (p) => {
      const empty = p.open('container', 'empty');
      for (const type of TYPES) setIommu(p, empty, type);
      const container = p.v2();
      for (const type of TYPES) setIommu(p, container.fd, type);
      p.registered(container, PAGE);
    },
  ),
  vfioScenario(
    { id: 'vfio/type/set-other-after-unset', title: 'When its group came back a container can be of the other version', clauses: ['VFIO_SET_IOMMU/set', 'VFIO_IOMMU_ENABLE/enabled'], requires: V2 },
    (p) => {
      const container = p.v2();
      p.registered(container, PAGE);
      const again = (type: bigint): void => {
        p.ioctl(container.group, 'VFIO_GROUP_UNSET_CONTAINER').ioctl(container.group, 'VFIO_GROUP_SET_CONTAINER', { fd: container.fd });
        setIommu(p, container.fd, type);
      };
      again(TYPE_V1);
      p.ioctl(container.fd, 'VFIO_IOMMU_ENABLE');
      again(TYPE_V2);
      p.registered(container, PAGE);
    },
  ),
];

/** Types of IOMMU: which there are, and when a container takes one. */
export const scenarios: readonly Scenario[] = [...extensions, ...setting];
