import { describe, expect, it } from '@jest/globals';
import type { Observation } from '../../reference/doors/observation.js';
import type { KvmHcall, Operation } from '../../reference/doors/operations.js';
import { GUEST_CODE } from '../../reference/uapi/kvm.js';
import { compile } from './compile.js';
import { GUEST_ENTRY, guestPayload, HcallSlot, mailboxOf, SLOT_BYTES } from './guest-payload.js';
import type { HostFacts } from './host-facts.js';
import type { Steps } from './instructions.js';
import { HANDED } from './kvm.js';
import { LOCAL } from './local-host.fixture.js';
import type { StepAnswer } from './messages.js';
import { observe } from './observe.js';

const POWER: HostFacts = { ...LOCAL, architecture: 'ppc64' };
const BIG: HostFacts = { ...POWER, order: 'big' };
const KVM: Operation = { door: 'kvm', op: 'open', as: 'kvm' };
const VM: Operation = { door: 'kvm', op: 'ioctl', as: 'vm', fd: { from: 'kvm.fd' }, call: 'KVM_CREATE_VM', args: { value: 1n } };
const guest = (as: string, processor: number): Operation => ({ door: 'kvm', op: 'guest', as, vm: { from: 'vm.fd' }, processor });
const PUT: KvmHcall = { door: 'kvm', op: 'hcall', as: 'put', processor: { from: 'second.fd' }, call: 'H_PUT_TCE', args: [0x71n, { from: 'get.r4', plus: 0x1000n }, 3n] };
const GET: KvmHcall = { ...PUT, as: 'get', call: 'H_GET_TCE', args: [] };

/** The ticks of the first slot, until the call was made. */
const NEVER_MADE = [0x70, 8, 0xffff_ffff_ffff_ffffn];

const compiled = (operations: readonly Operation[], host = POWER, how?: 'batched'): Steps[] => compile({ operations: [KVM, VM, ...operations] }, host, how).slice(2) as Steps[];

describe('a guest as system calls', () => {
  it('gets its code with the first processor, which the others share', () => {
    const [first, second] = compiled([guest('first', 0), guest('second', 1)]);
    expect(first!.steps.map((step) => step.do)).toEqual(['ioctl', 'mmap', 'copy', 'ioctl', 'ioctl', 'ioctl', 'mmap', 'store', 'ioctl']);
    expect(first).toMatchObject({ name: 'first', value: 0 });
    expect(first!.steps.slice(0, 2)).toMatchObject([{ fd: { ref: 'vm' }, request: 0x2000_ae41, value: 0n }, { as: 'vm.fd#code', length: GUEST_CODE.bytes }]);
    expect(first!.steps[3]).toMatchObject({ request: 0x8020_ae46, patch: [[24, 8, { ref: '#1' }]] });
    expect(second!.steps.map((step) => step.do)).toEqual(['ioctl', 'ioctl', 'ioctl', 'mmap', 'store', 'ioctl']);
    expect(second!.steps.slice(3)).toMatchObject([{ fd: { ref: '#0' } }, { address: { ref: '#3', plus: 40n }, patch: [[0, 8, HANDED]] }, { request: 0x2000_ae80, until: { address: { ref: 'vm.fd#code', plus: mailboxOf(1) + 8n } } }]);
  });

  it('begins in real mode, in the byte order of the host', () => {
    const registers = (host: HostFacts): unknown => compiled([guest('first', 0)], host)[0]!.steps[5];
    expect(registers(POWER)).toMatchObject({ request: 0x8188_ae82, patch: [[0, 8, GUEST_ENTRY], [40, 8, 0x8000_0000_0000_1001n], [384, 8, mailboxOf(0)]] });
    expect(registers(BIG)).toMatchObject({ patch: [[0, 8, GUEST_ENTRY], [40, 8, 0x8000_0000_0000_1000n], [384, 8, mailboxOf(0)]] });
    expect(guestPayload('little')).toEqual(Buffer.from(guestPayload('big')).swap32());
  });

  it('has its code and the mailboxes of four processors in the slot that is its own', () => {
    expect(mailboxOf(0)).toBeGreaterThanOrEqual(GUEST_CODE.start + BigInt(guestPayload('big').length));
    expect(mailboxOf(4)).toBeLessThanOrEqual(GUEST_CODE.start + GUEST_CODE.bytes);
    expect(HcallSlot.ticks + 8).toBeLessThanOrEqual(SLOT_BYTES);
  });

  it('makes a call by its mailbox, with results of calls before it', () => {
    const [, , , put] = compiled([guest('first', 0), guest('second', 1), GET, PUT]);
    const code = { ref: 'vm.fd#code', plus: mailboxOf(1) };
    expect(put).toMatchObject({
      name: 'put',
      steps: [
        { do: 'copy', address: code, patch: [[0, 8, 1n], [0x10, 8, 0x20n], [0x18, 8, 0x71n], [0x20, 8, { ref: 'get', at: 8, size: 8, plus: 0x1000n }], [0x28, 8, 3n], [0x60, 8, 1n], [0x68, 8, 0n], NEVER_MADE] },
        { do: 'ioctl', fd: { ref: 'second' }, request: 0x2000_ae80, until: { value: 1n } },
        { do: 'load', address: { ref: 'vm.fd#code', plus: mailboxOf(1) + 0x10n } },
      ],
    });
  });

  it('makes a call again and again to be measured', () => {
    const [, put] = compiled([guest('second', 0), { ...PUT, args: [], repeat: { times: 100, stride: 0x1000n } }]);
    expect(put!.steps[0]).toMatchObject({ patch: [[0, 8, 1n], [0x10, 8, 0x20n], [0x60, 8, 100n], [0x68, 8, 0x1000n], NEVER_MADE] });
    expect(put!.steps[1]).toMatchObject({ until: { most: 116 } });
  });

  describe('makes several calls in one go', () => {
    const call = (more: Partial<KvmHcall> = {}): KvmHcall => ({ door: 'kvm', op: 'hcall', processor: { from: 'first.fd' }, call: 'H_GET_TCE', args: [1n], ...more });
    const counts = (...operations: Operation[]): number[] =>
      compiled([guest('first', 0), guest('second', 1), ...operations], POWER, 'batched').slice(2).map(({ steps }) => steps.length);

    it('of one processor: each has its slot', () => {
      const [, one, other, third] = compiled([guest('first', 0), call(), call({ args: [2n] }), call({ as: 'last' })], POWER, 'batched');
      expect(one!.steps.map((step) => step.do)).toEqual(['copy', 'ioctl', 'load']);
      expect(one!.steps[0]).toMatchObject({ patch: expect.arrayContaining([[0, 8, 3n], [0x18, 8, 1n], [0x18 + SLOT_BYTES, 8, 2n], [0x70 + 2 * SLOT_BYTES, 8, NEVER_MADE[2]]]) as unknown });
      expect(one!.steps[1]).toMatchObject({ until: { most: 19 } });
      expect(other!.steps).toMatchObject([{ do: 'load', address: { plus: mailboxOf(0) + 0x10n + BigInt(SLOT_BYTES) } }]);
      expect(third).toMatchObject({ name: 'last', steps: [{ do: 'load' }] });
    });

    it('but not where one takes what another leaves, is measured, or is on another processor', () => {
      expect(counts(call({ as: 'get' }), call({ args: [{ from: 'get.r4' }] }), call())).toEqual([3, 3, 1]);
      expect(counts(call(), call({ repeat: { times: 2, stride: 0n } }), call())).toEqual([3, 3, 3]);
      expect(counts(call(), call({ processor: { from: 'second.fd' } }), call({ by: 'c1', processor: { from: 'second.fd' } }), KVM, call())).toEqual([3, 3, 3, 1, 3]);
    });

    it('as many as its mailbox has slots', () => {
      const lengths = counts(...Array.from({ length: 64 }, () => call()));
      expect(lengths.filter((steps) => steps === 3)).toHaveLength(2);
      expect(lengths.at(-1)).toBe(3);
      expect(mailboxOf(0) + 0x10n + 63n * BigInt(SLOT_BYTES)).toBeLessThanOrEqual(mailboxOf(1));
    });
  });

  it('asks the kernel what it says to a call on what is no processor', () => {
    expect(compiled([{ ...GET, processor: 99n }])).toMatchObject([{ steps: [{ do: 'ioctl', fd: 99n, request: 0x2000_ae80 }] }]);
  });
});

describe('what came back of a guest', () => {
  const slot = (host: HostFacts, ...words: bigint[]): StepAnswer => {
    const bytes = Buffer.alloc(HcallSlot.ticks + 8);
    words.forEach((word, i) => (host.order === 'big' ? bytes.writeBigUInt64BE(word, 8 * i) : bytes.writeBigUInt64LE(word, 8 * i)));
    return [2, BigInt(bytes.length), bytes];
  };
  const seen = (answer: StepAnswer, host = POWER): Observation => observe(PUT, { steps: [[0, 0n, null], [1, 0n, null], answer] }, host);

  it.each([POWER, BIG])('is the answer of the kernel, or that the monitor was given the call', (host) => {
    expect(seen(slot(host, BigInt.asUintN(64, -4n), 7n), host)).toEqual({ kind: 'hcall', status: -4n, registers: [7n, ...Array<bigint>(8).fill(0n)] });
    expect(seen(slot(host, HANDED, 7n), host)).toEqual({ kind: 'handed', registers: [7n, ...Array<bigint>(8).fill(0n)] });
    const measured = observe({ ...PUT, repeat: { times: 3, stride: 8n } }, { steps: [slot(host, ...Array<bigint>(13).fill(0n).with(12, 1234n))] }, host);
    expect(measured).toMatchObject({ kind: 'hcall', status: 0n, ticks: 1234n });
  });

  it('is nothing where the processor did not come to it', () => {
    expect(seen(slot(POWER, ...Array<bigint>(13).fill(0n).with(12, 0xffff_ffff_ffff_ffffn)))).toMatchObject({ kind: 'crashed' });
  });

  it('is an error of the processor, or its end', () => {
    expect(seen([1, -5n, null])).toEqual({ kind: 'syscall', result: -5n });
    expect(seen([1, -110n, null])).toMatchObject({ kind: 'crashed' });
  });

  it('is the descriptor of a processor, unless a step failed', () => {
    const made = (...results: bigint[]): Observation => observe(guest('first', 0), { steps: results.map((result, i): StepAnswer => [i, result, null]) }, POWER);
    expect(made(7n, 0x7000n, 65536n, 0n)).toEqual({ kind: 'syscall', result: 7n });
    expect(made(7n, 0x7000n, -22n)).toEqual({ kind: 'syscall', result: -22n });
  });
});
