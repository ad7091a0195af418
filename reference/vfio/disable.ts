import { defineCall } from '../rules.js';
import { CONTAINER, ENABLED_V1, foreignProcess, otherVersion, readContainer, spaprClause, type ContainerContext, type IoctlInput } from './checks.js';

const NAME = 'VFIO_IOMMU_DISABLE';

/** VFIO_IOMMU_DISABLE (v1): mapping is no longer permitted. What is mapped stays. */
export const disable = defineCall<ContainerContext, IoctlInput>({
  name: NAME,
  parameters: [],
  read: readContainer,
  guards: [foreignProcess(NAME), otherVersion(NAME, 1)],
  effect: {
    clauses: [spaprClause(`${NAME}/disabled`, 'What VFIO_IOMMU_ENABLE charged is given back, mappings stay; a container that is not enabled stays so.')],
    apply(c) {
      c.space.lockedPages -= c.container.enabledPages;
      c.container.enabledPages = 0n;
      c.container.enabled = false;
      return { clause: `${NAME}/disabled`, status: 0 };
    },
  },
  sample: { fd: CONTAINER, setup: ENABLED_V1, args: {} },
});
