import { describe, expect, it } from '@jest/globals';
import type { Observation, Trace } from '../../reference/doors/observation.js';
import type { Operation, Program } from '../../reference/doors/operations.js';
import { danglingName } from '../../reference/doors/terms.js';
import { machineFacts, type MachineDescription } from '../../reference/description.js';
import { machineCapabilities, TargetLost, UsageError, type Target, type TargetDescription } from '../target.js';
import { WITH_KVM } from './linux-host.fixture.js';
import { KvmPaprTarget } from './target.js';

const WITHOUT: MachineDescription = { ...WITH_KVM, linux: { ...WITH_KVM.linux!, kvm: undefined } };

/** A host that does nothing, and says what it was to do. */
class FakeHost implements Target {
  readonly variants: readonly [TargetDescription];
  readonly programs: Program[] = [];
  closed = false;
  /** What it says instead of success. */
  answer: (operation: Operation) => Observation | undefined = () => undefined;

  constructor(machine: MachineDescription = WITH_KVM, reasons: Record<string, string> = {}) {
    const capabilities = machineCapabilities(machine);
    this.variants = [{ name: 'fake', fingerprint: 'powernv fake', system: { name: 'linux', version: '7.2', platform: 'powernv' }, capabilities, reasons, machine, disposable: true }];
  }

  run(program: Program): Promise<Trace> {
    this.programs.push(program);
    let dead = false;
    const observations = program.operations.map((operation): Observation => {
      if (dead) return { kind: 'not-run' };
      const seen = this.answer(operation) ?? usual(operation);
      dead = seen.kind === 'crashed';
      return seen;
    });
    return Promise.resolve({ program, observations });
  }

  runQuick = (program: Program): Promise<Trace> => this.run(program);
  renew = (): Promise<void> => Promise.resolve();
  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }
}

const REGISTERS = Array.from({ length: 9 }, () => 0n);

function usual({ door, op }: Operation): Observation {
  if (op === 'hcall') return { kind: 'hcall', status: 0n, registers: REGISTERS };
  if (door === 'dma') return { kind: 'done' };
  return op === 'load' ? { kind: 'bytes', bytes: Uint8Array.of(1) } : { kind: 'syscall', result: 3n };
}

const put = (pe = 'pe0'): Operation => ({ door: 'papr', op: 'hcall', as: 'put', call: 'H_PUT_TCE', args: [{ from: `${pe}.liobn` }, { from: `${pe}.start`, plus: 0x1000n }, 0x100_0003n] });
const dma = (device = 'pe0.dev0', length = 64): Operation => ({ door: 'dma', op: 'write', device, iova: { from: 'pe0.start' }, length, at: 0 });
const attached = (operations: readonly Operation[]): Operation[] => operations.filter((operation) => operation.door === 'vfio' && operation.op === 'open' && operation.what !== 'container');
const last = ({ programs }: FakeHost): readonly Operation[] => programs.at(-1)!.operations;

describe('a partition of KVM', () => {
  it('is two groups of the host that do DMA, a table without hardware, and a monitor', () => {
    const [{ name, fingerprint, system, machine, capabilities }] = new KvmPaprTarget(new FakeHost()).variants;
    expect({ name, fingerprint, system }).toEqual({ name: 'kvm-papr', fingerprint: 'pseries kvm on powernv fake', system: { name: 'kvm', version: '7.2', platform: 'powernv' } });
    expect(machine.pes.map((pe) => [pe.name, pe.devices])).toEqual([['pe0', ['dev0']], ['pe1', ['dev0']]]);
    for (const has of ['papr', 'memory', 'dma', 'monitor', 'hcall-multi-tce', 'vio:vio0']) expect(capabilities).toContain(has);
    for (const lacks of ['ddw', 'reboot', 'properties', 'kvm', 'vfio']) expect(capabilities).not.toContain(lacks);
  });

  it('needs a host with KVM: one line says why there is none', () => {
    expect(() => new KvmPaprTarget(new FakeHost(WITHOUT, { kvm: 'no /dev/kvm' }))).toThrow(UsageError);
    expect(() => new KvmPaprTarget(new FakeHost(WITHOUT, { kvm: 'no /dev/kvm' }))).toThrow(/on fake, but saw no \/dev\/kvm; load kvm-hv/);
    const narrow = { ...WITH_KVM, linux: { ...WITH_KVM.linux!, groups: WITH_KVM.linux!.groups.map((group) => ({ ...group, windows: 0 })) } };
    expect(() => new KvmPaprTarget(new FakeHost(narrow))).toThrow(/a PE on fake/);
  });

  it('offers no DMA where a refused access stops the PE', () => {
    const stopping = { ...WITH_KVM, linux: { ...WITH_KVM.linux!, eeh: true } };
    const [{ machine, capabilities }] = new KvmPaprTarget(new FakeHost(stopping)).variants;
    expect(machine.pes.map(({ devices }) => devices)).toEqual([[], []]);
    expect(capabilities).not.toContain('dma');
  });

  it('makes itself and does a program in one exchange, every name given before it is used', async () => {
    const host = new FakeHost();
    await new KvmPaprTarget(host).run({ operations: [put(), dma(), { door: 'memory', op: 'load', address: 0x100_0000n, length: 1 }] });
    expect(host.programs).toHaveLength(1);
    expect(danglingName(host.programs[0]!, new Set([...machineFacts(WITH_KVM).keys()].map((fact) => fact.split('.')[0]!)))).toBeUndefined();
  });

  it('has hardware behind the tables of PEs that the program names, and of no others', async () => {
    const host = new FakeHost();
    const target = new KvmPaprTarget(host);
    await target.run({ operations: [put('vio0')] });
    expect(attached(last(host))).toEqual([]);
    await target.run({ operations: [put('pe1')] });
    expect(attached(last(host))).toMatchObject([{ what: 'pe1' }]);
    await target.run({ operations: [put('pe1'), dma()] });
    expect(attached(last(host))).toMatchObject([{ what: 'pe0' }, { what: 'pe1' }]);
  });

  it('takes its own facts for numbers, and results for names', async () => {
    const host = new FakeHost();
    const get: Operation = { door: 'papr', op: 'hcall', call: 'H_GET_TCE', args: [{ from: 'put.r4' }, { from: 'memory.end' }] };
    await new KvmPaprTarget(host).run({ operations: [put(), get] });
    expect(last(host).slice(-2)).toMatchObject([
      { door: 'kvm', op: 'hcall', as: 'put', args: [0x8000_0000n, 0x1000n, 0x100_0003n] },
      { door: 'kvm', op: 'hcall', args: [{ from: 'put.r4' }, 0x800_0000n] },
    ]);
  });

  it("has memory as its own big-endian doublewords in the monitor's", async () => {
    const host = new FakeHost();
    const { observations } = await new KvmPaprTarget(host).run({
      operations: [
        { door: 'memory', op: 'store', address: 0x110_0000n, doublewords: [{ from: 'pe0.liobn' }] },
        { door: 'memory', op: 'fill', address: 0x110_0000n, length: 8, byte: 1 },
        { door: 'memory', op: 'load', address: 0x110_0000n, length: 1 },
      ],
    });
    expect(last(host).at(-3)).toEqual({ door: 'user', op: 'store', address: { from: 'monitor-memory.address', plus: 0x110_0000n }, order: 'big', wordBytes: 8, words: [0x8000_0000n] });
    expect(observations).toEqual([{ kind: 'done' }, { kind: 'done' }, { kind: 'bytes', bytes: Uint8Array.of(1) }]);
    await expect(new KvmPaprTarget(host).run({ operations: [{ door: 'memory', op: 'load', address: 0n, length: 1 }] })).rejects.toThrow(RangeError);
  });

  it('empties the buffers of devices that earlier programs have used, as far as this one can show them', async () => {
    const host = new FakeHost();
    const target = new KvmPaprTarget(host);
    const transfers = (): unknown[] => last(host).flatMap((operation) => (operation.door === 'dma' ? [[operation.op, operation.length, operation.at]] : []));
    await target.run({ operations: [dma('pe0.dev0', 2048), { ...dma('pe0.dev0', 100), at: 2048 } as Operation] });
    expect(transfers()).toEqual([['write', 2048, 0], ['write', 100, 2048]]);
    await target.run({ operations: [{ ...dma('pe0.dev0', 1), at: 2999 } as Operation] });
    expect(transfers()).toEqual([['read', 2048, 0], ['read', 100, 2048], ['write', 1, 2999]]);
    await target.run({ operations: [dma('pe1.dev0')] });
    expect(transfers()).toEqual([['write', 64, 0]]);
    await target.renew();
    await target.run({ operations: [dma()] });
    expect(transfers()).toEqual([['write', 64, 0]]);
  });

  it('is refused what it has no door for', async () => {
    const target = new KvmPaprTarget(new FakeHost());
    await expect(target.run({ operations: [{ door: 'platform', op: 'reboot' }] })).rejects.toThrow(RangeError);
  });
});

describe('what became of a partition', () => {
  const died: Observation = { kind: 'crashed', message: 'Oops' };

  it('is lost where the monitor cannot make it', async () => {
    const host = new FakeHost();
    host.answer = ({ op }) => (op === 'guest' ? { kind: 'syscall', result: -12n } : undefined);
    const made = new KvmPaprTarget(host).run({ operations: [put()] });
    await expect(made).rejects.toThrow(TargetLost);
    await expect(made).rejects.toThrow(/expected fake to make a partition, but saw -ENOMEM at 'monitor-processor = processor 0/);
  });

  it('is a crash where the host dies of making it, or of a call', async () => {
    const host = new FakeHost();
    const target = new KvmPaprTarget(host);
    host.answer = ({ op }) => (op === 'hcall' ? died : undefined);
    await expect(target.run({ operations: [put('vio0'), put('vio0')] })).resolves.toMatchObject({ observations: [died, { kind: 'not-run' }] });
    host.answer = ({ op }) => (op === 'guest' ? died : undefined);
    await expect(target.run({ operations: [put('vio0'), put('vio0')] })).resolves.toMatchObject({ observations: [{ kind: 'crashed', message: 'while the partition was made: Oops' }, { kind: 'not-run' }] });
  });

  it('is made once more, on a fresh host, where the host dies of making it: earlier guests may have used up its memory', async () => {
    const host = new FakeHost();
    let guests = 0;
    host.answer = ({ op }) => (op === 'guest' && ++guests === 1 ? died : undefined);
    const { observations } = await new KvmPaprTarget(host).run({ operations: [put('vio0')] });
    expect([observations.some(({ kind }) => kind === 'crashed'), guests]).toEqual([false, 2]);
  });

  it('is a crash, and nothing after it, where the processor cannot go on', async () => {
    const host = new FakeHost();
    host.answer = ({ op }) => (op === 'hcall' ? { kind: 'syscall', result: -5n } : undefined);
    const { observations } = await new KvmPaprTarget(host).run({ operations: [put('vio0'), put('vio0')] });
    expect(observations).toEqual([{ kind: 'crashed', message: 'the monitor could not do it: -EIO' }, { kind: 'not-run' }]);
  });

  it('shows calls that were left to the monitor, and gives the host back', async () => {
    const host = new FakeHost();
    const target = new KvmPaprTarget(host);
    host.answer = ({ op }) => (op === 'hcall' ? { kind: 'handed', registers: REGISTERS } : undefined);
    await expect(target.run({ operations: [put()] })).resolves.toMatchObject({ observations: [{ kind: 'handed' }] });
    await target.close();
    expect(host.closed).toBe(true);
  });
});
