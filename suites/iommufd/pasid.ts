import type { BufferHandle, VfioProgramBuilder } from '../../harness/build/vfio-program-builder.js';
import { vfioScenario } from '../../harness/build/scenario-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import type { Term } from '../../reference/doors/term.js';
import { pgfaultWord } from '../../reference/uapi/iommufd-records.js';
import { bound, table as nodeTable } from './device-steps.js';
import { destroy, FAULT, fault, mock, replace, table, type MockHandle } from './virtual-steps.js';

const ATTACH = 'IOMMU_TEST_OP_PASID_ATTACH';
const REPLACE = 'IOMMU_TEST_OP_PASID_REPLACE';
const DETACH = 'IOMMU_TEST_OP_PASID_DETACH';
const CHECK = 'IOMMU_TEST_OP_PASID_CHECK_HWPT';
const NODE = 'VFIO_DEVICE_ATTACH_IOMMUFD_PT';

/** A device with PASIDs, an IOAS, and tables: two for PASIDs, one not. */
interface Setting {
  readonly fd: Term;
  readonly ioas: Term;
  readonly device: MockHandle;
  readonly first: Term;
  readonly second: Term;
  readonly plain: Term;
}

function setting(p: VfioProgramBuilder): Setting {
  const fd = p.iommu();
  const ioas = p.ioas(fd);
  const device = mock(p, fd, ioas, 'mock', 4n);
  const [first, second] = [table(p, fd, device, ioas, 'first', { flags: 8n }), table(p, fd, device, ioas, 'second', { flags: 8n })];
  return { fd, ioas, device, first, second, plain: table(p, fd, device, ioas, 'plain') };
}

const change = (p: VfioProgramBuilder, call: typeof ATTACH | typeof REPLACE, { fd, device }: Setting, pasid: bigint, on: Term): VfioProgramBuilder => p.iommufd(fd, call, { id: device.stdev, pasid, pt_id: on });
const detach = (p: VfioProgramBuilder, { fd, device }: Setting, pasid: bigint): VfioProgramBuilder => p.iommufd(fd, DETACH, { id: device.stdev, pasid });
const check = (p: VfioProgramBuilder, { fd, device }: Setting, pasid: bigint, on: Term): VfioProgramBuilder => p.iommufd(fd, CHECK, { id: device.stdev, pasid, hwpt_id: on });

/** A PASID attached, and another IOAS with memory mapped that is not pinned yet. */
function mappedElsewhere(p: VfioProgramBuilder, s: ReturnType<typeof setting>): { readonly other: Term; readonly memory: BufferHandle } {
  replace(p, s.fd, s.device, s.first);
  change(p, ATTACH, s, 7n, s.first);
  const [other, memory] = [p.ioas(s.fd), p.memory()];
  p.iommufd(s.fd, 'IOMMU_IOAS_MAP', { flags: 7n, ioas_id: other, user_va: memory.address, length: memory.length, iova: 0x200_0000n });
  return { other, memory };
}

/** Tables of PASIDs, beside that of the device. */
export const scenarios: readonly Scenario[] = [
  vfioScenario({ id: 'iommufd/pasid/life', title: 'A PASID is attached, goes over to another table, and is detached, apart from the device itself', clauses: [`${ATTACH}/done`, `${REPLACE}/done`, `${DETACH}/done`, `${CHECK}/same`, `${CHECK}/table`, 'IOMMU_DESTROY/in-use'] }, (p) => {
    const s = setting(p);
    replace(p, s.fd, s.device, s.first);
    change(p, ATTACH, s, 7n, s.second);
    for (const on of [s.second, s.first, 0n]) check(p, s, 7n, on);
    destroy(p, s.fd, s.second);
    change(p, REPLACE, s, 7n, s.first);
    check(p, s, 7n, s.first);
    destroy(p, s.fd, s.second);
    change(p, REPLACE, s, 7n, s.first);
    detach(p, s, 7n);
    detach(p, s, 7n);
    check(p, s, 7n, 0n);
  }),
  vfioScenario({ id: 'iommufd/pasid/tables', title: 'A PASID goes to tables that were made for PASIDs, beside such a one, and to no IOAS', clauses: [`${ATTACH}/pasid`, `${REPLACE}/pasid`, `${ATTACH}/done`] }, (p) => {
    const s = setting(p);
    change(p, ATTACH, s, 7n, s.first);
    replace(p, s.fd, s.device, s.plain);
    change(p, ATTACH, s, 7n, s.first);
    replace(p, s.fd, s.device, s.first);
    for (const on of [s.plain, s.ioas]) change(p, ATTACH, s, 7n, on);
    change(p, ATTACH, s, 7n, s.second);
    for (const on of [s.plain, s.ioas]) change(p, REPLACE, s, 7n, on);
    check(p, s, 7n, s.second);
  }),
  vfioScenario({ id: 'iommufd/pasid/device-stays', title: 'While a PASID is attached, the device goes only to tables that were made for PASIDs', clauses: ['IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE/pasid', 'IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE/replaced'] }, (p) => {
    const s = setting(p);
    replace(p, s.fd, s.device, s.first);
    change(p, ATTACH, s, 7n, s.first);
    for (const on of [s.plain, s.ioas, s.second]) replace(p, s.fd, s.device, on);
    detach(p, s, 7n);
    replace(p, s.fd, s.device, s.plain);
  }),
  vfioScenario({ id: 'iommufd/pasid/range', title: 'A device has so many PASIDs and no more; 0 is the device itself', clauses: [`${ATTACH}/pasid-range`, `${ATTACH}/attached`, `${ATTACH}/done`] }, (p) => {
    const s = setting(p);
    replace(p, s.fd, s.device, s.first);
    for (const pasid of [0n, (1n << 20n) - 1n, 1n << 20n, 0xffff_ffffn]) change(p, ATTACH, s, pasid, s.first);
  }),
  vfioScenario({ id: 'iommufd/pasid/driver-error', title: 'Where the driver refuses another table, the PASID stays with the one it has', clauses: [`${REPLACE}/driver-error`, `${REPLACE}/done`, `${CHECK}/same`] }, (p) => {
    const s = setting(p);
    replace(p, s.fd, s.device, s.first);
    change(p, ATTACH, s, 1024n, s.first);
    change(p, REPLACE, s, 1024n, s.second);
    check(p, s, 1024n, s.first);
    change(p, REPLACE, s, 1024n, s.second);
    check(p, s, 1024n, s.second);
    detach(p, s, 1024n);
    change(p, ATTACH, s, 1024n, s.first);
    detach(p, s, 1024n);
  }),
  vfioScenario({ id: 'iommufd/pasid/unfilled', title: 'A table for an IOAS whose memory cannot be pinned is refused before it is seen that a PASID cannot go to it', clauses: [`${REPLACE}/memory`, `${REPLACE}/pasid`] }, (p) => {
    const s = setting(p);
    const { other, memory } = mappedElsewhere(p, s);
    p.munmap(memory);
    change(p, REPLACE, s, 7n, other);
    p.iommufd(s.fd, 'IOMMU_IOAS_UNMAP', { ioas_id: other, iova: 0x200_0000n, length: memory.length });
    change(p, REPLACE, s, 7n, other);
  }),
  vfioScenario({ id: 'iommufd/pasid/unpaid', title: 'The same of an IOAS whose memory nobody may lock', clauses: [`${REPLACE}/limit`] }, (p) => {
    p.limit(0n);
    const s = setting(p);
    const { other } = mappedElsewhere(p, s);
    change(p, REPLACE, s, 7n, other);
  }),
  vfioScenario({ id: 'iommufd/pasid/other-driver', title: "A PASID goes to no table of another driver", clauses: [`${ATTACH}/driver`, `${REPLACE}/driver`], requires: ['cdev', 'pasid'] }, (p) => {
    const s = setting(p);
    replace(p, s.fd, s.device, s.first);
    const foreign = nodeTable(p, s.fd, bound(p, s.fd), s.ioas, 'foreign', { flags: 8n });
    change(p, ATTACH, s, 7n, foreign);
    change(p, ATTACH, s, 7n, s.first);
    change(p, REPLACE, s, 7n, foreign);
  }),
  vfioScenario({ id: 'iommufd/pasid/faults', title: 'A fault with a PASID comes in through the table of the PASID; detaching it answers those and no others', clauses: ['IOMMU_TEST_OP_TRIGGER_IOPF/delivered', 'read-faults/record', 'write-responses/cookie', `${DETACH}/done`] }, (p) => {
    const s = setting(p);
    const [own, whole] = [p.faults(s.fd), p.faults(s.fd)];
    const of = (queue: Term, as: string): Term => table(p, s.fd, s.device, s.ioas, as, { flags: 12n, fault_id: queue });
    replace(p, s.fd, s.device, of(whole.id, 'of-device'));
    change(p, ATTACH, s, 7n, of(own.id, 'of-pasid'));
    fault(p, s.fd, s.device, 0x1000n, { pasid: 7n });
    fault(p, s.fd, s.device, 0x2000n, { pasid: 7n });
    fault(p, s.fd, s.device, 0x3000n);
    const [mine, its] = [p.read(own.fd, FAULT), p.read(whole.fd, FAULT)];
    const cookie = Number(pgfaultWord('cookie').slice('word'.length));
    detach(p, s, 7n);
    p.read(own.fd, FAULT);
    p.write(own.fd, [mine(cookie), 0n]);
    p.write(whole.fd, [its(cookie), 0n]);
  }),
  vfioScenario(
    { id: 'iommufd/pasid/node', title: "A PASID of a device is attached, replaced and detached through the device's own node, under the same rules", clauses: [`${NODE}/pasid`, `${NODE}/pasid-range`, `${NODE}/pasid-number`, `${NODE}/argsz-pasid`, `${NODE}/attached`, `${NODE}/replaced`, 'VFIO_DEVICE_DETACH_IOMMUFD_PT/detached'], requires: ['cdev', 'pasid'] },
    (p) => {
      const fd = p.iommu();
      const ioas = p.ioas(fd);
      const device = bound(p, fd);
      const [first, second] = [nodeTable(p, fd, device, ioas, 'first', { flags: 8n }), nodeTable(p, fd, device, ioas, 'second', { flags: 8n })];
      const to = (pasid: bigint, on: Term, args: Readonly<Record<string, Term>> = {}): VfioProgramBuilder => p.ioctl(device.fd, NODE, { flags: 1n, pt_id: on, pasid, ...args });
      to(7n, ioas);
      to(7n, first, { argsz: 12n });
      for (const pasid of [7n, 1n << 16n, 1n << 31n]) to(pasid, first);
      to(7n, second);
      p.ioctl(device.fd, NODE, { pt_id: ioas });
      p.ioctl(device.fd, NODE, { pt_id: first });
      for (let i = 0; i < 2; i++) p.ioctl(device.fd, 'VFIO_DEVICE_DETACH_IOMMUFD_PT', { flags: 1n, pasid: 7n });
      p.ioctl(device.fd, NODE, { pt_id: ioas });
    },
  ),
];
