import type { KvmHcall } from '../../reference/doors/operations.js';
import type { Observation } from '../../reference/doors/observation.js';
import { E } from '../../reference/uapi/errno.js';
import { HCALLS } from '../../reference/uapi/hcall.js';
import { ioctlRequest, kvmRequest } from '../../reference/uapi/ioctl.js';
import { GUEST_CODE, KVM_CAP } from '../../reference/uapi/kvm.js';
import { GUEST_ENTRY, guestPayload, HcallSlot, Mailbox, mailboxOf, SLOT_BYTES, SLOT_REGISTERS } from './guest-payload.js';
import type { HostFacts } from './host-facts.js';
import type { Patch, Step, Value } from './instructions.js';
import type { StepAnswer } from './messages.js';
import { MAP_ANONYMOUS, MAP_POPULATE, MAP_PRIVATE, MAP_SHARED, PROT } from './mman.js';
import { encodeFor } from './structures.js';

/*
 * A guest as system calls of its monitor. The guest needs no more than memory, a processor and registers: it stays in real mode,
 * without interrupts.
 */

/** Calls of a processor, and those that make one. Source: linux/kvm.h. */
const CREATE_VCPU = { number: 0x41, direction: 'none', bytes: 0 } as const;
const RUN = { number: 0x80, direction: 'none', bytes: 0 } as const;
/** struct kvm_regs of POWER: pc, cr, ctr, lr, xer, msr, srr0, srr1, pid, sprg0–7, gpr0–31. Source: arch/powerpc/include/uapi/asm/kvm.h. */
const SET_REGS = { number: 0x82, direction: 'write', bytes: 392 } as const;
const REGS = { pc: 0, msr: 40, gpr31: 384 } as const;
/** 64-bit, machine checks, little-endian. Source: arch/powerpc/include/asm/reg.h MSR_SF, MSR_ME, MSR_LE. */
const MSR = { sf: 1n << 63n, me: 1n << 12n, le: 1n } as const;

/**
 * struct kvm_run: what KVM puts into R3 when it goes on after a hypercall that it has left to the monitor (papr_hcall.ret). KVM itself
 * never writes it. Source: linux/kvm.h.
 */
const RUN_RETURN = 40n;
/** What no hypercall answers, "MONITOR!": in R3 it says that the call was left to the monitor. */
export const HANDED = 0x4d4f_4e49_544f_5221n;

/** A call of a processor is over when its mailbox says so; until then it comes back once for each call that it leaves to us. */
const COMES_BACK = 16;

/** A processor, as later hypercalls find it. */
export interface Processor {
  readonly number: number;
  /** Its descriptor; the memory of the guest's code. */
  readonly fd: Value;
  readonly code: Value;
}

/** The position of the step that makes the processor: its answer is the operation's. */
export const MAKES_PROCESSOR = 0;
/** Of the step that maps the memory for the guest's code, where there is none yet. */
const MAPS_CODE = 1;

/**
 * Makes a processor and lets it run to where it waits for calls.
 *
 * @param code the memory of the guest's code, or the name under which to keep it where the machine has none yet
 */
export function guestSteps(host: HostFacts, vm: Value, processor: number, code: Value | string): Step[] {
  const { order, architecture } = host;
  const fd: Value = { ref: `#${MAKES_PROCESSOR}` };
  const [making, place]: [Step[], Value] = typeof code === 'string' ? [codeSteps(host, vm, code), { ref: `#${MAPS_CODE}` }] : [[], code];
  const run: Value = { ref: `#${MAPS_CODE + making.length + 2}` };
  return [
    { do: 'ioctl', fd: vm, request: kvmRequest(CREATE_VCPU, architecture), value: BigInt(processor) },
    ...making,
    { do: 'ioctl', fd, request: ioctlRequest('KVM_ENABLE_CAP', architecture), ...encodeFor(order, 'KVM_ENABLE_CAP', { cap: BigInt(KVM_CAP.PPC_PAPR) }) },
    { do: 'ioctl', fd, request: kvmRequest(SET_REGS, architecture), bytes: '00'.repeat(SET_REGS.bytes), patch: registers(host, processor) },
    // The first page of what can be mapped of a processor is its struct kvm_run.
    { do: 'mmap', length: BigInt(host.pageBytes), protection: PROT.rw, flags: MAP_SHARED, fd },
    { do: 'store', address: plus(run, RUN_RETURN), bytes: '00'.repeat(8), patch: [[0, 8, HANDED]] },
    runStep(host, { number: processor, fd, code: place }),
  ];
}

/** The guest's code in memory of its own, which is there from the beginning: a processor in real mode cannot wait for it. */
function codeSteps(host: HostFacts, vm: Value, name: string): Step[] {
  const { order, architecture } = host;
  const address: Value = { ref: `#${MAPS_CODE}` };
  const region = { slot: BigInt(GUEST_CODE.slot), guest_phys_addr: GUEST_CODE.start, memory_size: GUEST_CODE.bytes, userspace_addr: address };
  return [
    { do: 'mmap', length: GUEST_CODE.bytes, protection: PROT.rw, flags: MAP_PRIVATE + MAP_ANONYMOUS + MAP_POPULATE, as: name },
    { do: 'copy', address, bytes: guestPayload(order).toString('hex') },
    { do: 'ioctl', fd: vm, request: ioctlRequest('KVM_SET_USER_MEMORY_REGION', architecture), ...encodeFor(order, 'KVM_SET_USER_MEMORY_REGION', region) },
  ];
}

const registers = ({ order }: HostFacts, processor: number): Patch[] => [
  [REGS.pc, 8, GUEST_CODE.start + GUEST_ENTRY],
  [REGS.msr, 8, MSR.sf | MSR.me | (order === 'little' ? MSR.le : 0n)],
  [REGS.gpr31, 8, mailboxOf(processor)],
];

/** Lets a processor go on until its mailbox is carried out; `handed`: calls that it may leave to us meanwhile. */
const runStep = ({ architecture }: HostFacts, { fd, number, code }: Processor, handed = COMES_BACK): Step => ({
  do: 'ioctl',
  fd,
  request: kvmRequest(RUN, architecture),
  value: 0n,
  until: { address: plus(code, inCode(number, Mailbox.done)), value: 1n, most: handed },
});

const inCode = (processor: number, offset: number): bigint => mailboxOf(processor) - GUEST_CODE.start + BigInt(offset);

/** A hypercall, its arguments as the agent takes them. */
export interface MadeHcall extends Pick<KvmHcall, 'call' | 'repeat'> {
  readonly args: readonly Value[];
}

const ONCE: NonNullable<KvmHcall['repeat']> = { times: 1, stride: 0n };
/** Ticks of a call that was not made. */
const NEVER = (1n << 64n) - 1n;

/**
 * Hypercalls that a processor makes one after the other: the first has the steps that let it do so. The last step of each has its
 * registers afterwards, and the ticks that it took.
 */
export function hcallSteps(host: HostFacts, processor: Processor, hcalls: readonly MadeHcall[]): Step[][] {
  const { number, code } = processor;
  const times = hcalls.reduce((sum, { repeat = ONCE }) => sum + repeat.times, 0);
  const words: Patch[] = [[Mailbox.count, 8, BigInt(hcalls.length)], ...hcalls.flatMap((hcall, i) => slotWords(hcall, slotAt(i)))];
  const making: Step[] = [
    { do: 'copy', address: plus(code, inCode(number, 0)), bytes: '00'.repeat(slotAt(hcalls.length - 1) + HcallSlot.ticks + 8), patch: words },
    runStep(host, processor, times + COMES_BACK),
  ];
  return hcalls.map((_, i) => [...(i === 0 ? making : []), { do: 'load', address: plus(code, inCode(number, slotAt(i))), length: HcallSlot.ticks + 8 }]);
}

const slotAt = (index: number): number => Mailbox.slots + index * SLOT_BYTES;

const slotWords = ({ call, args, repeat: { times, stride } = ONCE }: MadeHcall, slot: number): Patch[] => [
  [slot + HcallSlot.registers, 8, BigInt(HCALLS[call])],
  ...args.map((value, i): Patch => [slot + HcallSlot.registers + 8 * (i + 1), 8, value]),
  [slot + HcallSlot.times, 8, BigInt(times)],
  [slot + HcallSlot.stride, 8, stride],
  [slot + HcallSlot.ticks, 8, NEVER],
];

/** A hypercall on what is no processor: whatever the kernel says to that. */
export const strayHcallSteps = ({ architecture }: HostFacts, fd: Value): Step[] => [{ do: 'ioctl', fd, request: kvmRequest(RUN, architecture), value: 0n }];

/** Where a result of a hypercall is in what its last step loads. */
export function hcallPlace(name: string): { readonly at: number; readonly size: 8 } | undefined {
  const register = name === 'status' ? 3 : Number(/^r([4-9]|1[0-2])$/.exec(name)?.[1] ?? 0);
  return register === 0 ? undefined : { at: HcallSlot.registers + 8 * (register - 3), size: 8 };
}

/** What the steps of a hypercall came to. */
export function observeHcall({ repeat }: KvmHcall, steps: readonly StepAnswer[], { order }: HostFacts): Observation {
  const [, result, bytes] = steps.at(-1)!;
  if (result === BigInt(-E.ETIMEDOUT)) return { kind: 'crashed', message: "the guest's processor came back again and again, its call unanswered" };
  if (result < 0n || bytes === null) return { kind: 'syscall', result };
  const buffer = Buffer.from(bytes);
  const word = (at: number): bigint => (order === 'big' ? buffer.readBigUInt64BE(at) : buffer.readBigUInt64LE(at));
  if (word(HcallSlot.ticks) === NEVER) return { kind: 'crashed', message: "the guest's processor did not come to it" };
  const [status = 0n, ...registers] = Array.from({ length: SLOT_REGISTERS }, (_, i) => word(HcallSlot.registers + 8 * i));
  const measured = repeat === undefined ? {} : { ticks: word(HcallSlot.ticks) };
  return status === HANDED ? { kind: 'handed', registers, ...measured } : { kind: 'hcall', status: BigInt.asIntN(64, status), registers, ...measured };
}

/** What a guest's processor came to: its descriptor, unless a step failed. */
export function observeGuest(steps: readonly StepAnswer[]): Observation {
  const failed = steps.find(([, result]) => result < 0n);
  return { kind: 'syscall', result: (failed ?? steps[MAKES_PROCESSOR]!)[1] };
}

const plus = (value: Value, offset: bigint): Value => (typeof value === 'bigint' ? value + offset : { ...value, plus: (value.plus ?? 0n) + offset });
