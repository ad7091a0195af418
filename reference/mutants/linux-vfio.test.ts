import { expect, test } from '@jest/globals';
import { LINUX_POWERNV, LINUX_PSERIES } from '../../adapters/model/machines.js';
import { VfioProgramBuilder } from '../../harness/build/vfio-program-builder.js';
import { Model } from '../model.js';
import { REFERENCE_RULES } from '../rule-book.js';
import { LINUX_VFIO_MUTANTS } from './linux-vfio.js';

const BEYOND = [64n, 140n, 0x8000_000cn, 0xffff_ffffn];

test.each([LINUX_PSERIES, LINUX_POWERNV].flatMap((machine) => LINUX_VFIO_MUTANTS.map(({ id, change }) => ({ id, change, machine, on: machine.platform }))))(
  '$id follows page shifts beyond those of any number on $on',
  ({ change, machine }) => {
    const program = new VfioProgramBuilder();
    const { fd } = program.v2();
    for (const page_shift of BEYOND) program.ioctl(fd, 'VFIO_IOMMU_SPAPR_TCE_CREATE', { page_shift, window_size: 1n << 30n, levels: 1n });
    const model = new Model(machine, change(REFERENCE_RULES));
    expect(() => program.finish().operations.map((operation) => model.answer(operation))).not.toThrow();
  },
);

test('a window below a page that is made after all is not followed; one that is refused is', () => {
  const program = new VfioProgramBuilder();
  const { fd } = program.v2();
  program.ioctl(fd, 'VFIO_IOMMU_SPAPR_TCE_CREATE', { page_shift: 16n, window_size: 0x1000n, levels: 1n });
  const { operations } = program.finish();
  const at = operations.findIndex((operation) => 'call' in operation && operation.call === 'VFIO_IOMMU_SPAPR_TCE_CREATE');
  const { change } = LINUX_VFIO_MUTANTS.find(({ id }) => id === 'linux/window-below-page')!;
  const followed = (result: bigint): { departs: boolean; diverged: boolean } => {
    const [sound, model] = [new Model(LINUX_POWERNV, REFERENCE_RULES), new Model(LINUX_POWERNV, change(REFERENCE_RULES))];
    for (const operation of operations.slice(0, at)) model.judge(operation, sound.answer(operation).observation);
    const { departures } = model.judge(operations[at]!, { kind: 'syscall', result });
    return { departs: departures.length > 0, diverged: model.machine.diverged };
  };
  expect(followed(0n)).toEqual({ departs: false, diverged: true });
  expect(followed(-22n)).toEqual({ departs: false, diverged: false });
});
