import type { Operation } from '../../doors/operations.js';
import type { Guard } from '../../rules.js';
import { E } from '../../uapi/errno.js';
import { VFIO_IOAS } from '../../uapi/iommufd.js';
import { arg, merged, type Ioctl } from '../../vfio/checks.js';
import type { Host } from '../../vfio/host.js';
import { IOAS, IOMMU, readIommufd, WITH_BUFFER, type IoasContext } from '../checks.js';

/*
 * VFIO's own ioctls of type 1 as /dev/iommu serves them, on the IOAS that IOMMU_VFIO_IOAS names.
 * Source: Linux 7.2 drivers/iommu/iommufd/vfio_compat.c.
 */

export const type1Clause = merged('Linux 7.2 drivers/iommu/iommufd/vfio_compat.c; include/uapi/linux/vfio.h');

/** `ioas` is the one that VFIO's ioctls work on. */
export const readType1 = (host: Host, ioctl: Ioctl): IoasContext => {
  const c = readIommufd(host, ioctl);
  return { ...c, ioas: c.context.compatible };
};

/** What is looked at before the call's own rules: the structure, its size, its flags. */
export const structureChecks = <C extends IoasContext>(call: string, least: bigint, flags: bigint | undefined): readonly Guard<C>[] => [
  {
    ...type1Clause(`${call}/pointer`, 'A structure that cannot be read is refused with EFAULT.'),
    when: (c) => c.pointer === 'unmapped',
    refuse: [-E.EFAULT],
    violation: { pointer: 'unmapped' },
  },
  {
    ...type1Clause(`${call}/argsz`, `argsz below ${least} is refused with EINVAL.`),
    when: (c) => arg(c, 'argsz') < least,
    refuse: [-E.EINVAL],
    violation: { args: { argsz: least - 1n } },
  },
  ...(flags === undefined
    ? []
    : [
        {
          ...type1Clause(`${call}/flags`, 'An unknown flag is refused with EINVAL.'),
          when: (c: C) => (arg(c, 'flags') & ~flags) !== 0n,
          refuse: [-E.EINVAL] as const,
          violation: { args: { flags: 1n << 31n } },
        },
      ]),
];

/** No IOAS is VFIO's. */
export const noCompatible = <C extends IoasContext>(call: string, instead: readonly Operation[] = WITH_BUFFER): Guard<C> => ({
  ...type1Clause(`${call}/ioas`, "Where no IOAS is VFIO's, the call is refused with ENODEV."),
  when: ({ ioas }) => ioas === undefined,
  refuse: [-E.ENODEV],
  violation: { instead },
});

/** Makes the IOAS VFIO's. */
export const COMPATIBLE: Operation = { door: 'iommufd', op: 'ioctl', fd: IOMMU, call: 'IOMMU_VFIO_IOAS', args: { op: VFIO_IOAS.SET, ioas_id: IOAS } };

/** A context whose IOAS is VFIO's, and a buffer. */
export const READY: readonly Operation[] = [...WITH_BUFFER, COMPATIBLE];
