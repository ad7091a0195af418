import { defineCall, type Guard } from '../../rules.js';
import { E } from '../../uapi/errno.js';
import { IOMMU_TYPE } from '../../uapi/vfio.js';
import { arg, type IoctlInput } from '../../vfio/checks.js';
import { IOAS, IOMMU, mapped, OPENED, type IoasContext } from '../checks.js';
import { givesUp, largePageChecks } from '../option.js';
import { asksForSpapr, EXTENSION_CLAUSE, offersSpapr, serveSpapr, SPAPR_CHECKS, SPAPR_CHOICE, SPAPR_CLAUSES } from '../ppc64/spapr.js';
import { noCompatible, readType1, READY, type1Clause } from './checks.js';

/** VFIO_GET_API_VERSION: 0. */
export const type1ApiVersion = defineCall<IoasContext, IoctlInput>({
  name: 'TYPE1_GET_API_VERSION',
  parameters: [],
  read: readType1,
  guards: [],
  effect: {
    clauses: [type1Clause('TYPE1_GET_API_VERSION/answer', 'The version is 0.')],
    apply: () => ({ clause: 'TYPE1_GET_API_VERSION/answer', status: 0 }),
  },
  sample: { fd: IOMMU, call: 'VFIO_GET_API_VERSION', setup: OPENED, args: {} },
});

const CHECK = 'TYPE1_CHECK_EXTENSION';

const isType = (c: IoasContext, ...types: readonly number[]): boolean => types.some((type) => arg(c, 'value') === BigInt(type));

const noCoherence: Guard<IoasContext> = {
  ...type1Clause(`${CHECK}/ioas`, "Whether DMA is coherent cannot be told where no IOAS is VFIO's: ENODEV."),
  when: (c) => isType(c, IOMMU_TYPE.DMA_CC) && c.ioas === undefined,
  refuse: [-E.ENODEV],
  violation: { instead: OPENED, args: { value: BigInt(IOMMU_TYPE.DMA_CC) } },
};

/** What is there whatever the kernel's configuration. */
const OFFERED = [IOMMU_TYPE.TYPE1, IOMMU_TYPE.TYPE1V2, IOMMU_TYPE.UNMAP_ALL, IOMMU_TYPE.DMA_CC] as const;

/** VFIO_CHECK_EXTENSION: type 1, and nothing of SPAPR. */
export const type1CheckExtension = defineCall<IoasContext, IoctlInput>({
  name: CHECK,
  parameters: ['value'],
  read: readType1,
  guards: [noCoherence],
  effect: {
    clauses: [type1Clause(`${CHECK}/answer`, '1 for type 1 in both versions, for unmapping all, and for coherent DMA where every page table is; 0 for SPAPR TCE, EEH and everything else.'), EXTENSION_CLAUSE],
    statuses: [0, 1],
    apply(c, chooser) {
      const clause = `${CHECK}/answer`;
      if (isType(c, IOMMU_TYPE.NOIOMMU)) return { clause, status: chooser.oneOf('I2', [0, 1], (option, observed) => observed.kind === 'syscall' && observed.result === BigInt(option)) };
      if (offersSpapr(c.host, arg(c, 'value'))) return { clause: `${CHECK}/ppc64-spapr`, status: chooser.oneOf('I34', [1, 0], (option, observed) => observed.kind === 'syscall' && observed.result === BigInt(option)) };
      return { clause, status: isType(c, ...OFFERED) ? 1 : 0 };
    },
  },
  sample: { fd: IOMMU, call: 'VFIO_CHECK_EXTENSION', setup: READY, args: { value: BigInt(IOMMU_TYPE.TYPE1V2) } },
});

const SET = 'TYPE1_SET_IOMMU';

const otherType: Guard<IoasContext> = {
  ...type1Clause(`${SET}/type`, 'Any kind of IOMMU but type 1 is refused with EINVAL, SPAPR TCE too.'),
  when: (c) => !isType(c, IOMMU_TYPE.TYPE1, IOMMU_TYPE.TYPE1V2) && !asksForSpapr(c),
  refuse: [-E.EINVAL],
  violation: { args: { value: BigInt(IOMMU_TYPE.SPAPR_TCE_V2) } },
};

const isFirst = (c: IoasContext): boolean => isType(c, IOMMU_TYPE.TYPE1);

/** VFIO_SET_IOMMU: type 1 cuts areas, and so does without large pages; version 2 changes nothing. */
export const type1SetIommu = defineCall<IoasContext, IoctlInput>({
  name: SET,
  parameters: ['value'],
  read: readType1,
  guards: [SPAPR_CHOICE, otherType, noCompatible(SET), ...SPAPR_CHECKS, ...largePageChecks<IoasContext>(SET, isFirst, { instead: { setup: [mapped(IOAS, 0x2000_0800n)] } })],
  effect: {
    clauses: [type1Clause(`${SET}/set`, 'Type 1 gives up the large pages of the IOAS, and can cut areas from then on; version 2 leaves all as it is.'), ...SPAPR_CLAUSES],
    apply(c) {
      if (asksForSpapr(c)) {
        serveSpapr(c);
        return { clause: `${SET}/ppc64-set`, status: 0 };
      }
      if (isFirst(c) && givesUp(c)) c.ioas!.hugePages = false;
      return { clause: `${SET}/set`, status: 0 };
    },
  },
  sample: { fd: IOMMU, call: 'VFIO_SET_IOMMU', setup: READY, args: { value: BigInt(IOMMU_TYPE.TYPE1) } },
});
