import { KEPT_PLACES } from '../iommu-drivers.js';
import { E } from '../uapi/errno.js';
import { arg } from '../vfio/checks.js';
import type { IommufdContext } from './checks.js';
import type { NestedTable, Viommu } from './state/context.js';
import { structureAt, wordsAt } from './user-data.js';
import { vdevicesOf } from './virtual.js';

/*
 * What the kernel's test driver does when a program invalidates: what it keeps of a guest's table, and what a guest's devices
 * keep. Source: Linux 7.2 drivers/iommu/iommufd/selftest.c mock_domain_cache_invalidate_user, mock_viommu_cache_invalidate.
 */

/** How far an invalidation came: entries that are done, and 0 or minus the error of the one that is not. */
export interface Done {
  readonly entries: number;
  readonly status: number;
}

/** IOMMU_TEST_INVALIDATE_FLAG_ALL. */
const ALL = 1n;

const TABLE_ENTRY = { least: 8, known: 8 } as const;
const DEVICE_ENTRY = 12;

const invalidate = (kept: bigint[], flags: bigint, place: bigint): void => {
  if (flags === ALL) kept.fill(0n);
  else kept[Number(place)] = 0n;
};

/** What is wrong with an entry, as far as all have it. */
const wrong = (flags: bigint, place: bigint): number => ((flags & ~ALL) !== 0n ? -E.EOPNOTSUPP : place >= KEPT_PLACES ? -E.EINVAL : 0);

/** Entry by entry, to the first that is wrong. */
export function invalidateTable(c: IommufdContext, { kept = [] }: NestedTable): Done {
  const [address, length, count] = [arg(c, 'data_uptr'), arg(c, 'entry_len'), Number(arg(c, 'entry_num'))];
  for (let i = 0; i < count; i++) {
    const entry = structureAt(c.host, c.process, address + BigInt(i) * length, Number(length), TABLE_ENTRY);
    if (typeof entry === 'number') return { entries: i, status: entry };
    const [flags, place] = [entry[0]!, entry[1]!];
    const status = wrong(flags, place);
    if (status !== 0) return { entries: i, status };
    invalidate(kept, flags, place);
  }
  return { entries: count, status: 0 };
}

/** Nothing before all entries are read; then entry by entry, to the first that is wrong. */
export function invalidateDevices(c: IommufdContext, viommu: Viommu): Done {
  const [address, length, count] = [arg(c, 'data_uptr'), arg(c, 'entry_len'), Number(arg(c, 'entry_num'))];
  const entries: bigint[][] = [];
  for (let i = 0; i < count; i++) {
    const entry = wordsAt(c.host, c.process, address + BigInt(i) * length, Number(length), DEVICE_ENTRY);
    if (typeof entry === 'number') return { entries: 0, status: entry };
    entries.push(entry);
  }
  for (const [i, entry] of entries.entries()) {
    const [flags, id, place] = [entry[0]!, entry[1]!, entry[2]!];
    const device = vdevicesOf(c.context, viommu).find(({ virtualId }) => virtualId === id)?.device;
    const status = wrong(flags, place) || (device === undefined ? -E.EINVAL : 0);
    if (status !== 0) return { entries: i, status };
    invalidate(device!.kept ?? [], flags, place);
  }
  return { entries: count, status: 0 };
}
