import { vfioScenario } from '../../harness/build/scenario-builder.js';
import type { VfioProgramBuilder } from '../../harness/build/vfio-program-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import type { Term } from '../../reference/doors/term.js';
import { attach, bound, destroy, detach, map, PAGE, table, type BoundHandle } from './device-steps.js';

const ATTACH = 'VFIO_DEVICE_ATTACH_IOMMUFD_PT';
const DETACH = 'VFIO_DEVICE_DETACH_IOMMUFD_PT';

/** IOVAs that every usual IOMMU translates. */
const LOW = 0x2000_0000n;
const HIGH = 0x3000_0000n;

/** Shows where a device's access goes: it writes its buffer there, and memory is looked at. */
function probe(p: VfioProgramBuilder, device: BoundHandle, iova: bigint, address: Term): void {
  p.deviceReads(device, iova).deviceWrites(device, iova + 0x40n).load(address, 128);
}

/** A page table that the IOMMU itself refuses, once it is the only thing that is wrong. */
const refusedByDriver = (which: 'same' | 'other'): Scenario =>
  vfioScenario(
    { id: `iommufd/replace/refused-${which}`, title: `A page table of ${which === 'same' ? 'the same' : 'another'} IOAS that the IOMMU refuses leaves everything reserved as it was`, clauses: [`${ATTACH}/driver`, `${ATTACH}/attached`], requires: ['device:reserved0.dev0', 'device:mock0.dev0'] },
    (p) => {
      const [iommu, buffer] = [p.iommu(), p.memory()];
      const [ioas, other] = [p.ioas(iommu), p.ioas(iommu)];
      const [device, stranger] = [bound(p, iommu, 'reserved0.dev0'), bound(p, iommu, 'mock0.dev0')];
      attach(p, device, ioas);
      const foreign = table(p, iommu, stranger, which === 'same' ? ioas : other, 'foreign');
      attach(p, device, foreign);
      destroy(p, iommu, foreign);
      for (const space of [ioas, other]) map(p, iommu, space, buffer.address, 0xfee0_0000n);
    },
  );

/** Page tables of devices: attached, replaced, detached. */
export const scenarios: readonly Scenario[] = [
  vfioScenario(
    { id: 'iommufd/attach/automatic', title: 'Attaching to an IOAS makes a page table, which other devices share and which goes with the last of them', clauses: [`${ATTACH}/attached`, `${DETACH}/detached`, 'IOMMU_DESTROY/in-use', 'IOMMU_DESTROY/id'], requires: ['paging', 'device:pe1.dev0'] },
    (p) => {
      const iommu = p.iommu();
      const ioas = p.ioas(iommu);
      const devices = [bound(p, iommu), bound(p, iommu, 'pe1.dev0')];
      const made = devices.map((device, i) => attach(p, device, ioas, `attached${i}`));
      destroy(p, iommu, made[0]!);
      destroy(p, iommu, ioas);
      for (const device of devices) detach(p, device);
      destroy(p, iommu, made[1]!);
      destroy(p, iommu, ioas);
    },
  ),
  vfioScenario(
    { id: 'iommufd/attach/manual-not-picked', title: 'A page table that was asked for is not used for a device that is attached to the IOAS, and stays when nobody uses it', clauses: [`${ATTACH}/attached`, 'IOMMU_HWPT_ALLOC/made'], requires: ['paging'] },
    (p) => {
      const iommu = p.iommu();
      const ioas = p.ioas(iommu);
      const device = bound(p, iommu);
      const own = table(p, iommu, device, ioas, 'own');
      attach(p, device, ioas, 'automatic');
      attach(p, device, own, 'manual');
      detach(p, device);
      destroy(p, iommu, own);
      destroy(p, iommu, ioas);
    },
  ),
  vfioScenario(
    { id: 'iommufd/attach/dma', title: 'A device reaches no memory before it is attached, what its IOAS has while it is, and none when it is detached', clauses: ['VFIO_DEVICE_BIND_IOMMUFD/blocked', 'iommufd-dma/translated', 'iommufd-dma/refused', `${DETACH}/detached`, 'dma/outside-windows'], requires: ['paging'] },
    (p) => {
      const [iommu, buffer] = [p.iommu(), p.memory()];
      const ioas = p.ioas(iommu);
      p.fill(buffer.address, 0x1_0000, 0x5a);
      map(p, iommu, ioas, buffer.address, LOW);
      const device = bound(p, iommu);
      probe(p, device, LOW, buffer.address);
      attach(p, device, ioas);
      probe(p, device, LOW, buffer.address);
      probe(p, device, HIGH, buffer.address);
      detach(p, device);
      probe(p, device, LOW, buffer.address);
      attach(p, device, ioas);
      probe(p, device, LOW, buffer.address);
    },
  ),
  vfioScenario(
    { id: 'iommufd/attach/permissions', title: 'A device does with memory what it was mapped for, and memory mapped later can be reached at once', clauses: ['iommufd-dma/translated', 'iommufd-dma/refused'], requires: ['paging'] },
    (p) => {
      const [iommu, buffer] = [p.iommu(), p.memory()];
      const ioas = p.ioas(iommu);
      const device = bound(p, iommu);
      attach(p, device, ioas);
      for (const [i, flags] of [5n, 3n, 7n].entries()) {
        map(p, iommu, ioas, buffer.at(BigInt(i) * PAGE), LOW + BigInt(i) * PAGE, PAGE, flags);
        probe(p, device, LOW + BigInt(i) * PAGE, buffer.at(BigInt(i) * PAGE));
      }
      p.iommufd(iommu, 'IOMMU_IOAS_UNMAP', { ioas_id: ioas, iova: LOW + 2n * PAGE, length: PAGE });
      probe(p, device, LOW + 2n * PAGE, buffer.at(2n * PAGE));
    },
  ),
  vfioScenario(
    { id: 'iommufd/replace/dma', title: 'A device that goes from one IOAS to another reaches the memory of the one, then that of the other, and never anything else', clauses: [`${ATTACH}/replaced`, 'iommufd-dma/translated'], requires: ['paging'] },
    (p) => {
      const [iommu, buffer] = [p.iommu(), p.memory()];
      const spaces = [p.ioas(iommu), p.ioas(iommu)];
      spaces.forEach((ioas, i) => map(p, iommu, ioas, buffer.at(BigInt(i) * PAGE), LOW));
      const device = bound(p, iommu);
      for (const ioas of [...spaces, spaces[0]!]) {
        attach(p, device, ioas);
        probe(p, device, LOW, buffer.address);
        p.load(buffer.at(PAGE), 128);
      }
      destroy(p, iommu, spaces[1]!);
    },
  ),
  vfioScenario(
    { id: 'iommufd/replace/two-tables', title: 'Two page tables of one IOAS both have all of its areas, and a device can go from one to the other and back', clauses: [`${ATTACH}/replaced`, 'IOMMU_HWPT_ALLOC/made', 'IOMMU_DESTROY/in-use'], requires: ['paging'] },
    (p) => {
      const [iommu, buffer] = [p.iommu(), p.memory()];
      const ioas = p.ioas(iommu);
      const device = bound(p, iommu);
      const tables = ['first', 'second'].map((as) => table(p, iommu, device, ioas, as));
      map(p, iommu, ioas, buffer.address, LOW);
      for (const to of [...tables, tables[0]!, tables[0]!]) {
        attach(p, device, to);
        probe(p, device, LOW, buffer.address);
      }
      for (const id of tables) destroy(p, iommu, id);
    },
  ),
  vfioScenario(
    { id: 'iommufd/replace/refused', title: 'A replacement that is refused leaves the device where it was, and its reservations too', clauses: [`${ATTACH}/aperture`, `${ATTACH}/table`, `${ATTACH}/reserved`, `${ATTACH}/memory`, `${ATTACH}/replaced`], requires: ['device:reserved0.dev0'] },
    (p) => {
      const [iommu, buffer] = [p.iommu(), p.memory()];
      const [good, high, interrupts, gone, other] = [p.ioas(iommu), p.ioas(iommu), p.ioas(iommu), p.ioas(iommu), p.ioas(iommu)];
      map(p, iommu, good, buffer.address, LOW);
      map(p, iommu, high, buffer.address, 1n << 62n);
      map(p, iommu, interrupts, buffer.address, 0xfee0_0000n);
      map(p, iommu, gone, p.memory().at(-PAGE), LOW);
      const device = bound(p, iommu, 'reserved0.dev0');
      attach(p, device, good);
      for (const to of [high, interrupts, gone, 0n]) {
        attach(p, device, to);
        probe(p, device, LOW, buffer.address);
        // What the interrupts take is still reserved here.
        map(p, iommu, good, buffer.address, 0xfee0_0000n);
      }
      attach(p, device, other);
      map(p, iommu, good, buffer.address, 0xfee0_0000n);
      map(p, iommu, other, buffer.address, 0xfee0_0000n);
    },
  ),
  refusedByDriver('same'),
  refusedByDriver('other'),
  vfioScenario(
    { id: 'iommufd/replace/unanswered', title: 'A replacement whose answer cannot be written leaves the device detached', clauses: [`${ATTACH}/answer-pointer`, 'dma/outside-windows'], requires: ['paging'] },
    (p) => {
      const [iommu, buffer] = [p.iommu(), p.memory()];
      const [first, second] = [p.ioas(iommu), p.ioas(iommu)];
      for (const ioas of [first, second]) map(p, iommu, ioas, buffer.address, LOW);
      const device = bound(p, iommu);
      attach(p, device, first);
      p.ioctl(device.fd, ATTACH, { pt_id: second }, { pointer: 'read-only' });
      probe(p, device, LOW, buffer.address);
      for (const ioas of [first, second]) destroy(p, iommu, ioas);
    },
  ),
  vfioScenario(
    { id: 'iommufd/attach/drivers', title: "A page table suits the devices of its driver only, and one that tells what was written only those that can", clauses: [`${ATTACH}/driver`, `${ATTACH}/attached`], requires: ['device:mock0.dev1', 'paging'] },
    (p) => {
      const iommu = p.iommu();
      const ioas = p.ioas(iommu);
      const [usual, mock, blind] = [bound(p, iommu), bound(p, iommu, 'mock0.dev0'), bound(p, iommu, 'mock0.dev1')];
      const plain = table(p, iommu, usual, ioas, 'usual');
      attach(p, mock, plain);
      const telling = table(p, iommu, mock, ioas, 'telling', { flags: 2n });
      attach(p, blind, telling);
      attach(p, usual, telling);
      attach(p, usual, ioas, 'automatic-usual');
      attach(p, mock, ioas, 'automatic-mock');
      attach(p, blind, ioas, 'automatic-blind');
    },
  ),
  vfioScenario(
    { id: 'iommufd/attach/alignment', title: "Areas below the page of the IOMMU cannot be followed, by a device or by a page table", clauses: [`${ATTACH}/alignment`, 'IOMMU_HWPT_ALLOC/alignment'], requires: ['paging'] },
    (p) => {
      const [iommu, buffer] = [p.iommu(), p.memory()];
      const ioas = p.ioas(iommu);
      map(p, iommu, ioas, buffer.address, LOW, 0x200n);
      const device = bound(p, iommu);
      attach(p, device, ioas);
      table(p, iommu, device, ioas, 'refused');
      p.iommufd(iommu, 'IOMMU_IOAS_UNMAP', { ioas_id: ioas, iova: LOW, length: 0x200n });
      table(p, iommu, device, ioas, 'made');
      map(p, iommu, ioas, buffer.address, LOW, 0x200n);
      map(p, iommu, ioas, buffer.address, 1n << 62n);
    },
  ),
];
