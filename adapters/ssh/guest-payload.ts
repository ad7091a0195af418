/**
 * The program that runs in a guest of the door `kvm`: it makes the hypercalls in its processor's mailbox, tells the monitor that it
 * has finished, and begins again.
 *
 * It is entered in real mode, interrupts off, in the host's byte order, with r31 = its mailbox: every address below is one of the
 * guest, in the memory slot `GUEST_CODE`.
 *
 * | register | holds |
 * |---|---|
 * | r3–r12 | those of the hypercall |
 * | r24 | scratch |
 * | r25 | R5 of the next time a call is made |
 * | r26 | how often it is still to be made |
 * | r27 | timebase before the first time |
 * | r29, r30 | slots that are left, the slot in execution |
 * | r31 | mailbox |
 */

import { GUEST_CODE } from '../../reference/uapi/kvm.js';
import { Assembler, Spr } from '../ppc64-assembler.js';
import type { ByteOrder } from './instructions.js';

/** Where the program begins. */
export const GUEST_ENTRY = 0x1000n;
const CODE_BYTES = 0x1200;

/** The mailboxes, one for each processor. */
const MAILBOXES = 0x4000n;
const MAILBOX_BYTES = 0x2000n;

/** The mailbox of a processor, as an address of the guest. */
export const mailboxOf = (processor: number): bigint => GUEST_CODE.start + MAILBOXES + BigInt(processor) * MAILBOX_BYTES;

/** Offsets in a mailbox; all that is in it are doublewords in the host's order. */
export const Mailbox = {
  /** Slots to be carried out. */
  count: 0x00,
  /** 0 before; the guest writes 1 when it has carried them out. */
  done: 0x08,
  slots: 0x10,
} as const;

/** Offsets in a slot. */
export const HcallSlot = {
  /** R3 to R12: the hypercall's number and arguments; afterwards, what it left there. */
  registers: 0x00,
  /** How often the call is made, from 1 on; its registers each time as they were given, but for R5. */
  times: 0x50,
  /** What is added to R5 from one time to the next. */
  stride: 0x58,
  /** Afterwards: ticks of the timebase that it took. */
  ticks: 0x60,
} as const;

export const SLOT_BYTES = 0x80;
/** R3 to R12. */
export const SLOT_REGISTERS = 10;
/** Slots of a mailbox. */
export const MOST_SLOTS = Math.floor((Number(MAILBOX_BYTES) - Mailbox.slots) / SLOT_BYTES);

/**
 * Hypercall by which the guest tells that it has finished. KVM has none of that number, and leaves it to the monitor.
 * Source: arch/powerpc/include/uapi/asm/kvm_para.h, KVMPPC_HCALL_BASE 0xf000: numbers for monitors, of which 6 are taken.
 */
const FINISHED = 0xf7fc;

/** Assembles the payload: to be put at the beginning of `GUEST_CODE`. */
export function guestPayload(order: ByteOrder): Buffer {
  const a = new Assembler(CODE_BYTES, order);
  a.org(Number(GUEST_ENTRY)).label('start');
  a.ld(29, Mailbox.count, 31).addi(30, 31, Mailbox.slots);
  a.label('slot').cmpldi(29, 0).bc('eq', 'finish');
  emitCalls(a);
  a.addi(30, 30, SLOT_BYTES).addi(29, 29, -1).b('slot');
  a.label('finish').li(24, 1).sync().std(24, Mailbox.done, 31);
  a.li(3, 0).ori(3, 3, FINISHED).hypercall().b('start');
  return a.assemble();
}

function emitCalls(a: Assembler): void {
  a.ld(26, HcallSlot.times, 30).ld(25, HcallSlot.registers + 0x10, 30).mfspr(27, Spr.timebase);
  a.label('again');
  forRegisters((register, offset) => a.ld(register, offset, 30));
  a.mr(5, 25).hypercall();
  a.ld(24, HcallSlot.stride, 30).add(25, 25, 24).addi(26, 26, -1).cmpldi(26, 0).bc('ne', 'again');
  forRegisters((register, offset) => a.std(register, offset, 30));
  a.mfspr(24, Spr.timebase).subf(24, 27, 24).std(24, HcallSlot.ticks, 30);
}

function forRegisters(visit: (register: number, offset: number) => void): void {
  for (let i = 0; i < SLOT_REGISTERS; i++) visit(3 + i, HcallSlot.registers + 8 * i);
}
