import type { Operation } from '../doors/operations.js';
import type { Term } from '../doors/term.js';
import type { Guard } from '../rules.js';
import { E } from '../uapi/errno.js';
import { IOAS_MAP, IOMMUFD_CALLS, type IommufdCallName } from '../uapi/iommufd.js';
import { arg, BUFFER, BUFFER_BYTES, merged, type Ioctl, type IoctlContext } from '../vfio/checks.js';
import type { Host, IommufdFile } from '../vfio/host.js';
import type { Context, IommufdObject, Ioas } from './state/context.js';

/** What the checks of every ioctl of /dev/iommu look at. */
export interface IommufdContext extends IoctlContext {
  readonly context: Context;
}

export const readIommufd = (host: Host, ioctl: Ioctl): IommufdContext => ({ ...ioctl, host, context: (ioctl.file as IommufdFile).context });

const dispatch = merged('Linux 7.2 drivers/iommu/iommufd/main.c iommufd_fops_ioctl; include/linux/uaccess.h copy_struct_from_user');

/** Clauses of one source file of IOMMUFD. */
export const iommufdClause = (file: string): ReturnType<typeof merged> => merged(`Linux 7.2 drivers/iommu/iommufd/${file}; include/uapi/linux/iommufd.h`);

/** The object of that number and kind; undefined where there is none. */
export function objectOf<K extends IommufdObject['kind']>(context: Context, id: bigint, ...kinds: readonly K[]): Extract<IommufdObject, { kind: K }> | undefined {
  const found = context.objects.get(Number(id));
  return found !== undefined && (kinds as readonly string[]).includes(found.kind) ? (found as Extract<IommufdObject, { kind: K }>) : undefined;
}

/** What is looked at before any call's own rules: the structure's size and place. The order is that of the kernel. */
export function sizeChecks<C extends IommufdContext>(call: IommufdCallName): readonly Guard<C>[] {
  const { argument, least } = IOMMUFD_CALLS[call];
  return [
    {
      ...dispatch(`${call}/pointer`, 'A structure that cannot be read is refused with EFAULT.'),
      when: (c) => c.pointer === 'unmapped',
      refuse: [-E.EFAULT],
      violation: { pointer: 'unmapped' },
    },
    {
      ...dispatch(`${call}/size`, `A size below ${least} is refused with EINVAL.`),
      when: (c) => arg(c, 'size') < least,
      refuse: [-E.EINVAL],
      violation: { args: { size: BigInt(least - 1) } },
    },
    cutShort<C>(call),
    {
      ...dispatch(`${call}/beyond`, `A byte other than 0 beyond the ${argument.bytes} bytes that the kernel knows is refused with E2BIG.`),
      when: (c) => arg(c, 'size') > argument.bytes && (c.beyond?.byte ?? 0) !== 0,
      refuse: [-E.E2BIG],
      violation: { beyond: { bytes: 8, byte: 0xff } },
    },
  ];
}

/** Bytes of a structure that can be read where the pointer is `cut`. */
const CUT_BYTES = 8;

const cutShort = <C extends IommufdContext>(call: IommufdCallName): Guard<C> => ({
  ...dispatch(`${call}/cut`, 'A structure that cannot be read to the end of its size is refused with EFAULT, whatever lies beyond.'),
  when: (c) => c.pointer === 'cut' && arg(c, 'size') > CUT_BYTES,
  refuse: [-E.EFAULT],
  violation: { pointer: 'cut', ...(IOMMUFD_CALLS[call].argument.bytes <= CUT_BYTES && { args: { size: 16n } }) },
});

/** The answer cannot be written; what was made is undone. */
export const answerChecks = <C extends IommufdContext>(call: IommufdCallName, text = 'An answer that cannot be written is refused with EFAULT, and nothing is changed.'): Guard<C> => ({
  ...dispatch(`${call}/answer-pointer`, text),
  when: (c) => c.pointer === 'read-only',
  refuse: [-E.EFAULT],
  violation: { pointer: 'read-only' },
});

/** A field that must be zero. */
export const padding = <C extends IommufdContext>(call: IommufdCallName, clause: ReturnType<typeof iommufdClause>, field = '__reserved'): Guard<C> => ({
  ...clause(`${call}/${field}`, `A ${field} other than 0 is refused with EOPNOTSUPP.`),
  when: (c) => arg(c, field) !== 0n,
  refuse: [-E.EOPNOTSUPP],
  violation: { args: { [field]: 1n } },
});

/** What the checks of a call on an IOAS look at. */
export interface IoasContext extends IommufdContext {
  readonly ioas: Ioas | undefined;
}

export function readIoas(host: Host, ioctl: Ioctl, field = 'ioas_id'): IoasContext {
  const c = readIommufd(host, ioctl);
  return { ...c, ioas: objectOf(c.context, arg(c, field), 'ioas') };
}

/** No IOAS has that number. */
export const noIoas = <C extends IoasContext>(call: IommufdCallName, clause: ReturnType<typeof iommufdClause>, field = 'ioas_id'): Guard<C> => ({
  ...clause(`${call}/${field}`, 'A number of no IOAS is refused with ENOENT.'),
  when: (c) => c.ioas === undefined,
  refuse: [-E.ENOENT],
  violation: { args: { [field]: 0n } },
});

/** The largest number of 64 bits, which no IOVA and no length may be. */
export const LARGEST = (1n << 64n) - 1n;

/** Names that the samples use. */
export const IOMMU: Term = { from: 'iommu.fd' };
export const IOAS: Term = { from: 'ioas.out_ioas_id' };

export const OPENED: readonly Operation[] = [{ door: 'iommufd', op: 'open', what: 'iommu', as: 'iommu' }];

export const WITH_IOAS: readonly Operation[] = [...OPENED, { door: 'iommufd', op: 'ioctl', fd: IOMMU, call: 'IOMMU_IOAS_ALLOC', args: {}, as: 'ioas' }];

/** The same with a buffer of two system pages or more. */
export const WITH_BUFFER: readonly Operation[] = [...WITH_IOAS, { door: 'user', op: 'map', length: BUFFER_BYTES, protection: 'rw', as: 'buffer' }];

/** Where the samples map: a multiple of every page. */
export const IOVA = 0x1000_0000n;

/** The buffer mapped at IOVA, for reading and writing, in an IOAS of that name. */
export const mapped = (ioas: Term = IOAS, iova = IOVA): Operation => ({
  door: 'iommufd',
  op: 'ioctl',
  fd: IOMMU,
  call: 'IOMMU_IOAS_MAP',
  args: { flags: IOAS_MAP.FIXED_IOVA | IOAS_MAP.WRITEABLE | IOAS_MAP.READABLE, ioas_id: ioas, user_va: BUFFER, length: BUFFER_BYTES, iova },
});

export const WITH_AREA: readonly Operation[] = [...WITH_BUFFER, mapped()];
