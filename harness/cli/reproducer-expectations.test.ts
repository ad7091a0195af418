import { describe, expect, it } from '@jest/globals';
import type { Operation, VfioIoctl } from '../../reference/doors/operations.js';
import { REFERENCE_RULES } from '../../reference/rule-book.js';
import { LINUX_PSERIES } from '../../adapters/model/machines.js';
import type { Expectation } from '../../adapters/c/expectation.js';
import { expectations } from '../../adapters/c/expectations.js';
import { standInHost } from '../../adapters/c/host.js';
import type { LinuxMachine } from '../../adapters/c/reproducer.js';

const MACHINE = LINUX_PSERIES as LinuxMachine;
const of = (operations: readonly Operation[]): Expectation[] => expectations({ operations }, MACHINE, REFERENCE_RULES, standInHost(MACHINE));
const last = (operations: readonly Operation[]): Expectation => of(operations).at(-1)!;
const ioctl = (fd: string, call: VfioIoctl['call'], args: VfioIoctl['args'], rest: Partial<VfioIoctl> = {}): VfioIoctl => ({ door: 'vfio', op: 'ioctl', fd: { from: `${fd}.fd` }, call, args, ...rest });

const OPEN: readonly Operation[] = [
  { door: 'vfio', op: 'open', what: 'container', as: 'c' },
  { door: 'vfio', op: 'open', what: 'pe0', as: 'g' },
];
const READY: readonly Operation[] = [...OPEN, ioctl('g', 'VFIO_GROUP_SET_CONTAINER', { fd: { from: 'c.fd' } }), ioctl('c', 'VFIO_SET_IOMMU', { value: 7n })];

describe('what the reference expects', () => {
  it('is no descriptor and no address in particular', () => {
    expect(of(OPEN).map(({ result }) => result.kind)).toEqual(['from 0', 'from 0']);
    const map: Operation = { door: 'user', op: 'map', as: 'm', length: 0x10000n, protection: 'rw' };
    expect(of([map, map, { ...map, protection: 'none', address: { from: 'm.address' } }]).map(({ result }) => result.kind)).toEqual(['from 0', 'from 0', 'from 0']);
  });

  it('is the error that the rules fix, with the clause', () => {
    expect(last([...READY, ioctl('c', 'VFIO_IOMMU_SPAPR_TCE_CREATE', { page_shift: 16n, window_size: 0x4010000n, levels: 1n })])).toMatchObject({
      result: { kind: 'values', values: [-22n] },
      clause: 'VFIO_IOMMU_SPAPR_TCE_CREATE/window-size',
    });
  });

  it('is every answer where the rules leave a choice', () => {
    const { result } = last([...READY, ioctl('c', 'VFIO_IOMMU_SPAPR_TCE_CREATE', { page_shift: 16n, window_size: 1n << 26n, levels: 0n })]);
    expect(result).toMatchObject({ kind: 'values' });
    expect('values' in result && [0n, -22n].every((value) => result.values.includes(value))).toBe(true);
  });

  it('tells fields that are fixed from those that are open', () => {
    const window = last([...READY, ioctl('c', 'VFIO_IOMMU_SPAPR_TCE_CREATE', { page_shift: 16n, window_size: 1n << 26n, levels: 1n })]);
    expect(window.fields.map(({ name, value }) => [name, value])).toContainEqual(['window_size', 'given']);
    const info = last([...READY, ioctl('c', 'VFIO_IOMMU_SPAPR_TCE_GET_INFO', {})]);
    expect(info.fields.find(({ name }) => name === 'dma32_window_size')?.value).toBe(BigInt(MACHINE.linux.groups[0]!.dma32Size));
    const device = last([...READY, ioctl('g', 'VFIO_GROUP_GET_DEVICE_FD', {}, { device: 'pe0.dev0', as: 'd' }), ioctl('d', 'VFIO_DEVICE_GET_INFO', {})]);
    expect(device.fields.map(({ name }) => name)).not.toContain('num_regions');
  });

  it('has the bytes that memory holds', () => {
    const load = last([
      { door: 'user', op: 'map', as: 'm', length: 0x10000n, protection: 'rw' },
      { door: 'user', op: 'fill', address: { from: 'm.address' }, length: 4, byte: 0x5a },
      { door: 'user', op: 'load', address: { from: 'm.address' }, length: 8 },
    ]);
    expect(load.result).toEqual({ kind: 'values', values: [8n] });
    expect(Buffer.from(load.bytes!.expected.values).toString('hex')).toBe('5a5a5a5a00000000');
  });
});
