import type { Operation } from '../doors/operations.js';
import type { Term } from '../doors/term.js';
import type { Guard } from '../rules.js';
import { E } from '../uapi/errno.js';
import { IOMMUFD_CALLS, type IommufdCallName } from '../uapi/iommufd.js';
import { arg, merged, type Ioctl, type IoctlContext } from '../vfio/checks.js';
import type { Host, IommufdFile } from '../vfio/host.js';
import type { Context, IommufdObject } from './state/context.js';

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
    ...(argument.bytes > CUT_BYTES ? [cutShort<C>(call)] : []),
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
  ...dispatch(`${call}/cut`, 'A structure that cannot be read to its end is refused with EFAULT, whatever lies beyond.'),
  when: (c) => c.pointer === 'cut',
  refuse: [-E.EFAULT],
  violation: { pointer: 'cut' },
});

/** The answer cannot be written; what was made is undone. */
export const answerChecks = <C extends IommufdContext>(call: IommufdCallName, text = 'An answer that cannot be written is refused with EFAULT, and nothing is changed.'): Guard<C> => ({
  ...dispatch(`${call}/answer-pointer`, text),
  when: (c) => c.pointer === 'read-only',
  refuse: [-E.EFAULT],
  violation: { pointer: 'read-only' },
});

/** Names that the samples use. */
export const IOMMU: Term = { from: 'iommu.fd' };
export const IOAS: Term = { from: 'ioas.out_ioas_id' };

export const OPENED: readonly Operation[] = [{ door: 'iommufd', op: 'open', what: 'iommu', as: 'iommu' }];

export const WITH_IOAS: readonly Operation[] = [...OPENED, { door: 'iommufd', op: 'ioctl', fd: IOMMU, call: 'IOMMU_IOAS_ALLOC', args: {}, as: 'ioas' }];
