import type { QueueHandle, VfioProgramBuilder } from '../../harness/build/vfio-program-builder.js';
import { vfioScenario } from '../../harness/build/scenario-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import { bound } from './device-steps.js';
import { destroy, EVENT, events, guest, mock, nested, raise, raising, replace, SELFTEST, table, vdevice, viommu, words } from './virtual-steps.js';

const MADE = 'IOMMU_VIOMMU_ALLOC/made';

/** A queue for so many events, and so many reports. */
function flooded(p: VfioProgramBuilder, depth: bigint, times: number): { readonly made: ReturnType<typeof raising>; readonly queue: QueueHandle } {
  const made = raising(p);
  const queue = events(p, made.fd, made.viommu, depth);
  raise(p, made.fd, made.device, times);
  return { made, queue };
}

/** Virtual IOMMUs, and the devices that guests have of them. */
export const scenarios: readonly Scenario[] = [
  vfioScenario(
    { id: 'iommufd/viommu/life', title: 'A virtual IOMMU rests on its parent table, and its devices, queues and nested tables rest on it', clauses: [MADE, 'IOMMU_DESTROY/in-use', 'IOMMU_DESTROY/destroyed', 'IOMMU_VDEVICE_ALLOC/made', 'IOMMU_VEVENTQ_ALLOC/made', 'IOMMU_HWPT_ALLOC/nested-made'] },
    (p) => {
      const { fd, device, parent, viommu: on } = guest(p);
      destroy(p, fd, parent);
      const virtual = vdevice(p, fd, on, device, 1n);
      destroy(p, fd, on, virtual);
      const queue = events(p, fd, on, 4n);
      destroy(p, fd, on, queue.id);
      p.close(queue.fd);
      destroy(p, fd, on, queue.id);
      const inner = nested(p, fd, device, on, 'nested');
      destroy(p, fd, on, inner, on, parent);
    },
  ),
  vfioScenario(
    { id: 'iommufd/viommu/several', title: 'Several virtual IOMMUs can rest on one parent; the context ends with all of them', clauses: [MADE, 'IOMMU_VDEVICE_ALLOC/made', 'close/closed'] },
    (p) => {
      const { fd, device, parent, viommu: first } = guest(p);
      const second = viommu(p, fd, device, parent, 'another');
      vdevice(p, fd, first, device, 1n);
      events(p, fd, second, 1n);
    },
  ),
  vfioScenario(
    { id: 'iommufd/viommu/data', title: 'The test driver gives back what it got with a virtual IOMMU, as far as the structure goes', clauses: ['IOMMU_VIOMMU_ALLOC/data-answer', 'IOMMU_VIOMMU_ALLOC/data-length', 'IOMMU_VIOMMU_ALLOC/data'] },
    (p) => {
      const { fd, device, parent } = guest(p);
      const data = words(p, 0x1234_5678n, 0n, 0n, 0n, 0n, 0n, 0xffff_ffffn);
      for (const length of [0n, 4n, 8n, 24n, 25n]) {
        p.iommufd(fd, 'IOMMU_VIOMMU_ALLOC', { type: SELFTEST, dev_id: device.id, hwpt_id: parent, data_len: length, data_uptr: data.address });
        p.load(data.address, 28);
      }
      p.do({ door: 'user', op: 'map', length: 0x1_0000n, protection: 'r', as: 'constant' });
      p.iommufd(fd, 'IOMMU_VIOMMU_ALLOC', { type: SELFTEST, dev_id: device.id, hwpt_id: parent, data_len: 24n, data_uptr: { from: 'constant.address' } });
    },
  ),
  vfioScenario({ id: 'iommufd/viommu/reserved', title: 'What is reserved in IOMMU_VIOMMU_ALLOC is not looked at', clauses: [MADE] }, (p) => {
    const { fd, device, parent } = guest(p);
    p.iommufd(fd, 'IOMMU_VIOMMU_ALLOC', { type: SELFTEST, dev_id: device.id, hwpt_id: parent, __reserved: 0xffff_ffffn });
  }),
  vfioScenario(
    {
      id: 'iommufd/viommu/other-iommu',
      title: 'A device behind another physical IOMMU is no device of a virtual IOMMU, and gets no table of it',
      clauses: ['IOMMU_VDEVICE_ALLOC/iommu', 'IOMMU_HWPT_ALLOC/viommu'],
      requires: ['mock', 'cdev', 'paging'],
    },
    (p) => {
      const { fd, viommu: on } = guest(p);
      const other = bound(p, fd, 'pe0.dev0');
      p.iommufd(fd, 'IOMMU_VDEVICE_ALLOC', { viommu_id: on, dev_id: other.id, virt_id: 1n });
      p.iommufd(fd, 'IOMMU_HWPT_ALLOC', { dev_id: other.id, pt_id: on });
    },
  ),
  vfioScenario(
    {
      id: 'iommufd/viommu/attach-needs-device',
      title: 'A nested table of a virtual IOMMU takes only devices that the guest has, and a device that is refused stays where it was',
      clauses: ['IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE/virtual', 'IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE/replaced', 'IOMMU_DESTROY/in-use'],
    },
    (p) => {
      const { fd, device, viommu: on } = guest(p);
      const inner = nested(p, fd, device, on, 'nested');
      replace(p, fd, device, inner);
      destroy(p, fd, device.table);
      vdevice(p, fd, on, device, 7n);
      replace(p, fd, device, inner);
      destroy(p, fd, inner);
    },
  ),
  vfioScenario(
    {
      id: 'iommufd/viommu/node-needs-device',
      title: "A device that a guest does not have gets no table of the guest's, by its own node either",
      clauses: ['VFIO_DEVICE_ATTACH_IOMMUFD_PT/virtual'],
      requires: ['mock', 'cdev', 'device:mock0.dev0'],
    },
    (p) => {
      const { fd, device, viommu: on } = guest(p);
      const inner = nested(p, fd, device, on, 'nested');
      const node = bound(p, fd, 'mock0.dev0');
      p.ioctl(node.fd, 'VFIO_DEVICE_ATTACH_IOMMUFD_PT', { pt_id: inner });
    },
  ),
  vfioScenario(
    {
      id: 'iommufd/vdevice/tombstone',
      title: 'Where a device goes before its virtual one, nobody gets the number of that again, and it is no object',
      clauses: ['IOMMU_VDEVICE_ALLOC/made', 'IOMMU_DESTROY/id', 'IOMMU_IOAS_ALLOC/made', 'IOMMU_DESTROY/destroyed'],
    },
    (p) => {
      const { fd, device, viommu: on } = guest(p);
      const virtual = vdevice(p, fd, on, device, 0x99n);
      destroy(p, fd, device.stdev);
      destroy(p, fd, virtual, on);
      for (let i = 0; i < 8; i++) p.ioas(fd);
      destroy(p, fd, virtual);
      p.iommufd(fd, 'IOMMU_OPTION', { option_id: 0n, op: 0n, val64: 0n });
    },
  ),
  vfioScenario({ id: 'iommufd/vdevice/again', title: 'A virtual device that was destroyed can be made again, with the same number', clauses: ['IOMMU_VDEVICE_ALLOC/made', 'IOMMU_VDEVICE_ALLOC/device-taken', 'IOMMU_VDEVICE_ALLOC/id-taken'] }, (p) => {
    const { fd, ioas, device, viommu: on } = guest(p);
    const other = mock(p, fd, ioas, 'other');
    const first = vdevice(p, fd, on, device, 0xffff_ffff_ffff_ffffn);
    vdevice(p, fd, on, device, 1n, 'refused');
    vdevice(p, fd, on, other, 0xffff_ffff_ffff_ffffn, 'taken');
    destroy(p, fd, first);
    vdevice(p, fd, on, other, 0xffff_ffff_ffff_ffffn, 'again');
    vdevice(p, fd, on, device, 0n, 'zero');
  }),
  vfioScenario(
    { id: 'iommufd/vdevice/two-guests', title: 'A device belongs to one guest at most, whichever virtual IOMMU it is; numbers are those of one guest', clauses: ['IOMMU_VDEVICE_ALLOC/device-taken', 'IOMMU_VDEVICE_ALLOC/made'] },
    (p) => {
      const { fd, ioas, device, parent, viommu: first } = guest(p);
      const other = mock(p, fd, ioas, 'other');
      const second = viommu(p, fd, device, parent, 'another');
      vdevice(p, fd, first, device, 1n);
      vdevice(p, fd, second, device, 2n, 'refused');
      vdevice(p, fd, second, other, 1n, 'made');
    },
  ),
  vfioScenario(
    { id: 'iommufd/events/order', title: 'Events are numbered from 0 and read in order, each with the number that the guest knows the device by', clauses: ['IOMMU_VEVENTQ_ALLOC/made', 'IOMMU_VEVENTQ_ALLOC/descriptor', 'IOMMU_TEST_OP_TRIGGER_VEVENT/reported', 'read-events/delivered', 'read-events/sequence', 'read-events/data'] },
    (p) => {
      const made = raising(p, 0x1_0000_0abcn);
      const queue = events(p, made.fd, made.viommu, 8n);
      raise(p, made.fd, made.device, 3);
      p.read(queue.fd, 3 * EVENT);
      raise(p, made.fd, made.device);
      p.read(queue.fd, 100);
      p.read(queue.fd, 100);
    },
  ),
  vfioScenario(
    { id: 'iommufd/events/counts', title: 'Events are read whole: a count below a header, or below the first event, is refused with EINVAL, and what does not fit waits', clauses: ['read-events/count', 'read-events/event', 'read-events/pointer', 'read-events/delivered', 'write-other/kind'] },
    (p) => {
      const made = raising(p);
      const queue = events(p, made.fd, made.viommu, 8n);
      for (const length of [0, 7, 8]) p.read(queue.fd, length);
      raise(p, made.fd, made.device, 3);
      for (const length of [0, 7, 8, EVENT - 1]) p.read(queue.fd, length);
      p.read(queue.fd, EVENT, { room: 0 });
      p.read(queue.fd, EVENT, { room: 8 });
      p.read(queue.fd, 2 * EVENT, { room: EVENT + 8 });
      p.read(queue.fd, 2 * EVENT - 1);
      p.read(queue.fd, EVENT);
      p.write(queue.fd, [0n, 0n]);
    },
  ),
  vfioScenario(
    { id: 'iommufd/events/lost', title: 'Of events for which there was no room one header tells, with the number of the latest', clauses: ['read-events/lost', 'read-events/sequence', 'IOMMU_TEST_OP_TRIGGER_VEVENT/reported'] },
    (p) => {
      const { made, queue } = flooded(p, 2n, 5);
      p.read(queue.fd, 2 * EVENT + 7);
      p.read(queue.fd, 8);
      raise(p, made.fd, made.device);
      p.read(queue.fd, 100);
    },
  ),
  vfioScenario(
    { id: 'iommufd/events/gap', title: 'An event that comes after a loss takes the place of the header that told of it: the numbers show the gap', clauses: ['read-events/lost', 'read-events/sequence', 'read-events/delivered'] },
    (p) => {
      const { made, queue } = flooded(p, 2n, 4);
      p.read(queue.fd, EVENT);
      raise(p, made.fd, made.device, 3);
      p.read(queue.fd, 100);
    },
  ),
  vfioScenario(
    { id: 'iommufd/events/shortest', title: 'A queue of one event keeps the first of them; to unread a header of a loss costs nothing', clauses: ['read-events/lost', 'read-events/sequence', 'read-events/pointer'] },
    (p) => {
      const { queue } = flooded(p, 1n, 2);
      p.read(queue.fd, EVENT);
      p.read(queue.fd, 8, { room: 0 });
      p.read(queue.fd, 8);
      p.read(queue.fd, 8);
    },
  ),
  vfioScenario(
    { id: 'iommufd/events/where', title: 'A device raises events only while it is attached to a table of its guest, and only where there is a queue for them', clauses: ['IOMMU_TEST_OP_TRIGGER_VEVENT/virtual', 'IOMMU_TEST_OP_TRIGGER_VEVENT/queue', 'IOMMU_TEST_OP_TRIGGER_VEVENT/reported'] },
    (p) => {
      const made = raising(p);
      const { fd, device } = made;
      raise(p, fd, device);
      const other = events(p, fd, made.viommu, 1n, 'other-type', 1n);
      raise(p, fd, device);
      const queue = events(p, fd, made.viommu, 4n);
      raise(p, fd, device);
      replace(p, fd, device, made.parent);
      raise(p, fd, device);
      replace(p, fd, device, made.nested);
      raise(p, fd, device);
      p.read(queue.fd, 100);
      p.read(other.fd, 100);
    },
  ),
  vfioScenario({ id: 'iommufd/events/zero', title: 'A device with number 0 in its guest raises no event', clauses: ['IOMMU_TEST_OP_TRIGGER_VEVENT/virtual'] }, (p) => {
    const made = raising(p, 0n);
    events(p, made.fd, made.viommu, 4n);
    raise(p, made.fd, made.device);
  }),
  vfioScenario({ id: 'iommufd/viommu/parent-kinds', title: 'A table that was made by attaching, an IOAS and a nested table are no parents of a virtual IOMMU', clauses: ['IOMMU_VIOMMU_ALLOC/parent', 'IOMMU_VIOMMU_ALLOC/table'] }, (p) => {
    const { fd, ioas, device, parent } = guest(p);
    const inner = nested(p, fd, device, parent, 'nested');
    const plain = table(p, fd, device, ioas, 'plain');
    for (const [i, on] of [device.table, ioas, inner, plain].entries()) viommu(p, fd, device, on, `refused-${i}`);
  }),
];
