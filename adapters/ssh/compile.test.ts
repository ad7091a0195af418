import { describe, expect, it } from '@jest/globals';
import type { Operation, VfioIoctl } from '../../reference/doors/operations.js';
import { DanglingReference } from '../../reference/doors/term.js';
import { compile } from './compile.js';
import type { HostFacts } from './host-facts.js';
import type { Instruction, Step } from './instructions.js';
import { LOCAL } from './local-host.fixture.js';

const POWER: HostFacts = { ...LOCAL, architecture: 'ppc64', facts: new Map([['pe0.dma32.start', 0x1000n]]), groups: new Map([['pe0', '/dev/vfio/3']]) };
const BIG: HostFacts = { ...POWER, order: 'big' };
const ioctl = (call: VfioIoctl['call'], args: VfioIoctl['args'], rest: Partial<VfioIoctl> = {}): VfioIoctl => ({ door: 'vfio', op: 'ioctl', fd: 3n, call, args, ...rest });
const stepsOf = (operations: readonly Operation[], host = POWER): readonly Step[] => {
  const instruction = compile({ operations }, host).at(-1)!;
  return 'steps' in instruction ? instruction.steps : [];
};
const open: Operation = { door: 'vfio', op: 'open', what: 'pe0', as: 'g' };

describe('ioctls as a host gets them', () => {
  it('have the numbers of their architecture', () => {
    const step = ioctl('VFIO_IOMMU_MAP_DMA', {});
    expect(stepsOf([step])).toMatchObject([{ request: 0x2000_3b71 }]);
    expect(stepsOf([step], LOCAL)).toMatchObject([{ request: 0x3b71 }]);
  });

  it('have their structure in the byte order of the host', () => {
    const map = ioctl('VFIO_IOMMU_MAP_DMA', { flags: 3n, vaddr: 0x1122_3344_5566_7788n, iova: 0x10000n, size: 0x2000n });
    expect(stepsOf([map])).toMatchObject([{ bytes: '20000000' + '03000000' + '8877665544332211' + '0000010000000000' + '0020000000000000', patch: [] }]);
    expect(stepsOf([map], BIG)).toMatchObject([{ bytes: '00000020' + '00000003' + '1122334455667788' + '0000000000010000' + '0000000000002000' }]);
  });

  it('have argsz as the program says, and gaps of zeros', () => {
    const create = ioctl('VFIO_IOMMU_SPAPR_TCE_CREATE', { argsz: 39n, page_shift: 16n, window_size: 1n << 30n, levels: 2n });
    expect(stepsOf([create])).toMatchObject([{ bytes: '27000000' + '00000000' + '10000000' + '00000000' + '0000004000000000' + '02000000' + '00000000' + '0000000000000000' }]);
    const eeh = ioctl('VFIO_EEH_PE_OP', { op: 9n, err_type: 1n, err_addr: 0xffn });
    expect(stepsOf([eeh])).toMatchObject([{ bytes: '28000000' + '00000000' + '09000000' + '00000000' + '01000000' + '00000000' + 'ff00000000000000' + '0000000000000000' }]);
  });

  it('leave room for values that are only known then', () => {
    const create: Operation = { ...ioctl('VFIO_IOMMU_SPAPR_TCE_CREATE', {}), as: 'w' };
    const map = ioctl('VFIO_IOMMU_MAP_DMA', { vaddr: { from: 'm.address' }, iova: { from: 'w.start_addr', plus: 0x1000n } });
    const memory: Operation = { door: 'user', op: 'map', as: 'm', length: 4096n, protection: 'rw' };
    expect(stepsOf([create, memory, map])).toMatchObject([
      { patch: [[8, 8, { ref: 'm' }], [16, 8, { ref: 'w', at: 32, size: 8, plus: 0x1000n }]] },
    ]);
  });

  it('know the facts of the machine', () => {
    expect(stepsOf([ioctl('VFIO_IOMMU_UNMAP_DMA', { iova: { from: 'pe0.dma32.start', plus: 0x234n } })])).toMatchObject([{ bytes: '18000000000000003412000000000000' + '0000000000000000' }]);
  });

  it('pass a value, a name or nothing', () => {
    expect(stepsOf([ioctl('VFIO_SET_IOMMU', { value: 7n })])).toMatchObject([{ value: 7n }]);
    expect(stepsOf([ioctl('VFIO_GROUP_UNSET_CONTAINER', {})])).toMatchObject([{ value: 0n }]);
    const name = (device?: string): unknown => stepsOf([ioctl('VFIO_GROUP_GET_DEVICE_FD', {}, device === undefined ? {} : { device })])[0];
    expect(name('pe0.dev0')).toMatchObject({ bytes: Buffer.from('0001:00:01.0\0').toString('hex') });
    expect(name('no-such-device')).toMatchObject({ bytes: Buffer.from('no-such-device\0').toString('hex') });
    expect(name()).toMatchObject({ bytes: '00' });
  });

  it('say where the structure is to lie', () => {
    expect(stepsOf([ioctl('VFIO_GROUP_GET_STATUS', {}, { pointer: 'unmapped' })])).toMatchObject([{ place: 'unmapped' }]);
  });

  it('refer to a field where the structure has one of that name, else to what the call returned', () => {
    const device: Operation = { door: 'kvm', op: 'ioctl', fd: { from: 'g.fd' }, call: 'KVM_CREATE_DEVICE', args: { type: 4n }, as: 's' };
    const table: Operation = { door: 'kvm', op: 'ioctl', fd: { from: 'g.fd' }, call: 'KVM_CREATE_SPAPR_TCE_64', args: {}, as: 's' };
    const close: Operation = { door: 'vfio', op: 'close', fd: { from: 's.fd' } };
    expect(stepsOf([open, device, close])).toEqual([{ do: 'close', fd: { ref: 's', at: 4, size: 4 } }]);
    expect(stepsOf([open, table, close])).toEqual([{ do: 'close', fd: { ref: 's' } }]);
  });
});

describe('other operations as a host gets them', () => {
  it('map huge pages of a size, at an address', () => {
    const map: Operation = { door: 'user', op: 'map', length: 1n << 24n, protection: 'none', hugePages: 24, address: 0x1000_0000n };
    expect(stepsOf([map])).toEqual([{ do: 'mmap', length: 1n << 24n, protection: 0, flags: 0x6004_0032, address: 0x1000_0000n }]);
    expect(stepsOf([{ ...map, hugePages: 34 }])).toMatchObject([{ flags: (0x8804_0032 | 0) }]);
  });

  it('read a region where the kernel says that it is', () => {
    const read: Operation = { door: 'vfio', op: 'read', fd: 5n, region: 7, offset: 4, length: 2 };
    expect(stepsOf([read])).toMatchObject([
      { do: 'ioctl', request: 0x2000_3b6c, bytes: `200000000000000007000000${'00'.repeat(20)}` },
      { do: 'pread', fd: 5n, offset: { ref: '#0', at: 24, size: 8, plus: 4n }, length: 2 },
    ]);
  });

  it('store words in the order that the program says', () => {
    const store: Operation = { door: 'user', op: 'store', address: 0x1000n, order: 'big', wordBytes: 8, words: [1n, { from: 'g.fd' }] };
    expect(stepsOf([open, store])).toEqual([{ do: 'copy', address: 0x1000n, bytes: '00'.repeat(16), patch: [[0, 8, 1n], [8, 8, { ref: 'g' }]], order: 'big' }]);
    expect(stepsOf([{ ...store, words: [], order: undefined } as unknown as Operation])).toEqual([{ do: 'copy', address: 0x1000n, bytes: '', patch: [] }]);
  });

  it('touch drivers and disks from a process beside the program', () => {
    const list: Operation[] = [
      { door: 'host', op: 'bind', device: 'disk0.dev0', driver: 'none', by: 'c1' },
      { door: 'host', op: 'disk', device: 'disk0.dev0' },
    ];
    expect(compile({ operations: list }, POWER)).toMatchObject([
      { by: '#host', steps: [{ do: 'bind', device: '0005:00:01.0', driver: '' }] },
      { by: '#host', steps: [{ do: 'sector', device: '0005:00:01.0', length: 512 }] },
    ]);
  });

  it('go to the process that the program says', () => {
    const list: Operation[] = [
      { door: 'host', op: 'fork', as: 'c1' },
      { door: 'host', op: 'ledger', by: 'c1', as: 'l' },
      { door: 'host', op: 'kill', by: 'c1' },
      { door: 'host', op: 'limit', bytes: { from: 'l.locked' } },
      { door: 'host', op: 'log' },
      { door: 'host', op: 'witness', pe: 'pe0' },
    ];
    expect(compile({ operations: list }, POWER)).toMatchObject([
      { by: 'main', fork: 'c1' },
      { by: 'c1', name: 'l', steps: [{ do: 'locked' }] },
      { by: 'c1', end: 'kill' },
      { by: 'main', steps: [{ do: 'limit', bytes: { ref: 'l' } }] },
      { log: true },
      { pause: true },
    ]);
  });

  it('are two at a time where they can be', () => {
    const ledger: Operation = { door: 'host', op: 'ledger' };
    const together = (right: Operation): Instruction[] => compile({ operations: [{ door: 'host', op: 'together', left: ledger, right }] }, POWER);
    expect(together(ledger)).toMatchObject([{ together: [{ by: 'main' }, { by: 'main' }] }]);
    expect(() => together({ door: 'host', op: 'fork', as: 'c1' })).toThrow(RangeError);
  });

  it.each<[string, Operation]>([
    ['a name that nothing gives', { door: 'vfio', op: 'close', fd: { from: 'x.fd' } }],
    ['a field that the operation has not', { door: 'vfio', op: 'close', fd: { from: 'g.start_addr' } }],
    ['a group that is not there', { door: 'vfio', op: 'open', what: 'pe9' }],
    ['a device that is not there', { door: 'host', op: 'disk', device: 'pe9.dev0' }],
  ])('refuse %s', (_, operation) => {
    expect(() => compile({ operations: [open, operation] }, POWER)).toThrow(DanglingReference);
  });

  it('refuse what a Linux host has not', () => {
    expect(() => compile({ operations: [{ door: 'memory', op: 'load', address: 0n, length: 1 }] }, POWER)).toThrow(RangeError);
  });
});

describe('transfers of an edu', () => {
  const dma = (device: string, rest: object = {}): Operation => ({ door: 'dma', op: 'write', device, iova: { from: 'g.result' }, length: 64, at: 16, fd: 5n, ...rest });

  it('write its registers in its own byte order', () => {
    const patch = (value: unknown): object => ({ bytes: '0000000000000000', patch: [[0, 8, value]], order: 'big' });
    const at = (offset: bigint): object => ({ ref: '#0', at: 24, size: 8, plus: offset });
    expect(stepsOf([open, dma('pe0.dev0')])).toMatchObject([
      { do: 'ioctl' },
      { do: 'ioctl' },
      { do: 'pwrite', offset: { ref: '#1', plus: 4n }, bytes: '0600' },
      { do: 'pwrite', offset: at(0x80n), ...patch(0x4_0010n) },
      { do: 'pwrite', offset: at(0x88n), ...patch({ ref: 'g' }) },
      { do: 'pwrite', offset: at(0x90n), ...patch(64n) },
      { do: 'pwrite', offset: at(0x98n), ...patch(3n) },
      { do: 'poll', offset: at(0x98n), length: 4, order: 'big', mask: 1n },
    ]);
  });

  it('map its registers where the kernel splits accesses of 8 bytes, and take the mapping away again', () => {
    const steps = stepsOf([open, dma('pe1.dev0', { op: 'read' })]);
    expect(steps.map((step) => step.do)).toEqual(['ioctl', 'ioctl', 'pwrite', 'mmap', 'store', 'store', 'store', 'store', 'munmap', 'poll']);
    expect(steps.slice(3, 9)).toMatchObject([
      { flags: 1, protection: 3 },
      { address: { ref: '#3', plus: 0x80n }, patch: [[0, 8, { ref: 'g' }]], order: 'little' },
      { patch: [[0, 8, 0x4_0010n]] },
      { patch: [[0, 8, 64n]] },
      { patch: [[0, 8, 1n]] },
      { address: { ref: '#3' }, always: true },
    ]);
  });

  it('refuse what would end QEMU, and devices that do none', () => {
    expect(() => stepsOf([open, dma('pe0.dev0', { at: 4095, length: 1 })])).toThrow(RangeError);
    expect(() => stepsOf([open, dma('disk0.dev0')])).toThrow(/no device that does DMA/);
    expect(() => stepsOf([open, dma('pe0.dev0', { fd: undefined })])).toThrow(/no `fd`/);
  });
});
