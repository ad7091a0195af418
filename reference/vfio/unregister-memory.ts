import { findRegion } from '../memory/process.js';
import { defineCall, type Guard } from '../rules.js';
import { E } from '../uapi/errno.js';
import { badPointer, BUFFER, BUFFER_BYTES, CONTAINER, foreignProcess, otherVersion, READY_V2, spaprClause, tooShort, unknownFlags, UNREGISTERED_V2, type IoctlInput } from './checks.js';
import { readMemory, unalignedMemory, type MemoryContext } from './register-memory.js';
import { dropUnusedRegion } from './windows.js';

const NAME = 'VFIO_IOMMU_SPAPR_UNREGISTER_MEMORY';

const nobodys: Guard<MemoryContext> = {
  ...spaprClause(`${NAME}/nobodys`, 'A container that belongs to no process yet is refused with EPERM.'),
  when: (c) => c.container.space === undefined,
  refuse: [-E.EPERM],
  violation: { instead: UNREGISTERED_V2 },
};

const unknown: Guard<MemoryContext> = {
  ...spaprClause(`${NAME}/unknown`, 'A range that is not exactly a region which this container registered is refused with ENOENT.'),
  when: (c) => !c.container.registered.some(isNamed(c)),
  refuse: [-E.ENOENT],
  violation: { args: { size: BUFFER_BYTES / 2n } },
};

const inUse: Guard<MemoryContext> = {
  ...spaprClause(`${NAME}/mapped`, 'A region that entries still map may be refused with EBUSY; otherwise its pages stay pinned until the last of them goes.'),
  level: 'may',
  choice: { id: 'V4', canonical: false },
  when: (c) => findRegion(c.space, c.vaddr, c.size)!.mapped > 1,
  refuse: [-E.EBUSY],
};

const isNamed = (c: MemoryContext) => (region: object): boolean => region === findRegion(c.space, c.vaddr, c.size);

/** VFIO_IOMMU_SPAPR_UNREGISTER_MEMORY: the container has no more use for a region. */
export const unregisterMemory = defineCall<MemoryContext, IoctlInput>({
  name: NAME,
  parameters: ['argsz', 'flags', 'vaddr', 'size'],
  read: readMemory,
  guards: [
    foreignProcess(NAME),
    otherVersion(NAME, 2),
    nobodys,
    badPointer(NAME),
    tooShort(NAME, 24n),
    unknownFlags(NAME),
    unalignedMemory(NAME),
    unknown,
    inUse,
  ],
  effect: {
    clauses: [
      spaprClause(`${NAME}/unregistered`, 'The region is given back with the last container that registered it and the last entry that maps it; the container stays enabled.'),
    ],
    apply(c) {
      const region = findRegion(c.space, c.vaddr, c.size);
      if (region !== undefined) {
        c.container.registered = c.container.registered.filter((other) => other !== region);
        region.users -= 1;
        dropUnusedRegion(c.host, c.space, region);
      }
      return { clause: `${NAME}/unregistered`, status: 0 };
    },
  },
  sample: { fd: CONTAINER, setup: READY_V2, args: { argsz: 24n, flags: 0n, vaddr: BUFFER, size: BUFFER_BYTES } },
});
