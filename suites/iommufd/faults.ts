import { vfioScenario } from '../../harness/build/scenario-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import { pgfaultWord } from '../../reference/uapi/iommufd-records.js';
import { destroy, FAULT, fault, mock, nested, replace, table } from './virtual-steps.js';

const COOKIE = (n: number): number => Number(pgfaultWord('cookie', n).slice('word'.length));

/** No descriptor at all. */
const CLOSED = 0x7fff_0000n;

/** Queues of page faults without any device: what their files answer. */
const queues: readonly Scenario[] = [
  vfioScenario(
    {
      id: 'iommufd/faults/life',
      title: 'A fault queue is in use while its file is open, and can be destroyed when it is closed',
      clauses: ['IOMMU_FAULT_QUEUE_ALLOC/made', 'IOMMU_FAULT_QUEUE_ALLOC/descriptor', 'IOMMU_DESTROY/in-use', 'IOMMU_DESTROY/destroyed'],
    },
    (p) => {
      const fd = p.iommu();
      const [first, second] = [p.faults(fd), p.faults(fd)];
      destroy(p, fd, first.id, second.id);
      p.close(first.fd);
      destroy(p, fd, first.id, second.id);
      p.faults(fd);
    },
  ),
  vfioScenario(
    { id: 'iommufd/faults/empty', title: 'An empty fault queue is read at once, and gives nothing; a count that is no multiple of a fault is refused with ESPIPE', clauses: ['read-faults/delivered', 'read-faults/count'] },
    (p) => {
      const { fd } = p.faults(p.iommu());
      for (const length of [0, FAULT, 2 * FAULT, 1, FAULT - 1, FAULT + 1]) p.read(fd, length);
      p.read(fd, FAULT, { room: 0 });
    },
  ),
  vfioScenario(
    {
      id: 'iommufd/faults/wrong-answers',
      title: 'A response that no fault waits for is refused: by its length, by where it lies, by its code, by its cookie, in this order',
      clauses: ['write-responses/count', 'write-responses/pointer', 'write-responses/code', 'write-responses/cookie', 'write-responses/answered'],
    },
    (p) => {
      const { fd } = p.faults(p.iommu());
      p.write(fd, []);
      p.write(fd, [1n]);
      p.write(fd, [1n, 2n, 1n], { room: 0 });
      p.write(fd, [1n, 2n], { room: 0 });
      p.write(fd, [1n, 2n], { room: 7 });
      p.write(fd, [1n, 2n]);
      for (const cookie of [0n, 1n, 0xffff_ffffn]) p.write(fd, [cookie, 0n]);
    },
  ),
  vfioScenario(
    { id: 'iommufd/faults/context-lives', title: 'The file of a queue keeps its context alive when /dev/iommu is closed', clauses: ['IOMMU_FAULT_QUEUE_ALLOC/descriptor', 'read-faults/delivered', 'close/closed'] },
    (p) => {
      const iommu = p.iommu();
      const { fd } = p.faults(iommu);
      p.close(iommu);
      p.read(fd, FAULT);
      p.write(fd, [1n, 0n]);
    },
  ),
  vfioScenario({ id: 'iommufd/faults/forked', title: 'A queue is in use while any process has its file open', clauses: ['IOMMU_DESTROY/in-use', 'IOMMU_DESTROY/destroyed'] }, (p) => {
    const fd = p.iommu();
    const queue = p.faults(fd);
    const child = p.fork();
    p.close(queue.fd);
    destroy(p, fd, queue.id);
    p.read(queue.fd, FAULT, { by: child });
    p.exit(child);
    destroy(p, fd, queue.id);
  }),
  vfioScenario(
    {
      id: 'iommufd/faults/other-files',
      title: '/dev/iommu is neither read nor written, a queue serves no ioctl, and a descriptor that is not open nothing',
      clauses: ['read-other/descriptor', 'read-other/kind', 'write-other/descriptor', 'write-other/kind', 'queue-ioctl/number'],
    },
    (p) => {
      const iommu = p.iommu();
      const { fd } = p.faults(iommu);
      for (const other of [iommu, CLOSED]) {
        p.read(other, FAULT);
        p.write(other, [1n, 0n]);
      }
      p.iommufd(fd, 'IOMMU_IOAS_ALLOC');
      p.iommufd(fd, 'IOMMU_DESTROY', { id: 0n }, { pointer: 'unmapped' });
    },
  ),
];

/** What becomes of a device's faults. */
const delivery: readonly Scenario[] = [
  vfioScenario(
    {
      id: 'iommufd/faults/answered',
      title: 'A fault is read once with what the device asked for, and answered once',
      clauses: ['IOMMU_TEST_OP_TRIGGER_IOPF/delivered', 'read-faults/delivered', 'read-faults/record', 'read-faults/cookie', 'write-responses/answered', 'write-responses/cookie', 'IOMMU_HWPT_ALLOC/made'],
    },
    (p) => {
      const fd = p.iommu();
      const device = mock(p, fd, p.ioas(fd));
      const queue = p.faults(fd);
      replace(p, fd, device, faulting(p, fd, device, queue.id));
      fault(p, fd, device, 0x1234_5678_9abc_d000n, { grpid: 0x77n, perm: 0xfn });
      const word = p.read(queue.fd, FAULT);
      p.read(queue.fd, FAULT);
      for (let i = 0; i < 2; i++) p.write(queue.fd, [word(COOKIE(0)), 0n]);
    },
  ),
  vfioScenario(
    { id: 'iommufd/faults/order', title: 'Faults are delivered in the order in which they came, as many as fit; what does not fit waits', clauses: ['read-faults/delivered', 'read-faults/group', 'read-faults/pointer'] },
    (p) => {
      const fd = p.iommu();
      const device = mock(p, fd, p.ioas(fd));
      const queue = p.faults(fd);
      replace(p, fd, device, faulting(p, fd, device, queue.id));
      for (let i = 1n; i <= 5n; i += 1n) fault(p, fd, device, i << 12n);
      p.read(queue.fd, 0);
      p.read(queue.fd, FAULT, { room: 0 });
      p.read(queue.fd, FAULT, { room: FAULT - 1 });
      p.read(queue.fd, FAULT);
      p.read(queue.fd, 3 * FAULT, { room: 2 * FAULT });
      p.read(queue.fd, 10 * FAULT);
    },
  ),
  vfioScenario(
    { id: 'iommufd/faults/many-answers', title: 'Responses are taken to the first that is wrong; what was taken is told, and cookies are free again', clauses: ['write-responses/answered', 'write-responses/code', 'write-responses/cookie', 'read-faults/cookie'] },
    (p) => {
      const fd = p.iommu();
      const device = mock(p, fd, p.ioas(fd));
      const queue = p.faults(fd);
      replace(p, fd, device, faulting(p, fd, device, queue.id));
      for (let i = 1n; i <= 4n; i += 1n) fault(p, fd, device, i << 12n);
      const word = p.read(queue.fd, 4 * FAULT);
      const [a, b, c, d] = [word(COOKIE(0)), word(COOKIE(1)), word(COOKIE(2)), word(COOKIE(3))];
      p.write(queue.fd, [b, 2n]);
      p.write(queue.fd, [b, 1n, c, 2n, d, 0n]);
      p.write(queue.fd, [b, 0n, a, 0n]);
      p.write(queue.fd, [a, 0n, a, 0n]);
      p.write(queue.fd, [d, 0n, c, 0n], { room: 8 });
      fault(p, fd, device, 0x5000n);
      const last = p.read(queue.fd, FAULT);
      p.write(queue.fd, [c, 0n, last(COOKIE(0)), 1n]);
    },
  ),
  vfioScenario(
    { id: 'iommufd/faults/left-alone', title: 'Where the table has no queue a fault is nobody\'s; a queue that is destroyed with faults in it hinders nothing', clauses: ['IOMMU_TEST_OP_TRIGGER_IOPF/dropped', 'IOMMU_TEST_OP_TRIGGER_IOPF/delivered', 'IOMMU_DESTROY/in-use', 'IOMMU_DESTROY/destroyed'] },
    (p) => {
      const fd = p.iommu();
      const ioas = p.ioas(fd);
      const device = mock(p, fd, ioas);
      const queue = p.faults(fd);
      fault(p, fd, device, 0x1000n);
      const on = faulting(p, fd, device, queue.id);
      p.close(queue.fd);
      destroy(p, fd, queue.id);
      replace(p, fd, device, on);
      fault(p, fd, device, 0x2000n);
      replace(p, fd, device, ioas);
      destroy(p, fd, queue.id, on, queue.id);
    },
  ),
  vfioScenario(
    { id: 'iommufd/faults/replaced', title: 'Where a device leaves a table, its faults are answered for the user: those in the queue, and those that were read', clauses: ['IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE/replaced', 'read-faults/delivered', 'write-responses/cookie'] },
    (p) => {
      const fd = p.iommu();
      const ioas = p.ioas(fd);
      const device = mock(p, fd, ioas);
      const queue = p.faults(fd);
      replace(p, fd, device, faulting(p, fd, device, queue.id));
      fault(p, fd, device, 0x1000n);
      const word = p.read(queue.fd, FAULT);
      fault(p, fd, device, 0x2000n);
      replace(p, fd, device, ioas);
      p.read(queue.fd, FAULT);
      p.write(queue.fd, [word(COOKIE(0)), 0n]);
    },
  ),
  vfioScenario(
    { id: 'iommufd/faults/two-queues', title: 'Where a device goes from one table with a queue to another, only the faults of the first are answered', clauses: ['IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE/replaced', 'read-faults/delivered', 'write-responses/cookie', 'write-responses/answered'] },
    (p) => {
      const fd = p.iommu();
      const ioas = p.ioas(fd);
      const [device, other] = [mock(p, fd, ioas), mock(p, fd, ioas, 'other')];
      const [first, second] = [p.faults(fd), p.faults(fd)];
      const [from, to] = [faulting(p, fd, device, first.id, 'from'), faulting(p, fd, device, second.id, 'to')];
      replace(p, fd, device, from);
      replace(p, fd, other, from);
      fault(p, fd, device, 0x1000n);
      fault(p, fd, other, 0x2000n);
      const word = p.read(first.fd, 2 * FAULT);
      fault(p, fd, other, 0x3000n);
      replace(p, fd, device, to);
      fault(p, fd, device, 0x4000n);
      p.write(first.fd, [word(COOKIE(0)), 0n]);
      p.write(first.fd, [word(COOKIE(1)), 0n]);
      p.read(first.fd, FAULT);
      p.read(second.fd, FAULT);
    },
  ),
  vfioScenario(
    { id: 'iommufd/faults/device-ended', title: 'Where a device ends, its faults are answered for the user', clauses: ['IOMMU_DESTROY/destroyed', 'read-faults/delivered', 'write-responses/cookie'] },
    (p) => {
      const fd = p.iommu();
      const device = mock(p, fd, p.ioas(fd));
      const queue = p.faults(fd);
      replace(p, fd, device, faulting(p, fd, device, queue.id));
      fault(p, fd, device, 0x1000n);
      fault(p, fd, device, 0x2000n);
      const word = p.read(queue.fd, FAULT);
      destroy(p, fd, device.stdev);
      p.read(queue.fd, FAULT);
      p.write(queue.fd, [word(COOKIE(0)), 0n]);
    },
  ),
  vfioScenario(
    { id: 'iommufd/faults/nested', title: 'A fault with a PASID that is not attached comes in through the nested table of the device, and says its PASID', clauses: ['IOMMU_TEST_OP_TRIGGER_IOPF/delivered', 'read-faults/record', 'IOMMU_HWPT_ALLOC/nested-made'] },
    (p) => {
      const fd = p.iommu();
      const ioas = p.ioas(fd);
      const device = mock(p, fd, ioas);
      const queue = p.faults(fd);
      const parent = table(p, fd, device, ioas, 'parent', { flags: 1n });
      replace(p, fd, device, nested(p, fd, device, parent, 'nested', { flags: 4n, fault_id: queue.id }));
      fault(p, fd, device, 0x1000n, { pasid: 9n });
      fault(p, fd, device, 0x2000n);
      p.read(queue.fd, 2 * FAULT);
    },
  ),
  vfioScenario(
    { id: 'iommufd/faults/not-nested', title: 'A fault with a PASID that is not attached is not one of a table that is no nested one', clauses: ['IOMMU_TEST_OP_TRIGGER_IOPF/dropped', 'read-faults/delivered'] },
    (p) => {
      const fd = p.iommu();
      const device = mock(p, fd, p.ioas(fd));
      const queue = p.faults(fd);
      replace(p, fd, device, faulting(p, fd, device, queue.id));
      fault(p, fd, device, 0x1000n, { pasid: 9n });
      p.read(queue.fd, FAULT);
    },
  ),
];

/** A table of the device on a new IOAS, whose faults go to the queue. */
function faulting(p: Parameters<typeof table>[0], fd: Parameters<typeof table>[1], device: Parameters<typeof table>[2], queue: Parameters<typeof table>[3], as = 'faulting'): ReturnType<typeof table> {
  return table(p, fd, device, p.ioas(fd), as, { flags: 4n, fault_id: queue });
}

/** Page faults that user space answers. */
export const scenarios: readonly Scenario[] = [...queues, ...delivery];
