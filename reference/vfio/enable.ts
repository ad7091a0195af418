import { mayLock } from '../memory/process.js';
import { defineCall, type Guard } from '../rules.js';
import { E } from '../uapi/errno.js';
import {
  byChild,
  CONTAINER,
  DISABLED_V1,
  ENABLED_V1,
  foreignProcess,
  limitedTo,
  otherVersion,
  readContainer,
  spaprClause,
  type ContainerContext,
  type IoctlInput,
} from './checks.js';
import { systemPages } from './host.js';

const NAME = 'VFIO_IOMMU_ENABLE';

const already: Guard<ContainerContext> = {
  ...spaprClause(`${NAME}/already`, 'A container that is enabled is refused with EBUSY.'),
  when: (c) => c.container.enabled,
  refuse: [-E.EBUSY],
  violation: { instead: ENABLED_V1 },
};

const noWindow: Guard<ContainerContext> = {
  ...spaprClause(`${NAME}/window`, 'Without a default window there is nothing to enable: EPERM.'),
  when: (c) => c.container.groups[0]!.description.dma32Size === 0,
  refuse: [-E.EPERM],
};

const overLimit: Guard<ContainerContext> = {
  ...spaprClause(`${NAME}/limit`, 'A default window larger than what the process may still lock is refused with ENOMEM; the container is the process\'s all the same.'),
  when: (c) => !mayLock(c.space, windowMemory(c), c.host.linux.pageShift),
  refuse: [-E.ENOMEM],
  damage: (c) => (c.container.space = c.process.space),
  violation: { setup: [limitedTo(0n)] },
};

/** The worst case: every page of the default window maps a page of its own. */
const windowMemory = (c: ContainerContext): bigint => systemPages(c.host, BigInt(c.container.groups[0]!.description.dma32Size));

/** VFIO_IOMMU_ENABLE (v1): charges the process for a whole window of pinned pages, and permits mapping. */
export const enable = defineCall<ContainerContext, IoctlInput>({
  name: NAME,
  parameters: [],
  read: readContainer,
  guards: [foreignProcess(NAME, { ...byChild, instead: ENABLED_V1 }), otherVersion(NAME, 1), already, noWindow, overLimit],
  effect: {
    clauses: [spaprClause(`${NAME}/enabled`, 'The memory of the whole default window is charged to the process; mapping is permitted.')],
    apply(c) {
      c.container.enabled = true;
      c.container.space = c.process.space;
      c.container.enabledPages = windowMemory(c);
      c.space.lockedPages += windowMemory(c);
      return { clause: `${NAME}/enabled`, status: 0 };
    },
  },
  sample: { fd: CONTAINER, setup: DISABLED_V1, args: {} },
});
