import { defineCall, type Guard } from '../rules.js';
import { E } from '../uapi/errno.js';
import type { IoctlInput } from '../vfio/checks.js';
import { IOMMU, iommufdClause, mapped, padding, readIommufd, sizeChecks, WITH_BUFFER, type IommufdContext } from './checks.js';
import { charge, pinnedPages, uncharge } from './pages.js';
import type { Pages } from './state/context.js';

const NAME = 'IOMMU_IOAS_CHANGE_PROCESS';
const clause = iommufdClause('ioas.c iommufd_ioas_change_process');

/** What the areas of every IOAS map, each once. */
function pagesOf({ context }: IommufdContext): Set<Pages> {
  const found = new Set<Pages>();
  for (const object of context.objects.values()) if (object.kind === 'ioas') for (const { pages } of object.areas) found.add(pages);
  return found;
}

const ofProcess: Guard<IommufdContext> = {
  ...clause(`${NAME}/memory`, "Where any area of any IOAS is of a process's memory, not of a file, the call is refused with EINVAL."),
  when: (c) => [...pagesOf(c)].some(({ source }) => source.kind === 'process'),
  refuse: [-E.EINVAL],
  violation: { setup: [mapped()] },
};

/** What is to be charged to the caller, and is not yet. */
const moved = (c: IommufdContext): Pages[] => [...pagesOf(c)].filter(({ owner, accounting }) => owner !== c.process.space && accounting !== 'none');

/** Charges the caller for all, or for nothing. The first mapper pays until then: a user pays twice for a moment. */
function chargeAll(c: IommufdContext): number {
  const done: Pages[] = [];
  const undo = (): void => done.forEach((pages) => uncharge(c.host, { ...pages, owner: c.process.space }, pinnedPages(c.host, pages)));
  for (const pages of moved(c)) {
    const refused = charge(c.host, { ...pages, owner: c.process.space }, pinnedPages(c.host, pages));
    if (refused !== 0) {
      undo();
      return refused;
    }
    done.push(pages);
  }
  return 0;
}

const limited: Guard<IommufdContext> = {
  ...clause(`${NAME}/limit`, 'Where the caller may not lock all that is pinned, the call is refused with ENOMEM, and nothing changes.'),
  when(c) {
    const refused = chargeAll(c);
    if (refused === 0) for (const pages of moved(c)) uncharge(c.host, { ...pages, owner: c.process.space }, pinnedPages(c.host, pages));
    return refused !== 0;
  },
  refuse: [-E.ENOMEM],
};

/** IOMMU_IOAS_CHANGE_PROCESS: what is mapped, all of it of files, is the caller's from now on. */
export const ioasChangeProcess = defineCall<IommufdContext, IoctlInput>({
  name: NAME,
  parameters: ['size', '__reserved'],
  read: readIommufd,
  guards: [...sizeChecks(NAME), padding(NAME, clause), ofProcess, limited],
  effect: {
    clauses: [clause(`${NAME}/changed`, 'Who is charged for pinned memory is the caller, and nobody before.')],
    apply(c) {
      chargeAll(c);
      for (const pages of moved(c)) uncharge(c.host, pages, pinnedPages(c.host, pages));
      for (const pages of pagesOf(c)) pages.owner = c.process.space;
      return { clause: `${NAME}/changed`, status: 0 };
    },
  },
  sample: { fd: IOMMU, setup: WITH_BUFFER, args: {} },
});
