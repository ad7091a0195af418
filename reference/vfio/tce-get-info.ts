import { defineCall, type Expected } from '../rules.js';
import { INFO_DDW } from '../uapi/vfio.js';
import {
  arg,
  badPointer,
  byChild,
  CONTAINER,
  foreignProcess,
  READY_V2,
  readContainer,
  readOnly,
  spaprClause,
  tooShort,
  UNREGISTERED_V2,
  type ContainerContext,
  type IoctlInput,
} from './checks.js';

const NAME = 'VFIO_IOMMU_SPAPR_TCE_GET_INFO';

/** What the answer says, in the order of the structure; undefined where it is left as it was given. */
function answers(c: ContainerContext): readonly (readonly [name: string, value: bigint])[] {
  const group = c.container.groups[0]!.description;
  const ddw = c.container.version === 2 && group.windows !== 0;
  const basic: [string, bigint][] = [
    ['flags', ddw ? INFO_DDW : 0n],
    ['dma32_window_start', BigInt(group.dma32Start)],
    ['dma32_window_size', BigInt(group.dma32Size)],
  ];
  if (arg(c, 'argsz') < 32n) return basic;
  return [
    ...basic,
    ['pgsizes', ddw ? group.pageSizes : 0n],
    ['max_dynamic_windows_supported', ddw ? BigInt(group.windows) : 0n],
    ['levels', ddw ? BigInt(group.levels) : 0n],
  ];
}

/** VFIO_IOMMU_SPAPR_TCE_GET_INFO: what the platform offers, whatever windows exist. */
export const tceGetInfo = defineCall<ContainerContext, IoctlInput>({
  name: NAME,
  parameters: ['argsz', 'flags'],
  read: readContainer,
  guards: [foreignProcess(NAME, { ...byChild, instead: READY_V2 }), badPointer(NAME), tooShort(NAME, 16n), readOnly(NAME)],
  effect: {
    clauses: [
      spaprClause(`${NAME}/answer`, "The default window's place and size; in v2 the page sizes, windows and levels, if argsz has room for them. argsz and input flags change nothing."),
    ],
    apply(c) {
      const outputs: Expected[] = answers(c).map(([name, value], i) => ({ index: i + 1, name, value, clause: `${NAME}/answer` }));
      return { clause: `${NAME}/answer`, status: 0, outputs };
    },
  },
  sample: { fd: CONTAINER, setup: UNREGISTERED_V2, args: { argsz: 32n, flags: 0n } },
});
