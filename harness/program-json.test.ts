import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { MODEL_MACHINE } from '../adapters/model/machines.js';
import { iommufdPrograms } from './explore/iommufd-programs.js';
import { programs } from './explore/programs.js';
import { NotAProgram, programFromJson, programToJson, stringify } from '../reference/doors/json.js';

describe('a program as JSON', () => {
  it('comes back as it was', () => {
    fc.assert(
      fc.property(programs(MODEL_MACHINE, 20), (program) => {
        expect(programFromJson(JSON.parse(stringify(programToJson(program))))).toEqual(program);
      }),
      { numRuns: 50 },
    );
  });

  it('comes back as it was at the doors of a kernel', () => {
    fc.assert(
      fc.property(iommufdPrograms(20), (program) => {
        expect(programFromJson(JSON.parse(stringify(programToJson(program))))).toEqual(program);
      }),
      { numRuns: 30 },
    );
  });

  it.each([
    [{}, 'schema'],
    [{ schema: 'papr-conformance/program/1', operations: [{ door: 'papr', op: 'hcall', call: 'H_NOTHING', args: [] }] }, 'operations.0'],
    [{ schema: 'papr-conformance/program/1', operations: [{ door: 'papr', op: 'hcall', call: 'H_GET_TCE', args: [12] }] }, 'operations.0'],
    [{ schema: 'papr-conformance/program/1', operations: [{ door: 'memory', op: 'load', address: '0x0', length: 0 }] }, 'operations.0'],
  ])('says where %j is none', (value, where) => {
    expect(() => programFromJson(value)).toThrow(NotAProgram);
    expect(() => programFromJson(value)).toThrow(where);
  });

  it('writes 64-bit values as hexadecimal strings, negative ones with a sign', () => {
    expect(stringify({ a: 0x10n, b: -1n, c: Uint8Array.of(1, 255) }, 0)).toBe('{"a":"0x10","b":"-0x1","c":"01ff"}');
  });
});
