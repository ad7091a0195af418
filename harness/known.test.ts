import { describe, expect, it } from '@jest/globals';
import { ModelTarget } from '../adapters/model/model-target.js';
import { programToJson, toJson } from '../reference/doors/json.js';
import type { Observation } from '../reference/doors/observation.js';
import type { Operation, Program } from '../reference/doors/operations.js';
import type { Term } from '../reference/doors/term.js';
import { WRITTEN_MUTANTS } from '../reference/mutants/index.js';
import { mutate } from '../reference/mutants/mutant.js';
import { REFERENCE_RULES } from '../reference/rule-book.js';
import type { Ledger, LedgerEntry } from '../reports/ledger.js';
import { scenario } from './build/scenario-builder.js';
import { KnownDepartures } from './known.js';
import { qualify } from './qualify.js';
import type { Scenario } from './scenario.js';

const STUFF = WRITTEN_MUTANTS.get('qemu/stuff-count')!;
const PUT = WRITTEN_MUTANTS.get('qemu/h-put-tce-unchecked-page')!;

const entry = (id: string, mutant: string): LedgerEntry => ({
  id,
  title: id,
  clauses: ['H_STUFF_TCE/count'],
  mutant,
  versions: { from: '7.2', to: '8.0' },
  firstSeen: '',
  consequence: '',
  evidence: '',
  upstream: '',
  program: toJson(programToJson({ operations: [] })) as LedgerEntry['program'],
});

const ledger = (...entries: LedgerEntry[]): Ledger => ({ system: 'qemu', choices: {}, entries });
const qualified = (system: ModelTarget, known: KnownDepartures, what: Scenario) =>
  qualify(what, { target: system, known, destructive: false }).then(({ record }) => record);

const stuffed = scenario({ id: 'x/stuff', title: '', clauses: [] }, (p) => p.stuff(p.defaultWindow(), 0n, 0n, 513n));
const both = scenario({ id: 'x/both', title: '', clauses: [] }, (p) =>
  p.stuff(p.defaultWindow(), 0n, 0n, 513n).put(p.defaultWindow(), 0n, { from: 'memory.end', plus: 3n }),
);

describe('a system with a fault', () => {
  const faulty = new ModelTarget(mutate(REFERENCE_RULES, [STUFF]));

  it('departs where the ledger is silent, with the clause, a program and what it behaves like', async () => {
    const record = await qualified(faulty, new KnownDepartures(REFERENCE_RULES, ledger(), { version: '7.2.22' }), stuffed);
    expect(record).toMatchObject({ verdict: 'departs', departures: [{ clause: 'H_STUFF_TCE/count', step: 0, known: [] }] });
    expect(record.reason).toContain('qemu/stuff-count');
    expect(record.departures?.[0]?.program).toMatchObject({ schema: 'papr-conformance/program/1' });
  });

  it('is known where the ledger explains all of it, and says by which entries', async () => {
    const known = new KnownDepartures(REFERENCE_RULES, ledger(entry('Q01', PUT.id), entry('Q05', STUFF.id)), { version: '7.2.22' });
    expect(await qualified(faulty, known, stuffed)).toMatchObject({ verdict: 'known', ledger: ['Q05'] });
  });

  it('is named and not shown where the ledger marks it sensitive', async () => {
    const known = new KnownDepartures(REFERENCE_RULES, ledger({ ...entry('Q05', STUFF.id), sensitive: true }), { version: '7.2.22' });
    const result = await qualify(stuffed, { target: faulty, known, destructive: false });
    expect(result.record).toMatchObject({ verdict: 'known', ledger: ['Q05'], reason: 'Q05: sensitive, shown with --sensitive' });
    expect([result.record.departures, result.trace, result.steps]).toEqual([undefined, undefined, []]);
    const shown = await qualify(stuffed, { target: faulty, known, destructive: false, sensitive: true });
    expect(shown.record.departures).toHaveLength(1);
  });

  it('departs where the ledger lists another version', async () => {
    const known = new KnownDepartures(REFERENCE_RULES, ledger(entry('Q05', STUFF.id)), { version: '9.0.1' });
    expect((await qualified(faulty, known, stuffed)).verdict).toBe('departs');
  });

  it('departs where the ledger explains one fault of two, and shows the other', async () => {
    const twice = new ModelTarget(mutate(REFERENCE_RULES, [STUFF, PUT]));
    const record = await qualified(twice, new KnownDepartures(REFERENCE_RULES, ledger(entry('Q05', STUFF.id)), { version: '7.2' }), both);
    expect(record.verdict).toBe('departs');
    expect(record.departures?.map(({ clause }) => clause)).toEqual(['H_PUT_TCE/page']);
  });

  it('names every entry that is needed', async () => {
    const twice = new ModelTarget(mutate(REFERENCE_RULES, [STUFF, PUT]));
    const known = new KnownDepartures(REFERENCE_RULES, ledger(entry('Q01', PUT.id), entry('Q05', STUFF.id)), { version: '7.2' });
    expect((await qualified(twice, known, both)).ledger).toEqual(['Q01', 'Q05']);
  });
});

describe('a system that a known fault damages', () => {
  const past = new KnownDepartures(REFERENCE_RULES, ledger(entry('K04', 'kvm/multi-tce-past-end')), { version: '7.2' });
  const { machine } = new ModelTarget().variants[0];
  const hcall = (call: 'H_STUFF_TCE' | 'H_GET_TCE', ioba: Term, ...more: readonly bigint[]): Operation => ({ door: 'papr', op: 'hcall', call, args: [{ from: 'pe0.liobn' }, ioba, ...more] });
  const [start, last]: readonly Term[] = [{ from: 'pe0.start' }, { from: 'pe0.end', plus: -0x1000n }];
  const program: Program = {
    operations: [hcall('H_GET_TCE', start!), hcall('H_STUFF_TCE', last!, 0n, 2n), hcall('H_GET_TCE', last!), hcall('H_STUFF_TCE', start!, 0n, 1n << 32n), hcall('H_GET_TCE', start!)],
  };
  const answered = (status: bigint): Observation => ({ kind: 'hcall', status, registers: [0n] });
  const judged = (...seen: Observation[]) => past.judge({ program, observations: seen }, machine);

  it('is damaged, and not judged from there on, not even when it dies', () => {
    const [crash, notRun]: Observation[] = [{ kind: 'crashed', message: 'soft lockup' }, { kind: 'not-run' }];
    for (const trace of [
      [answered(0n), answered(0n), answered(-4n), answered(-1n), answered(-4n)],
      [answered(0n), answered(0n), crash!, notRun!, notRun!],
      [answered(0n), crash!, notRun!, notRun!, notRun!],
    ]) {
      expect(judged(...trace)).toMatchObject({ departures: [], scarred: true });
    }
    expect(judged(answered(-4n), crash!, notRun!, notRun!, notRun!).departures.map(({ step }) => step)).toEqual([0]);
  });

  it('is explained by the first of two entries that explain the same', () => {
    const known = new KnownDepartures(REFERENCE_RULES, ledger(entry('K04', 'kvm/multi-tce-past-end'), entry('Q06', 'qemu/stuff-partial')), { version: '7.2' });
    const partial = { program: { operations: [hcall('H_STUFF_TCE', last!, 0x5_5000n, 2n), hcall('H_GET_TCE', last!)] }, observations: [answered(-4n), { kind: 'hcall', status: 0n, registers: [0x5_5000n] }] } as const;
    expect(known.needed(partial, machine)).toEqual(['K04']);
  });

  it('is explored with programs that leave out what damages it', () => {
    const spared = past.withoutScars(program, machine);
    expect(spared.operations).toEqual([0, 2, 4].map((i) => program.operations[i]));
  });
});

describe('a sound system', () => {
  it('is fixed where the ledger lists a fault that it no longer has', async () => {
    const known = new KnownDepartures(REFERENCE_RULES, ledger(entry('Q05', STUFF.id)), { version: '7.2.22' });
    expect(await qualified(new ModelTarget(), known, stuffed)).toMatchObject({ verdict: 'fixed', ledger: ['Q05'] });
  });

  it('conforms where a scenario does not meet the fault', async () => {
    const known = new KnownDepartures(REFERENCE_RULES, ledger(entry('Q01', PUT.id)), { version: '7.2.22' });
    expect((await qualified(new ModelTarget(), known, stuffed)).verdict).toBe('conforms');
  });

  it('departs where a known death comes with something unknown', async () => {
    const dying = new ModelTarget(mutate(REFERENCE_RULES, [STUFF, WRITTEN_MUTANTS.get('qemu/remove-virtual-adapter-abort')!]));
    const dies = scenario({ id: 'x/dies', title: '', clauses: [] }, (p) =>
      p.stuff(p.defaultWindow(), 0n, 0n, 513n).rtas('ibm,remove-pe-dma-window', [{ from: 'vio0.liobn' }], 1),
    );
    const known = new KnownDepartures(REFERENCE_RULES, ledger(entry('Q17', 'qemu/remove-virtual-adapter-abort')), { version: '7.2' });
    expect((await qualified(dying, known, dies)).verdict).toBe('departs');
    expect((await qualified(dying, new KnownDepartures(REFERENCE_RULES, ledger(), { version: '7.2' }), dies)).verdict).toBe('crashed');
  });

  it('is skipped with the reason where it lacks a capability', async () => {
    const known = new KnownDepartures(REFERENCE_RULES, ledger(), { version: '7.2.22' });
    const record = await qualified(new ModelTarget(), known, { ...stuffed, requires: ['time-travel'] });
    expect(record).toMatchObject({ verdict: 'skipped', reason: 'the target lacks time-travel' });
  });
});
