/**
 * The program that runs in the bare guest: it executes the slots posted in the mailbox.
 *
 * QEMU loads it at 0 with `-bios` and enters it at 0x100 in real mode, interrupts off, r3 = device tree.
 * Real mode means that every address below is a guest physical address.
 *
 * | register | holds |
 * |---|---|
 * | r0, r20–r23 | scratch, and r3–r12 between hypercalls |
 * | r19 | last seen `Header.alive` |
 * | r24, r25 | scratch of the interrupt handlers alone |
 * | r27, r29 | index of the slot in execution, number of slots |
 * | r28 | number of the last request carried out |
 * | r30 | address of the slot in execution |
 * | r31 | address of the header |
 */

import { Assembler, Spr } from '../ppc64-assembler.js';
import { Header, PAYLOAD_END, READY_MAGIC, SLOT_BYTES, SlotKind, SlotState, type Layout } from './layout.js';
import { CopyBytesSlot, CopySlot, DELAY_INSTRUCTIONS, HcallSlot, PollSlot, registerOffset, SkipSlot, Slot } from './slot-format.js';

/** LoPAR 14.11.1.1: hypercall that gives the processor back until an interrupt. */
const H_CEDE = 0xe0;
/** QEMU `KVMPPC_H_RTAS`: r4 = address of an RTAS argument block. */
const H_RTAS = 0xf000;

const ENTRY = 0x100;
const CODE = 0x1000;
const MSR_EE = 0x8000;

/** Interrupts that may come while ceded: external, decrementer, hypervisor decrementer, doorbells. */
const ASYNCHRONOUS_VECTORS = [0x500, 0x900, 0x980, 0xa00, 0xe80, 0xea0];
/** Interrupts caused by an instruction of the payload, hence by a slot with an address it cannot reach. */
const SYNCHRONOUS_VECTORS = [
  0x200, 0x300, 0x380, 0x400, 0x480, 0x600, 0x700, 0x800, 0xc00, 0xd00, 0xe00, 0xe20, 0xe40, 0xe60, 0xf00, 0xf20, 0xf40,
  0xf60, 0xf80,
];

/** Assembles the payload for a layout: PAYLOAD_END bytes, to be loaded at 0. */
export function buildPayload(layout: Layout): Buffer {
  const a = new Assembler(PAYLOAD_END);
  const vectors = [...ASYNCHRONOUS_VECTORS, ...SYNCHRONOUS_VECTORS, ENTRY].sort((x, y) => x - y);
  for (const vector of vectors) {
    a.org(vector);
    if (vector === ENTRY) a.b('start');
    else if (ASYNCHRONOUS_VECTORS.includes(vector)) a.b('interrupt');
    else a.li(24, vector).b('fault');
  }
  a.org(CODE);
  emitStart(a, layout);
  emitIdle(a);
  emitPark(a);
  emitBatch(a, layout);
  emitHcall(a);
  emitPoll(a);
  emitCopy(a);
  emitCopyBytes(a);
  emitSkip(a);
  emitSubroutines(a);
  emitInterruptHandlers(a);
  return a.assemble();
}

/** A request posted before a reset must not be carried out after it, so r28 starts with the number found. */
function emitStart(a: Assembler, layout: Layout): void {
  a.label('start').li64(31, BigInt(layout.header));
  a.std(3, Header.deviceTree, 31);
  a.ld(4, Header.boots, 31).addi(4, 4, 1).std(4, Header.boots, 31);
  a.ld(28, Header.request, 31).li(19, 0);
  a.li64(4, READY_MAGIC).sync().std(4, Header.ready, 31);
}

/** Polls for a while; then cedes for longer and longer, by an eighth each time, so that an answer is late by an eighth of the idle time at most. */
function emitIdle(a: Assembler): void {
  a.label('idle').ld(21, Header.cedeFirst, 31).mfspr(22, Spr.timebase);
  a.ld(20, Header.spins, 31).mtspr(Spr.ctr, 20);
  a.label('idle-spin').ld(4, Header.request, 31).cmpld(4, 28).bc('ne', 'batch').bdnz('idle-spin');
  a.label('idle-cede').ld(5, Header.park, 31).cmpldi(5, 0).bc('ne', 'park').bl('cede');
  a.ld(4, Header.request, 31).cmpld(4, 28).bc('ne', 'batch');
  a.srdi(5, 21, 3).add(21, 21, 5).ld(5, Header.cedeMax, 31).cmpld(21, 5).bc('le', 'idle-orphan').mr(21, 5);
  a.label('idle-orphan').ld(5, Header.alive, 31).cmpld(5, 19).bc('eq', 'idle-limit');
  a.mr(19, 5).mfspr(22, Spr.timebase);
  a.label('idle-limit').ld(6, Header.orphanTicks, 31).cmpldi(6, 0).bc('eq', 'idle-cede');
  a.mfspr(5, Spr.timebase).subf(5, 22, 5).cmpld(5, 6).bc('le', 'idle-cede');
  a.addi(4, 31, Header.powerOff).li(3, 0).ori(3, 3, H_RTAS).hypercall().b('idle-cede');
}

/**
 * Waits to be stopped. Under `-icount` a stopped QEMU still wakes whenever the next decrementer interrupt
 * would be due (seen on 7.2), so that must be far away: 2^31 ticks are 4 s.
 */
function emitPark(a: Assembler): void {
  a.label('park').li64(4, 0x7fff_ffffn).mtspr(Spr.dec, 4).li(4, 1).std(4, Header.parked, 31);
  a.label('parked').ld(4, Header.request, 31).cmpld(4, 28).bc('ne', 'unpark');
  a.ld(5, Header.park, 31).cmpldi(5, 0).bc('ne', 'parked');
  a.label('unpark').li(5, 0).std(5, Header.parked, 31).b('idle');
}

function emitBatch(a: Assembler, layout: Layout): void {
  a.label('batch').mr(28, 4).sync();
  a.ld(29, Header.count, 31).li(27, 0).li64(30, BigInt(layout.slots));
  a.label('slot').cmpld(27, 29).bc('ge', 'finish').std(27, Header.progress, 31);
  a.lwz(20, Slot.kind, 30).cmpldi(20, SlotKind.hcall).bc('eq', 'hcall');
  a.cmpldi(20, SlotKind.copy).bc('eq', 'copy');
  a.cmpldi(20, SlotKind.copyBytes).bc('eq', 'copy-bytes');
  a.cmpldi(20, SlotKind.poll).bc('eq', 'poll');
  a.cmpldi(20, SlotKind.skip).bc('eq', 'skip');
  a.li(20, SlotState.done).stw(20, Slot.state, 30).b('finish');
  a.label('next').li(20, SlotState.done).stw(20, Slot.state, 30);
  a.label('advance').addi(30, 30, SLOT_BYTES).addi(27, 27, 1).b('slot');
  a.label('finish').sync().std(28, Header.done, 31).b('idle');
}

function forRegisters(visit: (register: number, offset: number) => void): void {
  for (let register = 3; register < 3 + HcallSlot.registerCount; register++) visit(register, registerOffset(register));
}

function emitHcall(a: Assembler): void {
  a.label('hcall');
  forRegisters((register, offset) => a.ld(register, offset, 30));
  a.hypercall();
  forRegisters((register, offset) => a.std(register, offset, 30));
  a.b('next');
}

function emitPoll(a: Assembler): void {
  a.label('poll').ld(23, PollSlot.tries, 30);
  a.label('poll-try');
  forRegisters((register, offset) => a.ld(register, offset, 30));
  a.hypercall().li(20, SlotState.done).addi(23, 23, -1);
  a.cmpldi(3, 0).bc('ne', 'poll-end');
  a.ld(21, PollSlot.mask, 30).and(21, 21, 4).ld(22, PollSlot.value, 30).cmpld(21, 22).bc('eq', 'poll-end');
  a.li(20, SlotState.pollExhausted).cmpldi(23, 0).bc('eq', 'poll-end');
  a.ld(21, PollSlot.spins, 30).cmpldi(21, 0).bc('eq', 'poll-cede').mtspr(Spr.ctr, 21);
  a.label('poll-delay');
  for (let i = 1; i < DELAY_INSTRUCTIONS; i++) a.nop();
  a.bdnz('poll-delay');
  a.label('poll-cede').ld(21, PollSlot.cedeTicks, 30).cmpldi(21, 0).bc('eq', 'poll-try');
  a.bl('cede').b('poll-try');
  a.label('poll-end').stw(20, Slot.state, 30).std(23, PollSlot.tries, 30);
  forRegisters((register, offset) => a.std(register, offset, 30));
  a.b('advance');
}

function emitCopy(a: Assembler): void {
  a.label('copy').ld(4, CopySlot.source, 30).ld(5, CopySlot.sourceSize, 30).bl('load');
  a.ld(4, CopySlot.high, 30).cmpldi(4, 0).bc('eq', 'copy-transform');
  a.lwz(4, 0, 4).sldi(4, 4, 32).or(3, 3, 4);
  a.label('copy-transform').ld(4, CopySlot.shift, 30).srd(3, 3, 4);
  a.ld(4, CopySlot.mask, 30).and(3, 3, 4).ld(4, CopySlot.addend, 30).add(3, 3, 4);
  a.std(3, CopySlot.result, 30).ld(4, CopySlot.destination, 30);
  a.ld(5, CopySlot.destinationSize, 30).cmpldi(5, 4).bc('eq', 'copy-word').std(3, 0, 4).b('next');
  a.label('copy-word').stw(3, 0, 4).b('next');
}

function emitCopyBytes(a: Assembler): void {
  a.label('copy-bytes').ld(4, CopyBytesSlot.source, 30).ld(5, CopyBytesSlot.destination, 30);
  a.ld(6, CopyBytesSlot.count, 30).srdi(7, 6, 3).cmpldi(7, 0).bc('eq', 'copy-tail').mtspr(Spr.ctr, 7);
  a.label('copy-doubleword').ld(8, 0, 4).std(8, 0, 5).addi(4, 4, 8).addi(5, 5, 8).bdnz('copy-doubleword');
  a.label('copy-tail').sldi(7, 7, 3).subf(6, 7, 6).cmpldi(6, 0).bc('eq', 'next').mtspr(Spr.ctr, 6);
  a.label('copy-byte').lbz(8, 0, 4).stb(8, 0, 5).addi(4, 4, 1).addi(5, 5, 1).bdnz('copy-byte');
  a.b('next');
}

function emitSkip(a: Assembler): void {
  a.label('skip').ld(4, SkipSlot.source, 30).ld(5, SkipSlot.sourceSize, 30).bl('load');
  a.ld(4, SkipSlot.mask, 30).and(3, 3, 4).ld(4, SkipSlot.expected, 30).ld(5, SkipSlot.whenEqual, 30);
  a.cmpld(3, 4).bc('eq', 'skip-equal').cmpldi(5, 0).bc('eq', 'skip-over').b('next');
  a.label('skip-equal').cmpldi(5, 0).bc('eq', 'next');
  a.label('skip-over').li(20, SlotState.done).stw(20, Slot.state, 30);
  a.ld(4, SkipSlot.count, 30).add(27, 27, 4).sldi(4, 4, Math.log2(SLOT_BYTES)).add(30, 30, 4).b('advance');
}

function emitSubroutines(a: Assembler): void {
  a.label('load').cmpldi(5, 4).bc('eq', 'load-word').ld(3, 0, 4).blr();
  a.label('load-word').lwz(3, 0, 4).blr();
  // QEMU leaves MSR[EE] on after H_CEDE; the payload otherwise runs with interrupts off.
  a.label('cede').mtspr(Spr.dec, 21).li(3, H_CEDE).hypercall().li(0, 0).ori(0, 0, 2).mtmsrEe(0).blr();
}

/** An asynchronous interrupt only ends a cede; a synchronous one becomes the state of its slot. */
function emitInterruptHandlers(a: Assembler): void {
  a.label('interrupt').li64(24, 0x7fff_ffffn).mtspr(Spr.dec, 24);
  a.mfspr(24, Spr.srr1).li(25, 0).ori(25, 25, MSR_EE).andc(24, 24, 25).mtspr(Spr.srr1, 24).rfid();
  a.label('fault').stw(24, Slot.state, 30);
  a.mfspr(24, Spr.srr0).std(24, Header.faultPc, 31).mfspr(24, Spr.dar).std(24, Header.faultAddress, 31);
  a.b('advance');
}
