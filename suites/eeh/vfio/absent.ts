import { vfioScenario } from '../../../harness/build/scenario-builder.js';
import type { Scenario } from '../../../harness/scenario.js';
import { PE_OPERATIONS } from '../../../reference/eeh/vfio-table.js';
import { IOMMU_TYPE } from '../../../reference/uapi/vfio.js';
import { inject, pe, rule } from '../steps.js';

const EXTENSION = BigInt(IOMMU_TYPE.EEH);

/** A host without EEH, or a PE without it, says so at every entry. */
export const scenarios: readonly Scenario[] = [
  vfioScenario(
    {
      id: 'eeh/absent/extension',
      title: 'A host without EEH does not offer the extension, to any container in any state',
      clauses: ['VFIO_CHECK_EXTENSION/answer'],
      requires: ['spapr-v2', 'no-eeh'],
    },
    (p) => {
      const empty = p.open('container', 'empty');
      p.ioctl(empty, 'VFIO_CHECK_EXTENSION', { value: EXTENSION });
      const { fd } = p.v2();
      p.ioctl(fd, 'VFIO_CHECK_EXTENSION', { value: EXTENSION });
    },
  ),
  vfioScenario(
    {
      id: 'eeh/present/extension',
      title: 'A host with EEH offers the extension, to any container in any state',
      clauses: ['VFIO_CHECK_EXTENSION/answer'],
      requires: ['spapr-v2', 'eeh'],
    },
    (p) => {
      const empty = p.open('container', 'empty');
      p.ioctl(empty, 'VFIO_CHECK_EXTENSION', { value: EXTENSION }).ioctl(empty, 'VFIO_SET_IOMMU', { value: EXTENSION });
      const { fd } = p.v2();
      p.ioctl(fd, 'VFIO_CHECK_EXTENSION', { value: EXTENSION });
    },
  ),
  vfioScenario(
    {
      id: 'eeh/absent/operations',
      title: 'Without EEH every operation on error states is refused with ENODEV, also one that does not exist, and nothing changes',
      clauses: [rule('no-pe'), 'ledger/locked'],
      requires: ['spapr-v2', 'no-eeh'],
    },
    (p) => {
      const container = p.v2();
      p.device(container);
      const buffer = p.registered(container);
      pe(p, container, ...PE_OPERATIONS);
      inject(inject(p, container, 0), container, 20, 2);
      p.ioctl(container.fd, 'VFIO_EEH_PE_OP', { argsz: 12n, op: 10n }).ioctl(container.fd, 'VFIO_EEH_PE_OP', { argsz: 4n, flags: 1n });
      p.map(container, buffer.address, p.defaultWindow().start, 0x1000n);
    },
  ),
  vfioScenario(
    {
      id: 'eeh/absent/group',
      title: 'A PE without EEH of a host that has it refuses every operation with ENODEV',
      clauses: [rule('no-pe'), 'VFIO_CHECK_EXTENSION/answer'],
      requires: ['spapr-v2', 'eeh', 'pe:noeeh0'],
    },
    (p) => {
      const container = p.v2('noeeh0');
      p.ioctl(container.fd, 'VFIO_CHECK_EXTENSION', { value: EXTENSION });
      pe(p, container, ...PE_OPERATIONS);
      inject(p, container, 4);
    },
  ),
  vfioScenario(
    {
      id: 'eeh/absent/first-version',
      title: 'Without EEH a container of SPAPR TCE v1 refuses every operation with ENODEV too',
      clauses: [rule('no-pe')],
      requires: ['no-eeh'],
    },
    (p) => {
      pe(p, p.v1(), ...PE_OPERATIONS);
    },
  ),
  vfioScenario(
    {
      id: 'eeh/absent/device',
      title: 'The kernel has nothing to say of the error state of a device without EEH, and refuses to look at it with ENODEV',
      clauses: ['eeh-host/absent', 'eeh-host/state'],
      requires: ['eeh-debugfs', 'pe:noeeh0'],
    },
    (p) => {
      p.do({ door: 'host', op: 'eeh', what: 'check', device: 'noeeh0.dev0' });
      p.do({ door: 'host', op: 'eeh-state', device: 'noeeh0.dev0' });
    },
  ),
];
