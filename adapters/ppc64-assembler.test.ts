import { describe, expect, it } from '@jest/globals';

import { Assembler, Spr } from './ppc64-assembler.js';

/** The words of a program that starts at 0, in hexadecimal. */
function words(write: (a: Assembler) => void, count = 1): string[] {
  const a = new Assembler(4 * count);
  write(a);
  const image = a.assemble();
  return Array.from({ length: count }, (_, i) => image.readUInt32BE(4 * i).toString(16).padStart(8, '0'));
}

describe('an instruction is encoded as GNU as (powerpc64-linux-gnu, 2.40) encodes it', () => {
  it.each<[string, (a: Assembler) => void, string]>([
    ['addi r4,r4,1', (a) => a.addi(4, 4, 1), '38840001'],
    ['addi r23,r23,-1', (a) => a.addi(23, 23, -1), '3af7ffff'],
    ['ori r3,r3,0xf000', (a) => a.ori(3, 3, 0xf000), '6063f000'],
    ['nop', (a) => a.nop(), '60000000'],
    ['mr r28,r4', (a) => a.mr(28, 4), '7c9c2378'],
    ['add r21,r21,r5', (a) => a.add(21, 21, 5), '7eb52a14'],
    ['subf r6,r7,r6', (a) => a.subf(6, 7, 6), '7cc73050'],
    ['and r21,r21,r4', (a) => a.and(21, 21, 4), '7eb52038'],
    ['andc r24,r24,r25', (a) => a.andc(24, 24, 25), '7f18c878'],
    ['or r3,r3,r4', (a) => a.or(3, 3, 4), '7c632378'],
    ['srd r3,r3,r4', (a) => a.srd(3, 3, 4), '7c632436'],
    ['sldi r4,r4,32', (a) => a.sldi(4, 4, 32), '788407c6'],
    ['sldi r4,r4,7', (a) => a.sldi(4, 4, 7), '78843e24'],
    ['srdi r7,r6,3', (a) => a.srdi(7, 6, 3), '78c7e8c2'],
    ['srdi r7,r6,32', (a) => a.srdi(7, 6, 32), '78c70022'],
    ['lbz r8,0(r4)', (a) => a.lbz(8, 0, 4), '89040000'],
    ['stb r8,-1(r5)', (a) => a.stb(8, -1, 5), '9905ffff'],
    ['lwz r20,0(r30)', (a) => a.lwz(20, 0, 30), '829e0000'],
    ['stw r20,4(r30)', (a) => a.stw(20, 4, 30), '929e0004'],
    ['ld r3,8(r30)', (a) => a.ld(3, 8, 30), 'e87e0008'],
    ['std r3,-8(r30)', (a) => a.std(3, -8, 30), 'f87efff8'],
    ['cmpld r27,r29', (a) => a.cmpld(27, 29), '7c3be840'],
    ['cmpldi r20,1', (a) => a.cmpldi(20, 1), '28340001'],
    ['mftb r22', (a) => a.mfspr(22, Spr.timebase), '7ecc42a6'],
    ['mtdec r21', (a) => a.mtspr(Spr.dec, 21), '7eb603a6'],
    ['mtctr r20', (a) => a.mtspr(Spr.ctr, 20), '7e8903a6'],
    ['mfsrr1 r24', (a) => a.mfspr(24, Spr.srr1), '7f1b02a6'],
    ['mtsrr0 r24', (a) => a.mtspr(Spr.srr0, 24), '7f1a03a6'],
    ['mfdar r24', (a) => a.mfspr(24, Spr.dar), '7f1302a6'],
    ['mtmsrd r0,1', (a) => a.mtmsrEe(0), '7c010164'],
    ['sc 1', (a) => a.hypercall(), '44000022'],
    ['rfid', (a) => a.rfid(), '4c000024'],
    ['sync', (a) => a.sync(), '7c0004ac'],
    ['blr', (a) => a.blr(), '4e800020'],
  ])('%s', (_, write, expected) => {
    expect(words(write)).toEqual([expected]);
  });

  it('a 64-bit constant takes lis, ori, sldi, oris, ori', () => {
    expect(words((a) => a.li64(31, 0x8123_4567_89ab_cdefn), 5)).toEqual(['3fe08123', '63ff4567', '7bff07c6', '67ff89ab', '63ffcdef']);
  });
});

describe('a branch', () => {
  it('reaches labels before and after it, and itself', () => {
    const write = (a: Assembler): void => {
      a.label('x').b('x').b('y').bl('x').bc('eq', 'y').label('y').bc('ne', 'x').bc('lt', 'x').bc('ge', 'x').bdnz('x');
      a.bc('gt', 'x').bc('le', 'x');
    };
    const expected = ['48000000', '4800000c', '4bfffff9', '41820004', '4082fff0', '4180ffec', '4080ffe8', '4200ffe4', '4181ffe0'];
    expect(words(write, 10)).toEqual([...expected, '4081ffdc']);
  });

  it('to a label that nobody defines is an error', () => {
    expect(() => words((a) => a.b('nowhere'))).toThrow('label nowhere is not defined');
  });

  it('beyond the reach of its displacement is an error', () => {
    const far = new Assembler(0x9000).bc('eq', 'far').org(0x8000).label('far');
    expect(() => far.assemble()).toThrow('label far is too far from 0x0');
  });
});

describe('the assembler refuses', () => {
  it.each<[string, (a: Assembler) => void, string]>([
    ['an immediate that does not fit', (a) => a.li(3, 0x8000), 'signed immediate must be -32768 to 32767, not 32768'],
    ['a register that does not exist', (a) => a.li(32, 0), 'register must be 0 to 31, not 32'],
    ['a doubleword offset that is not a multiple of 4', (a) => a.ld(3, 6, 4), 'doubleword offset must be a multiple of 4, not 6'],
    ['a label defined twice', (a) => a.label('x').label('x'), 'label x is defined twice'],
    ['to go back', (a) => a.nop().org(0), 'org must be a word address from 0x4, not 0x0'],
  ])('%s', (_, write, message) => {
    expect(() => words(write)).toThrow(message);
  });
});
