import { defineCall, type Guard } from '../rules.js';
import { E } from '../uapi/errno.js';
import {
  arg,
  badPointer,
  CONTAINER,
  DISABLED_V1,
  foreignProcess,
  otherVersion,
  readContainer,
  spaprClause,
  tooShort,
  unknownFlags,
  UNREGISTERED_V2,
  type ContainerContext,
  type IoctlInput,
} from './checks.js';
import { removeWindowOf, windowAt } from './windows.js';

const NAME = 'VFIO_IOMMU_SPAPR_TCE_REMOVE';

interface Remove extends ContainerContext {
  readonly start: bigint;
}

/** The promised default window, named by its start. */
const isPromised = ({ container, start }: Remove): boolean => container.defaultPending && start === 0n;

const unknown: Guard<Remove> = {
  ...spaprClause(`${NAME}/unknown`, 'An address in no window of the container is refused with EINVAL.'),
  when: (c) => !isPromised(c) && windowAt(c.container, c.start) === undefined,
  refuse: [-E.EINVAL],
  violation: { args: { start_addr: { from: 'pe0.dma32.end' } } },
};

const interior: Guard<Remove> = {
  ...spaprClause(`${NAME}/interior`, 'An address within a window that is not its start may be refused with EINVAL, or name the window.'),
  level: 'may',
  choice: { id: 'V7', canonical: false },
  when: (c) => !isPromised(c) && windowAt(c.container, c.start)!.window.start !== c.start,
  refuse: [-E.EINVAL],
};

/** VFIO_IOMMU_SPAPR_TCE_REMOVE: the window goes, its entries cleared before; also the default one, promised or made. */
export const tceRemove = defineCall<Remove, IoctlInput>({
  name: NAME,
  parameters: ['argsz', 'flags', 'start_addr'],
  read: (host, ioctl) => ({ ...readContainer(host, ioctl), start: ioctl.args['start_addr'] ?? 0n }),
  guards: [
    foreignProcess(NAME),
    { ...otherVersion(NAME, 2), violation: { instead: DISABLED_V1, args: { start_addr: 0n } } },
    badPointer(NAME),
    tooShort(NAME, 16n),
    unknownFlags(NAME),
    unknown,
    interior,
  ],
  effect: {
    clauses: [
      spaprClause(`${NAME}/removed`, 'The window is gone and its table is given back; what its entries mapped is let go before.'),
      spaprClause(`${NAME}/promise-dropped`, 'Removing the default window before it was made: it will not be made.'),
    ],
    apply(c) {
      if (isPromised(c)) {
        c.container.defaultPending = false;
        return { clause: `${NAME}/promise-dropped`, status: 0 };
      }
      const slot = c.container.tables.findIndex((table) => table === windowAt(c.container, arg(c, 'start_addr')));
      removeWindowOf(c.host, c.container, slot);
      return { clause: `${NAME}/removed`, status: 0 };
    },
  },
  sample: {
    fd: CONTAINER,
    setup: [
      ...UNREGISTERED_V2,
      {
        door: 'vfio',
        op: 'ioctl',
        fd: CONTAINER,
        call: 'VFIO_IOMMU_SPAPR_TCE_CREATE',
        args: { page_shift: 16n, window_size: 1n << 26n, levels: 1n },
        as: 'window',
      },
    ],
    args: { argsz: 16n, flags: 0n, start_addr: { from: 'window.start_addr' } },
  },
});
