/**
 * An assembler for the few 64-bit PowerPC instructions that payloads of bare guests use: flat, with labels.
 *
 * Encodings follow the Power ISA 3.0B, Book I and III; each method is named after its mnemonic.
 */

import { doubleword, register, signed16, unsigned16 } from './ppc64-operands.js';

/** Special purpose registers by number (Power ISA 3.0B, Book III, section 4.4.4). */
export const Spr = { ctr: 9, dar: 19, dec: 22, srr0: 26, srr1: 27, timebase: 268 } as const;

/** Bit of condition field 0 and the wanted value, as BO and BI of `bc`. */
const CONDITIONS = {
  lt: [12, 0],
  gt: [12, 1],
  eq: [12, 2],
  ge: [4, 0],
  le: [4, 1],
  ne: [4, 2],
} as const;

/** A condition of a branch on CR0. */
export type Condition = keyof typeof CONDITIONS;

interface Fixup {
  readonly at: number;
  readonly label: string;
  /** Mask of the displacement field: 26 bits for `b`, 16 for `bc`. */
  readonly field: number;
}

export class Assembler {
  readonly #image: Buffer;
  readonly #labels = new Map<string, number>();
  readonly #fixups: Fixup[] = [];
  #at = 0;

  /**
   * @param size bytes of the image, from address 0; unused bytes are zero
   * @param order of the bytes of an instruction
   */
  constructor(
    size: number,
    readonly order: 'big' | 'little' = 'big',
  ) {
    this.#image = Buffer.alloc(size);
  }

  /** Continues at an address at or above the present one. */
  org(address: number): this {
    if (address < this.#at || address % 4 !== 0) {
      throw new RangeError(`org must be a word address from 0x${this.#at.toString(16)}, not 0x${address.toString(16)}`);
    }
    this.#at = address;
    return this;
  }

  label(name: string): this {
    if (this.#labels.has(name)) throw new Error(`label ${name} is defined twice`);
    this.#labels.set(name, this.#at);
    return this;
  }

  /** Emits one instruction word as it is. */
  word(value: number): this {
    this.#at = this.#image.writeUInt32BE(value >>> 0, this.#at);
    return this;
  }

  #dForm(opcode: number, rt: number, ra: number, immediate: number): this {
    return this.word((opcode << 26) | (register(rt) << 21) | (register(ra) << 16) | immediate);
  }

  #xForm(rt: number, ra: number, rb: number, extended: number): this {
    return this.word((31 << 26) | (register(rt) << 21) | (register(ra) << 16) | (register(rb) << 11) | (extended << 1));
  }

  addi(rt: number, ra: number, value: number): this {
    return this.#dForm(14, rt, ra, signed16(value));
  }

  li(rt: number, value: number): this {
    return this.addi(rt, 0, value);
  }

  /** Loads any 64-bit constant, in five instructions. */
  li64(rt: number, value: bigint): this {
    const half = (shift: bigint): number => Number((value >> shift) & 0xffffn);
    return this.#dForm(15, rt, 0, half(48n))
      .ori(rt, rt, half(32n))
      .sldi(rt, rt, 32)
      .#dForm(25, rt, rt, half(16n))
      .ori(rt, rt, half(0n));
  }

  ori(ra: number, rs: number, value: number): this {
    return this.#dForm(24, rs, ra, unsigned16(value));
  }

  nop(): this {
    return this.ori(0, 0, 0);
  }

  mr(ra: number, rs: number): this {
    return this.or(ra, rs, rs);
  }

  add(rt: number, ra: number, rb: number): this {
    return this.#xForm(rt, ra, rb, 266);
  }

  /** rt = rb - ra */
  subf(rt: number, ra: number, rb: number): this {
    return this.#xForm(rt, ra, rb, 40);
  }

  and(ra: number, rs: number, rb: number): this {
    return this.#xForm(rs, ra, rb, 28);
  }

  /** ra = rs & ~rb */
  andc(ra: number, rs: number, rb: number): this {
    return this.#xForm(rs, ra, rb, 60);
  }

  or(ra: number, rs: number, rb: number): this {
    return this.#xForm(rs, ra, rb, 444);
  }

  /** Shift right by the low 7 bits of rb; 64 and more give 0. */
  srd(ra: number, rs: number, rb: number): this {
    return this.#xForm(rs, ra, rb, 539);
  }

  /** Shift left by a constant of 0 to 63 bits (rldicr). */
  sldi(ra: number, rs: number, bits: number): this {
    return this.#mdForm(rs, ra, bits, 63 - bits, 1);
  }

  /** Shift right by a constant of 1 to 63 bits (rldicl). */
  srdi(ra: number, rs: number, bits: number): this {
    return this.#mdForm(rs, ra, 64 - bits, bits, 0);
  }

  #mdForm(rs: number, ra: number, shift: number, mask: number, extended: number): this {
    const shiftField = ((shift & 31) << 11) | ((shift >> 5) << 1);
    const maskField = ((mask & 31) << 6) | ((mask >> 5) << 5);
    return this.word((30 << 26) | (register(rs) << 21) | (register(ra) << 16) | shiftField | maskField | (extended << 2));
  }

  lbz(rt: number, offset: number, ra: number): this {
    return this.#dForm(34, rt, ra, signed16(offset));
  }

  stb(rs: number, offset: number, ra: number): this {
    return this.#dForm(38, rs, ra, signed16(offset));
  }

  lwz(rt: number, offset: number, ra: number): this {
    return this.#dForm(32, rt, ra, signed16(offset));
  }

  stw(rs: number, offset: number, ra: number): this {
    return this.#dForm(36, rs, ra, signed16(offset));
  }

  ld(rt: number, offset: number, ra: number): this {
    return this.#dForm(58, rt, ra, doubleword(offset));
  }

  std(rs: number, offset: number, ra: number): this {
    return this.#dForm(62, rs, ra, doubleword(offset));
  }

  /** 64-bit unsigned comparison into CR0. */
  cmpld(ra: number, rb: number): this {
    return this.#xForm(1, ra, rb, 32);
  }

  cmpldi(ra: number, value: number): this {
    return this.#dForm(10, 1, ra, unsigned16(value));
  }

  b(label: string): this {
    return this.#branch(18 << 26, label, 0x03ff_fffc);
  }

  bl(label: string): this {
    return this.#branch((18 << 26) | 1, label, 0x03ff_fffc);
  }

  bc(condition: Condition, label: string): this {
    const [bo, bi] = CONDITIONS[condition];
    return this.#branch((16 << 26) | (bo << 21) | (bi << 16), label, 0xfffc);
  }

  /** Decrements CTR and branches while it is not zero. */
  bdnz(label: string): this {
    return this.#branch((16 << 26) | (16 << 21), label, 0xfffc);
  }

  #branch(word: number, label: string, field: number): this {
    this.#fixups.push({ at: this.#at, label, field });
    return this.word(word);
  }

  blr(): this {
    return this.word(0x4e80_0020);
  }

  rfid(): this {
    return this.word(0x4c00_0024);
  }

  sync(): this {
    return this.word(0x7c00_04ac);
  }

  /** System call to the hypervisor: `sc 1`. */
  hypercall(): this {
    return this.word(0x4400_0022);
  }

  mfspr(rt: number, spr: number): this {
    return this.#xForm(rt, spr & 31, spr >> 5, 339);
  }

  mtspr(spr: number, rs: number): this {
    return this.#xForm(rs, spr & 31, spr >> 5, 467);
  }

  /** `mtmsrd rs,1`: sets only MSR[EE] and MSR[RI]. */
  mtmsrEe(rs: number): this {
    return this.#xForm(rs, 1, 0, 178);
  }

  /** Resolves the labels and returns the image. */
  assemble(): Buffer {
    for (const { at, label, field } of this.#fixups) {
      const target = this.#labels.get(label);
      if (target === undefined) throw new Error(`label ${label} is not defined`);
      const distance = target - at;
      const reach = (field + 4) / 2;
      if (distance < -reach || distance >= reach) throw new Error(`label ${label} is too far from 0x${at.toString(16)}`);
      this.#image.writeUInt32BE((this.#image.readUInt32BE(at) | (distance & field)) >>> 0, at);
    }
    return this.order === 'big' ? this.#image : Buffer.from(this.#image).swap32();
  }
}
