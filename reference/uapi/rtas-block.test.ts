import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  decodeIoaBusError64,
  decodeRtasBlock,
  encodeIoaBusError64,
  encodeRtasBlock,
  rtasRequest,
} from './rtas-block.js';
import { rtasStatus } from './rtas.js';

const bytes = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
const zeros = (count: number): string => '00000000 '.repeat(count);
const BUID = [0x0800_0000, 0x2000_0000] as const;
/** As the vectors print it: the form of QEMU; LoPAR has 00 in the register field of a PE's address. */
const PE = 0x0001_0001;
const DEVICE = 0x0001_0000;
const MINUS_3 = 0xffff_fffd;

describe('RTAS argument blocks', () => {
  test.each([
    [51, 'query with 6 outputs', 0x2026, [0, ...BUID], 6, '00002026 00000003 00000006 00000000 08000000 20000000'],
    [52, 'query with 5 outputs', 0x2026, [0, ...BUID], 5, '00002026 00000003 00000005 00000000 08000000 20000000'],
    [53, 'query with 4 outputs', 0x2026, [0, ...BUID], 4, '00002026 00000003 00000004 00000000 08000000 20000000'],
    [54, 'create 64 GiB of 64K', 0x2027, [0, ...BUID, 16, 36], 4, '00002027 00000005 00000004 00000000 08000000 20000000 00000010 00000024'],
    [55, 'remove', 0x2028, [0x8000_0001], 1, '00002028 00000001 00000001 80000001'],
    [56, 'reset', 0x2029, [0, ...BUID], 1, '00002029 00000003 00000001 00000000 08000000 20000000'],
    [57, 'reset for limited addressing', 0x2029, [0, ...BUID, 1], 1, '00002029 00000004 00000001 00000000 08000000 20000000 00000001'],
    [58, 'set-eeh-option enable', 0x2020, [PE, ...BUID, 1], 1, '00002020 00000004 00000001 00010001 08000000 20000000 00000001'],
    [59, 'read-slot-reset-state2', 0x2022, [PE, ...BUID], 4, '00002022 00000003 00000004 00010001 08000000 20000000'],
    [60, 'set-slot-reset hot', 0x2023, [PE, ...BUID, 1], 1, '00002023 00000004 00000001 00010001 08000000 20000000 00000001'],
    [61, 'configure-pe', 0x2024, [PE, ...BUID], 1, '00002024 00000003 00000001 00010001 08000000 20000000'],
    [62, 'get-config-addr-info2', 0x2021, [DEVICE, ...BUID, 0], 2, '00002021 00000004 00000002 00010000 08000000 20000000 00000000'],
    [63, 'slot-error-detail', 0x2025, [PE, ...BUID, 0x1000, 0x100, 0x2000, 0x800, 1], 1, '00002025 00000008 00000001 00010001 08000000 20000000 00001000 00000100 00002000 00000800 00000001'],
  ])('vector %i: %s', (_vector, _name, token, args, nret, hex) => {
    const request = rtasRequest(token, args, nret);
    expect(encodeRtasBlock(request)).toEqual(bytes(hex + zeros(nret)));
    expect(decodeRtasBlock(bytes(hex + zeros(nret)))).toEqual({ ok: true, value: request });
  });

  test.each([
    [51, '00002026 00000003 00000006 00000000 08000000 20000000', '00000000 00000001 00000020 00000000 00000107 00000000', [0, 1, 0x20, 0, 0x107, 0]],
    [52, '00002026 00000003 00000005 00000000 08000000 20000000', '00000000 00000001 80000000 00000107 00000000', [0, 1, 0x8000_0000, 0x107, 0]],
    [53, '00002026 00000003 00000004 00000000 08000000 20000000', 'fffffffd 00000000 00000000 00000000', [MINUS_3, 0, 0, 0]],
    [54, '00002027 00000005 00000004 00000000 08000000 20000000 00000010 00000024', '00000000 80000001 08000000 00000000', [0, 0x8000_0001, 0x0800_0000, 0]],
    [55, '00002028 00000001 00000001 80000001', 'fffffffd', [MINUS_3]],
    [57, '00002029 00000004 00000001 00000000 08000000 20000000 00000001', 'fffffffd', [MINUS_3]],
  ])('vector %i: the results after the call', (_vector, request, results, rets) => {
    const block = decodeRtasBlock(bytes(request + results));
    expect(block).toMatchObject({ ok: true, value: { rets } });
    expect(rtasStatus(rets[0] ?? 0)).toBe(rets[0] === MINUS_3 ? -3 : 0);
  });

  test.each([
    ['no nret', '00002026 00000003', 'expected token, nargs and nret, saw 2 cells'],
    ['room for too few results', '00002028 00000001 00000001 80000001', 'expected 1 arguments and 1 results, saw 1 cells'],
    ['half a cell', '0000', 'expected whole 4-byte cells, saw 2 bytes'],
  ])('a block with %s is none', (_name, hex, problem) => {
    expect(decodeRtasBlock(bytes(hex))).toEqual({ ok: false, problem });
  });

  test('any block comes back, whatever lies behind it', () => {
    const cell = fc.integer({ min: 0, max: 0xffff_ffff });
    const cells = fc.array(cell, { maxLength: 16 });
    fc.assert(
      fc.property(cell, cells, cells, cells, (token, args, rets, behind) => {
        const memory = Buffer.concat([encodeRtasBlock({ token, args, rets }), Buffer.alloc(behind.length * 4, 0xee)]);
        expect(decodeRtasBlock(memory)).toEqual({ ok: true, value: { token, args, rets } });
      }),
    );
  });
});

describe('work buffer of ibm,errinjct', () => {
  const hex = '00000000 c0000000 ffffffff ffff0000 00010000 08000000 20000000 00000000';
  const loadMemoryAddress = {
    address: 0xc000_0000n,
    mask: 0xffff_ffff_ffff_0000n,
    configAddress: DEVICE,
    buid: 0x0800_0000_2000_0000n,
    what: 0,
  };

  test('vector 64: an error on loads from a bus address', () => {
    expect(encodeIoaBusError64(loadMemoryAddress)).toEqual(bytes(hex));
    expect(decodeIoaBusError64(bytes(hex))).toEqual({ ok: true, value: loadMemoryAddress });
    expect(decodeIoaBusError64(bytes(hex + zeros(248)))).toEqual({ ok: true, value: loadMemoryAddress });
  });

  test('a buffer that is too short is none', () => {
    expect(decodeIoaBusError64(bytes(hex).subarray(0, 28))).toEqual({ ok: false, problem: 'expected 32 bytes, saw 28' });
  });
});
