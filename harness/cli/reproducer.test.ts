import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ModelTarget, type ModelKind } from '../../adapters/model/model-target.js';
import { UsageError } from '../../adapters/target.js';
import { programFromJson } from '../../reference/doors/json.js';
import type { Operation, Program } from '../../reference/doors/operations.js';
import { PROFILES } from '../../reference/profiles.js';
import { REFERENCE_RULES } from '../../reference/rule-book.js';
import { refuseWith } from '../../reference/mutants/mutant.js';
import type { RuleBook } from '../../reference/rules.js';
import { readLedger } from '../../reports/ledger.js';
import { ALL_SCENARIOS } from '../../suites/index.js';
import { reproducer, type ReproducerOptions } from './reproducer.js';

const hasCompiler = spawnSync('gcc', ['--version']).status === 0;
/** What is tested without a compiler is the text alone. */
const describeCompiled = hasCompiler ? describe : describe.skip;

const write = (program: Program, kind: ModelKind = 'model:pseries', rules: RuleBook = REFERENCE_RULES, options: ReproducerOptions = {}): string =>
  reproducer(program, { name: 'a.json', suite: '1.2.3', target: new ModelTarget(REFERENCE_RULES, kind), profile: PROFILES[0]!, rules, ...options });
const scenarioProgram = (id: string): Program => ALL_SCENARIOS.find((scenario) => scenario.id === id)!.program;
const ledgerProgram = (id: string): Program => programFromJson(readLedger(join(__dirname, '..', '..', 'reports', 'departures'), 'linux').entries.find((entry) => entry.id === id)!.program);

/** The machine that the tests run on has such pages. */
const HERE: ReproducerOptions = { page: spawnSync('getconf', ['PAGESIZE'], { encoding: 'utf8' }).stdout.trim() === '65536' ? '64k' : '4k' };

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'reproducer-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function compile(code: string, ...options: string[]): string {
  const [source, binary] = [join(folder, 'repro.c'), join(folder, 'repro')];
  writeFileSync(source, code);
  execFileSync('gcc', ['-Wall', '-Wextra', '-Werror', '-O1', ...options, source, ...(options.includes('-fsyntax-only') ? [] : ['-o', binary])]);
  return binary;
}

const MEMORY: readonly Operation[] = [
  { door: 'user', op: 'map', as: 'm', length: 0x20000n, protection: 'rw' },
  { door: 'user', op: 'fill', address: { from: 'm.address' }, length: 64, byte: 0xa5 },
  { door: 'user', op: 'load', address: { from: 'm.address', plus: 32n }, length: 48 },
  { door: 'user', op: 'store', address: { from: 'm.address' }, wordBytes: 8, order: 'big', words: [0x1122_3344_5566_7788n, { from: 'm.address' }] },
  { door: 'user', op: 'load', address: { from: 'm.address' }, length: 16 },
  { door: 'user', op: 'unmap', address: { from: 'm.address' }, length: 0x20000n },
  { door: 'user', op: 'fill', address: { from: 'm.address' }, length: 64, byte: 0 },
  { door: 'user', op: 'file', as: 'f', kind: 'plain', length: 0n },
  { door: 'vfio', op: 'close', fd: { from: 'f.fd' } },
  { door: 'vfio', op: 'close', fd: { from: 'f.fd' } },
];

/** Memory and descriptors of their own for the children, one of which ends by itself, while the other is killed. */
const FAMILY: readonly Operation[] = [
  ...MEMORY.slice(0, 2),
  { door: 'user', op: 'file', as: 'f', kind: 'plain', length: 0n },
  { door: 'user', op: 'file', as: 'g', kind: 'plain', length: 0n },
  { door: 'host', op: 'fork', as: 'c1' },
  { door: 'vfio', op: 'close', fd: { from: 'f.fd' }, by: 'c1' },
  { door: 'vfio', op: 'close', fd: { from: 'g.fd' }, by: 'c1' },
  { door: 'vfio', op: 'close', fd: { from: 'g.fd' } },
  { door: 'user', op: 'fill', address: { from: 'm.address' }, length: 64, byte: 0x11, by: 'c1' },
  { door: 'user', op: 'load', address: { from: 'm.address' }, length: 64, by: 'c1' },
  { door: 'user', op: 'load', address: { from: 'm.address' }, length: 64 },
  { door: 'host', op: 'fork', as: 'c2', by: 'c1' },
  { door: 'host', op: 'exit', by: 'c1' },
  { door: 'user', op: 'load', address: { from: 'm.address' }, length: 64, by: 'c2' },
  { door: 'host', op: 'kill', by: 'c2' },
];

function run(code: string): { lines: string[]; status: number | null } {
  const { stdout, status } = spawnSync(compile(code), { encoding: 'utf8', timeout: 30_000 });
  return { lines: stdout.trimEnd().split('\n'), status };
}

/** What is tested is the absence of the node: where a kernel has it there is nothing to see. */
const describeWithoutIommu = existsSync('/dev/iommu') ? describe.skip : describeCompiled;

describe('a reproducer', () => {
  it('is the same file every time, names what it is and drives, and has each operation with its text', () => {
    const code = write(ledgerProgram('L01'));
    expect(code).toBe(write(ledgerProgram('L01')));
    expect(code).toContain('pseries reference-model linux, pages of 64 KiB');
    expect(code).toContain('/* 7: window3 = VFIO_IOMMU_SPAPR_TCE_CREATE(container1.fd, page_shift = 0x10, window_size = 0x4010000, levels = 0x1) */');
    expect(code).toContain('put(it, 16, 8, 0x4010000); /* window_size */');
    expect(code).toContain('EXPECT("VFIO_IOMMU_SPAPR_TCE_CREATE/window-size", -EINVAL)');
    expect(code).toContain('#define VFIO_SET_IOMMU REQUEST(0x20003b66U, 0x00003b66U)');
    expect(code).toContain('check_driver(pe0_dev0);');
  });

  it('expects what the machine makes of it: its pages and windows are looked at first', () => {
    const code = write(ledgerProgram('L01'), 'model:pseries', REFERENCE_RULES, { page: '4k', window: 0x400_0000 });
    expect(code).toContain('sysconf(_SC_PAGESIZE) != 4096');
    expect(code).toContain('check_window(pe0_dev0, 0x00000000U, 0x04000000U);');
  });

  it('is refused where one C program cannot do it', () => {
    for (const id of ['L08', 'L15', 'L17']) expect(() => write(ledgerProgram(id), 'model:powernv')).toThrow(UsageError);
    expect(() => write({ operations: [{ door: 'papr', op: 'hcall', call: 'H_PUT_TCE', args: [] }] })).toThrow(/partition/);
  });

});

describeCompiled('a reproducer, compiled by gcc (skipped where the machine has none)', () => {
  it.each([
    ['L04', 'model:pseries'],
    ['L14', 'model:pseries'],
    ['L18', 'model:powernv'],
  ] as const)('of ledger entry %s compiles without a warning', (id, kind) => {
    expect(() => compile(write(ledgerProgram(id), kind), '-fsyntax-only')).not.toThrow();
  });

  it.each([
    ['vfio/open/group-twice-by-child', 'model:pseries'],
    ['vfio/process/before-latch', 'model:pseries'],
    ['iommufd/faults/order', 'model:iommufd'],
  ] as const)('of scenario %s compiles without a warning', (id, kind) => {
    expect(() => compile(write(scenarioProgram(id), kind), '-fsyntax-only')).not.toThrow();
  });

  it('says ok of a system as the reference has it', () => {
    const { lines, status } = run(write({ operations: MEMORY }, 'model:pseries', REFERENCE_RULES, HERE));
    expect(lines.slice(0, 3)).toEqual(['KTAP version 1', '1..10', 'ok 1 m = mmap 0x20000 rw']);
    expect(lines.slice(2).every((line) => /^ok \d+ [^#]*$/.test(line))).toBe(true);
    expect(lines).toHaveLength(12);
    expect(status).toBe(0);
  });

  it('says not ok where the system answers otherwise', () => {
    const rules = refuseWith(REFERENCE_RULES, 'close/descriptor', -5);
    const { lines, status } = run(write({ operations: MEMORY }, 'model:pseries', rules, HERE));
    expect(lines.at(-1)).toBe('not ok 10 close f.fd # expected -EIO, got -EBADF (clause close/descriptor)');
    expect(status).toBe(1);
  });

  it('has processes', () => {
    const { lines, status } = run(write({ operations: FAMILY }, 'model:pseries', REFERENCE_RULES, HERE));
    expect(lines.slice(2).map((line) => line.split(' ')[0])).toEqual(FAMILY.map(() => 'ok'));
    expect(status).toBe(0);
  });
});

describeWithoutIommu('a reproducer on a kernel without /dev/iommu (skipped where there is one)', () => {
  it('says nothing of a kernel that lacks the node', () => {
    const { lines, status } = run(write({ operations: [{ door: 'iommufd', op: 'open', what: 'iommu' }] }, 'model:iommufd', REFERENCE_RULES, HERE));
    expect(lines).toEqual(['KTAP version 1', '1..0 # SKIP this kernel has no /dev/iommu']);
    expect(status).toBe(4);
  });
});
