import { describe, expect, test } from '@jest/globals';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CELL, runRecord, DEPARTURE, SCENARIOS } from '../run-record.fixture.js';

const compile = (name: string): ValidateFunction =>
  new Ajv2020({ strict: true, strictRequired: false, allErrors: true }).compile(
    JSON.parse(readFileSync(join(__dirname, name), 'utf8')) as object,
  );

describe('run.schema.json', () => {
  const validate = compile('run.schema.json');

  test('takes a record with every verdict', () => {
    validate(JSON.parse(JSON.stringify(runRecord())));
    expect(validate.errors).toBeNull();
  });

  test('takes a record that says what remains', () => {
    validate({ ...(JSON.parse(JSON.stringify(runRecord())) as object), complete: false, remaining: ['a/b'] });
    expect(validate.errors).toBeNull();
  });

  test('takes a scenario that shows a cell of the table of states', () => {
    validate(JSON.parse(JSON.stringify(runRecord([CELL]))));
    expect(validate.errors).toBeNull();
  });

  test.each([
    ['a cell without what is allowed', runRecord([{ ...CELL, cell: { ...CELL.cell!, allowed: [] } }])],
    ['an unknown field', { ...runRecord(), extra: 1 }],
    ['an unknown verdict', runRecord([{ ...SCENARIOS.conforms, verdict: 'passed' as never }])],
    ['a missing total', { ...runRecord(), totals: { conforms: 1 } }],
    ['a departing scenario that shows no departure', runRecord([{ ...SCENARIOS.departs, departures: [] }])],
    ['a skipped scenario without a reason', runRecord([{ ...SCENARIOS.conforms, verdict: 'skipped' }])],
    ['an id that is no place', runRecord([{ ...SCENARIOS.conforms, id: 'two words' }])],
  ])('refuses %s', (_, record) => {
    expect(validate(record)).toBe(false);
  });
});

describe('program.schema.json', () => {
  const validate = compile('program.schema.json');
  const program = (operation: object): object => ({ schema: 'papr-conformance/program/1', operations: [operation] });

  test.each([
    ['a hypercall', DEPARTURE.program],
    ['an RTAS call with references', program({ door: 'papr', op: 'rtas', as: 'w1', call: 'ibm,create-pe-dma-window', args: [{ from: 'pe0.configAddress', plus: '-0x1' }], nret: 4 })],
    ['a property', program({ door: 'papr', op: 'property', pe: 'pe0', name: 'ibm,dma-window', audit: true })],
    ['a store', program({ door: 'memory', op: 'store', address: '0x1000', doublewords: ['0xffffffffffffffff'] })],
    ['a device access', program({ door: 'dma', op: 'write', device: 'pe0.dev0', iova: { from: 'w1.ret2:64' }, length: 8, at: 0 })],
    ['a reboot', program({ door: 'platform', op: 'reboot' })],
    ['an ioctl', program({ door: 'vfio', op: 'ioctl', fd: { from: 'container.fd' }, call: 'VFIO_IOMMU_UNMAP_DMA', args: { iova: '0x0' }, by: 'child', pointer: 'unmapped' })],
    ['a store to a device', program({ door: 'vfio', op: 'write', fd: { from: 'device.fd' }, region: 0, offset: 4, value: 0xffff_ffff })],
    ['an error from outside', program({ door: 'host', op: 'freeze', pe: 'pe0', what: 'mmio' })],
    ['a look that waits', program({ door: 'host', op: 'eeh-state', device: 'pe0.dev0', within: 120 })],
    ['an ioctl of /dev/iommu', program({ door: 'iommufd', op: 'ioctl', fd: { from: 'iommu.fd' }, call: 'IOMMU_IOAS_MAP', args: { size: '0x28' }, pointer: 'cut', beyond: { bytes: 8, byte: 255 } })],
    ['a node of a device', program({ door: 'iommufd', op: 'open', what: 'pe0.dev0', as: 'node' })],
    ['an answer to a queue', program({ door: 'iommufd', op: 'write', fd: { from: 'queue.fd' }, words: ['0x1', '0x0'] })],
    ['words in memory', program({ door: 'user', op: 'store', address: { from: 'array.address' }, wordBytes: 8, words: ['0x0', '0xffffffffffffffff'] })],
    ['a file', program({ door: 'user', op: 'file', kind: 'memory', length: '0x10000', hugePages: 21, as: 'file' })],
    ['two at once', program({ door: 'host', op: 'together', left: { door: 'host', op: 'ledger' }, right: { door: 'user', op: 'unmap', address: '0x1000', length: '0x1000' } })],
  ])('takes %s', (_, value) => {
    validate(value);
    expect(validate.errors).toBeNull();
  });

  test.each([
    ['a number where a 64-bit value belongs', program({ door: 'memory', op: 'load', address: 4096, length: 8 })],
    ['a value of more than 64 bits', program({ door: 'memory', op: 'load', address: '0x10000000000000000', length: 8 })],
    ['an unknown door', program({ door: 'window', op: 'open' })],
    ['a field of another operation', program({ door: 'platform', op: 'reboot', liobn: '0x1' })],
    ['another format', { schema: 'papr-conformance/program/2', operations: [] }],
  ])('refuses %s', (_, value) => {
    expect(validate(value)).toBe(false);
  });
});
