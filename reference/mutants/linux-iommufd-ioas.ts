import type { IoasContext } from '../iommufd/checks.js';
import type { Placing } from '../iommufd/placing.js';
import { iovaAlignment, usable } from '../iommufd/ranges.js';
import type { Effect, Guard, RuleBook } from '../rules.js';
import { changeCall, withCondition, withEffect, withoutGuard, type Mutant } from './mutant.js';

const MAPPING = ['IOMMU_IOAS_MAP', 'IOMMU_IOAS_MAP_FILE', 'IOMMU_IOAS_COPY'] as const;
const UNMAP_DMA = 'TYPE1_UNMAP_DMA';
const GET_INFO = 'VFIO_IOMMU_GET_INFO';

/** Bytes to which a large area is aligned. */
const LARGE = 1n << 21n;

/** The place where a hole is looked for comes round beyond 64 bits, and is below the hole. */
function comesRound({ fixed, ioas, length }: Placing): boolean {
  if (fixed || ioas === undefined || length < LARGE) return false;
  const spans = ioas.allowed.length > 0 ? ioas.allowed : usable(ioas);
  return spans.some(({ first }) => first > (1n << 64n) - LARGE);
}

/** The guards of a call changed, one by one. */
const withGuards = (rules: RuleBook, name: string, change: (guard: Guard<unknown>) => Guard<unknown>): RuleBook =>
  changeCall(rules, name, (call) => ({ ...call, guards: (call.guards as readonly Guard<unknown>[]).map(change) }));

const roundMapped = (effect: Effect<Placing>): Effect<Placing> => ({
  ...effect,
  apply: (c, chooser) => effect.apply(comesRound(c) ? { ...c, fixed: true, iova: 0n } : c, chooser),
});

/** Historic faults of IOMMUFD's address spaces, by the subject of what mended them where something did. */
export const LINUX_IOMMUFD_IOAS_MUTANTS: readonly Mutant[] = [
  {
    id: 'linux/area-without-direction',
    title: 'An area can be mapped that the device may neither read nor write (iommufd: Do not allow creating areas without READ or WRITE)',
    kind: 'historic',
    clauses: MAPPING.map((call) => `${call}/direction`),
    change: (rules) => MAPPING.reduce((book, call) => withoutGuard(book, `${call}/direction`), rules),
  },
  {
    id: 'linux/automatic-iova-comes-round',
    title: 'Where the kernel chooses the place, aligning it beyond 64 bits comes round to the beginning (iommufd: Protect against overflow of ALIGN() during iova allocation)',
    kind: 'historic',
    clauses: ['IOMMU_IOAS_MAP/no-room', 'IOMMU_IOAS_MAP/mapped'],
    change: (rules) => {
      const call = 'IOMMU_IOAS_MAP';
      const passing = withGuards(rules, call, (guard) =>
        guard.id === `${call}/no-room` || guard.id === `${call}/no-aligned-room` ? { ...guard, when: (c) => !comesRound(c as Placing) && guard.when(c) } : guard,
      );
      return withEffect<Placing>(passing, call, roundMapped);
    },
  },
  {
    id: 'linux/unmapped-bytes-not-told',
    title: "VFIO's unmap that is refused half way does not tell what is gone (iommufd: Report unmapped bytes in the error path of iopt_unmap_iova_range)",
    kind: 'historic',
    clauses: [`${UNMAP_DMA}/partly`],
    change: (rules) => withGuards(rules, UNMAP_DMA, (guard) => (guard.outputs === undefined ? guard : { ...guard, outputs: (c) => guard.outputs!(c).map((output) => ({ ...output, value: 0n })) })),
  },
  {
    id: 'linux/type1-info-not-zeroed',
    title: 'What VFIO_IOMMU_GET_INFO of type 1 has nothing to say in is not zero (iommufd: Make sure to zero vfio_iommu_type1_info before copying to user)',
    kind: 'historic',
    clauses: [`${GET_INFO}/answer`],
    change: (rules) =>
      withEffect<IoasContext>(rules, GET_INFO, (effect) => ({
        ...effect,
        apply(c, chooser) {
          const answer = effect.apply(c, chooser);
          return { ...answer, outputs: (answer.outputs ?? []).filter(({ name }) => name !== 'pad') };
        },
      })),
  },
  {
    id: 'linux/automatic-iova-without-large-pages',
    title: 'Where the kernel has no large pages (HPAGE_SIZE is 1), no place is found for anything once the IOAS has a page table, or its large pages are given up: EINVAL',
    kind: 'historic',
    clauses: MAPPING.map((call) => `${call}/address-alignment`),
    change: (rules) => MAPPING.reduce((book, call) => withCondition<Placing>(book, `${call}/address-alignment`, ({ host, ioas, fixed }) => !fixed && iovaAlignment(host, ioas!) > 1n), rules),
  },
];
