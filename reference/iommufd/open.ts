import { defineCall } from '../rules.js';
import { openFile } from '../vfio/files.js';
import type { Host, IommufdFile, Process } from '../vfio/host.js';
import { iommufdClause } from './checks.js';
import { endContext } from './objects.js';
import { makeContext } from './state/context.js';

const clause = iommufdClause('main.c iommufd_fops_open');

export type OpenInput = readonly [host: Host, opening: { readonly process: Process; readonly what: string }];

interface Opening {
  readonly host: Host;
  readonly process: Process;
}

/** open of /dev/iommu: a new context each time. */
export const openIommu = defineCall<Opening, OpenInput>({
  name: 'open-iommu',
  parameters: [],
  read: (host, { process }) => ({ host, process }),
  guards: [],
  effect: {
    clauses: [clause('open-iommu/opened', 'A new context, without any object.')],
    statuses: 'descriptor',
    apply(c, chooser) {
      const context = makeContext();
      const file: IommufdFile = { kind: 'iommufd', context, users: 0, end: (host) => endContext(host, context) };
      return { clause: 'open-iommu/opened', status: openFile(c.process, file, chooser) };
    },
  },
  sample: { args: {} },
});
