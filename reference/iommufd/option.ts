import { defineCall, type Guard } from '../rules.js';
import { E } from '../uapi/errno.js';
import { OPTION } from '../uapi/iommufd.js';
import { arg, type Ioctl, type IoctlInput } from '../vfio/checks.js';
import type { Host } from '../vfio/host.js';
import { answerChecks, IOAS, IOMMU, iommufdClause, mapped, padding, readIoas, sizeChecks, WITH_BUFFER, WITH_IOAS, type IoasContext } from './checks.js';
import { areasAligned, pageBytes } from './ranges.js';
import type { Ioas } from './state/context.js';

const NAME = 'IOMMU_OPTION';
const clause = iommufdClause('main.c iommufd_option; ioas.c iommufd_option_rlimit_mode, iommufd_ioas_option_huge_pages');
const disableClause = iommufdClause('io_pagetable.c iopt_disable_large_pages');

interface Option extends IoasContext {
  readonly rlimit: boolean;
  readonly hugePages: boolean;
  readonly set: boolean;
  readonly value: bigint;
}

const unknownOption: Guard<Option> = {
  ...clause(`${NAME}/option`, 'An unknown option is refused with EOPNOTSUPP.'),
  when: (c) => !c.rlimit && !c.hugePages,
  refuse: [-E.EOPNOTSUPP],
  violation: { args: { option_id: 2n } },
};

const notOfObject: Guard<Option> = {
  ...clause(`${NAME}/rlimit-object`, 'RLIMIT_MODE is no option of an object: EOPNOTSUPP for any number but 0.'),
  when: (c) => c.rlimit && arg(c, 'object_id') !== 0n,
  refuse: [-E.EOPNOTSUPP],
  violation: { instead: WITH_IOAS, args: { option_id: OPTION.RLIMIT_MODE } },
};

const noIoas: Guard<Option> = {
  ...clause(`${NAME}/object_id`, 'HUGE_PAGES of a number that is no IOAS is refused with ENOENT.'),
  when: (c) => c.hugePages && c.ioas === undefined,
  refuse: [-E.ENOENT],
  violation: { args: { object_id: 0n } },
};

const unknownOp: Guard<Option> = {
  ...clause(`${NAME}/op`, 'What is neither to set nor to get is refused with EOPNOTSUPP.'),
  when: (c) => !c.set && arg(c, 'op') !== OPTION.GET,
  refuse: [-E.EOPNOTSUPP],
  violation: { args: { op: 2n } },
};

const inUse: Guard<Option> = {
  ...clause(`${NAME}/rlimit-in-use`, 'RLIMIT_MODE of a context with any object is refused with EBUSY, whatever the value.'),
  when: (c) => c.rlimit && c.set && c.context.objects.size > 0,
  refuse: [-E.EBUSY],
  violation: { args: { option_id: OPTION.RLIMIT_MODE, object_id: 0n } },
};

const badValue: Guard<Option> = {
  ...clause(`${NAME}/val64`, 'A value other than 0 and 1 is refused with EINVAL.'),
  when: (c) => c.set && c.value > 1n,
  refuse: [-E.EINVAL],
  violation: { args: { val64: 2n } },
};

/** Large pages are to be given up where they are not. */
export const givesUp = ({ ioas }: { readonly ioas: Ioas | undefined }): boolean => ioas?.hugePages === true;

/** What keeps an IOAS from giving up large pages: said by whoever asks, after `when` says that it is asked. */
export const largePageChecks = <C extends { readonly host: Host; readonly ioas: Ioas | undefined }>(call: string, when: (c: C) => boolean, args?: { readonly instead: Guard<C>['violation'] }): readonly Guard<C>[] => [
  {
    ...disableClause(`${call}/large-mapped`, 'Large pages cannot be given up while a page table has something mapped: EINVAL.'),
    when: (c) => when(c) && givesUp(c) && c.ioas!.domains.length > 0 && c.ioas!.areas.size > 0,
    refuse: [-E.EINVAL],
  },
  {
    ...disableClause(`${call}/large-aligned`, 'Large pages cannot be given up while something is mapped that is not of whole system pages: EADDRINUSE.'),
    when: (c) => when(c) && givesUp(c) && !areasAligned(c.host, c.ioas!, pageBytes(c.host)),
    refuse: [-E.EADDRINUSE],
    ...(args?.instead && { violation: args.instead }),
  },
];

function change({ context, ioas, rlimit, set, value }: Option): void {
  if (!set) return;
  if (rlimit) context.rlimitMode = value === 0n ? 'user' : 'process';
  else ioas!.hugePages = value === 1n;
}

const now = ({ context, ioas, rlimit }: Option): bigint => (rlimit ? context.rlimitMode === 'process' : ioas!.hugePages) ? 1n : 0n;

function readOption(host: Host, ioctl: Ioctl): Option {
  const c = readIoas(host, ioctl, 'object_id');
  const option = arg(c, 'option_id');
  return { ...c, rlimit: option === OPTION.RLIMIT_MODE, hugePages: option === OPTION.HUGE_PAGES, set: arg(c, 'op') === OPTION.SET, value: arg(c, 'val64') };
}

/** An area that is no whole page. */
const MISALIGNED = [...WITH_BUFFER, mapped(IOAS, 0x2000_0800n)];

/** IOMMU_OPTION: who is charged for pinned memory; whether an IOAS uses large pages. */
export const option = defineCall<Option, IoctlInput>({
  name: NAME,
  parameters: ['size', 'option_id', 'op', '__reserved', 'object_id', 'val64'],
  read: readOption,
  guards: [
    ...sizeChecks<Option>(NAME),
    padding(NAME, clause),
    unknownOption,
    notOfObject,
    noIoas,
    unknownOp,
    inUse,
    badValue,
    ...largePageChecks<Option>(NAME, (c) => c.hugePages && c.set && c.value === 0n, { instead: { instead: MISALIGNED } }),
    { ...answerChecks<Option>(NAME, 'An answer that cannot be written is refused with EFAULT; what was set stays.'), damage: change },
  ],
  effect: {
    clauses: [clause(`${NAME}/answer`, 'The option has the value from now on, or tells it: 1 for RLIMIT_MODE where the process is charged, for HUGE_PAGES where large pages are used.')],
    apply(c) {
      change(c);
      return { clause: `${NAME}/answer`, status: 0, outputs: [{ index: VALUE_FIELD, name: 'val64', value: now(c), clause: `${NAME}/answer` }] };
    },
  },
  sample: { fd: IOMMU, setup: WITH_IOAS, args: { option_id: OPTION.HUGE_PAGES, op: OPTION.SET, object_id: IOAS, val64: 0n } },
});

const VALUE_FIELD = 5;

