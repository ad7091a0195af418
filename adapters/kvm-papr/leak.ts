import type { MachineDescription } from '../../reference/description.js';
import type { Program } from '../../reference/doors/operations.js';
import { isReference } from '../../reference/doors/term.js';
import { isMapping } from '../../reference/tce/tce.js';
import { GUEST_CODE } from '../../reference/uapi/kvm.js';

/**
 * Whether a program may cost its host the partition's memory until it boots: a list that puts an entry without permissions, and with an
 * address, in a table with hardware behind it. KVM counts it as a mapping (kvmppc_tce_iommu_do_map), and nothing ever counts it back; so
 * all of the memory stays pinned when the guest is gone (WARNING in tce_iommu_release; seen on 6.12.107, and in the source of 7.2).
 */
export function leavesMemoryPinned({ operations }: Program, { memoryBytes, pes }: MachineDescription): boolean {
  if (pes.length === 0 || !operations.some(({ door, op, ...operation }) => door === 'papr' && op === 'hcall' && 'call' in operation && operation.call === 'H_PUT_TCE_INDIRECT')) return false;
  const registered = GUEST_CODE.start + GUEST_CODE.bytes;
  return operations.some(
    (operation) => operation.door === 'memory' && operation.op === 'store' && operation.doublewords.some((word) => !isReference(word) && !isMapping(word) && word >= registered && word < memoryBytes),
  );
}
