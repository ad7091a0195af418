import type { DmaOperation } from '../doors/operations.js';
import { findDevice, move } from '../tce/device.js';
import type { Host } from '../vfio/host.js';
import { iommufdClause } from './checks.js';
import { markDirty } from './domain.js';
import type { HardwareDomain, Translation } from './state/context.js';

const clause = iommufdClause('io_pagetable.c; drivers/iommu/iommu.c');

/** Clauses of what a device's access does while it is attached to a page table. */
export const DOMAIN_CLAUSES = [
  clause('iommufd-dma/translated', 'An access of an attached device reaches the memory that the page table has at the IOVA, and no other.'),
  clause('iommufd-dma/refused', 'An access where the page table has nothing, or not for that direction, moves nothing.'),
] as const;

/** Bytes that go to one place at least: the smallest page of any page table. */
const GRANULE = 0x800n;

/** A device moves bytes by the page table that it is attached to. */
export function domainAccess(host: Host, domain: Translation, operation: DmaOperation, iova: bigint): readonly string[] {
  const { machine } = host;
  const [, buffer] = findDevice(machine, operation.device);
  const clauses = new Set<string>();
  for (let done = 0; done < operation.length; ) {
    const address = BigInt.asUintN(64, iova + BigInt(done));
    const length = Math.min(operation.length - done, Number(GRANULE - (address % GRANULE)));
    const real = domain.translate!(address, operation.op);
    clauses.add(real === undefined ? 'iommufd-dma/refused' : 'iommufd-dma/translated');
    if (real !== undefined && operation.op === 'write' && 'dirty' in domain) markDirty(domain as HardwareDomain, address);
    move(machine, buffer, operation, { at: operation.at + done, length, targets: [real] });
    done += length;
  }
  return [...clauses];
}
