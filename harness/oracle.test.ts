import { describe, expect, it } from '@jest/globals';
import { MODEL_MACHINE } from '../adapters/model/machines.js';
import { ModelTarget } from '../adapters/model/model-target.js';
import type { Observation, Trace } from '../reference/doors/observation.js';
import { PAPR_RULES } from '../reference/papr/calls.js';
import { ProgramBuilder } from './build/program-builder.js';
import { BrokenTrace, judgeTrace } from './oracle.js';

const program = (write: (p: ProgramBuilder) => void) => {
  const builder = new ProgramBuilder({ audit: false });
  write(builder);
  return builder.program;
};

const answered = (write: (p: ProgramBuilder) => void): Trace => new ModelTarget().runNow(program(write));
const judge = (trace: Trace) => judgeTrace(trace, MODEL_MACHINE, PAPR_RULES);
const instead = (trace: Trace, step: number, observation: Observation): Trace => ({
  ...trace,
  observations: trace.observations.with(step, observation),
});
const hcall = (status: bigint, r4 = 0n): Observation => ({ kind: 'hcall', status, registers: [r4] });

describe('the oracle', () => {
  it('finds nothing in what the model itself answers', () => {
    const trace = answered((p) => {
      const w = p.create(16, 28);
      p.put(w, 0n, 0x100_0003n).get(w, 0n).remove(w).query();
    });
    expect(judge(trace).departures).toEqual([]);
  });

  it('names the clause, what was permitted and what was seen', () => {
    const trace = answered((p) => p.put(p.defaultWindow(), 0n, { from: 'memory.end', plus: 3n }));
    expect(judge(instead(trace, 0, hcall(0n))).departures).toEqual([
      { clause: 'H_PUT_TCE/page', expected: ['H_PARAMETER (-4)'], observed: 'H_SUCCESS (0)', step: 0 },
    ]);
  });

  it('follows a system that wrongly went on, so that one departure is not two', () => {
    const trace = answered((p) => p.put(p.defaultWindow(), 0n, { from: 'memory.end', plus: 3n }).get(p.defaultWindow(), 0n));
    const followed = instead(instead(trace, 0, hcall(0n)), 1, hcall(5n, 0xffff_ffff_ffff_f003n));
    expect(judge(followed).departures.map(({ step }) => step)).toEqual([0]);
  });

  it('leaves the entry alone where a system wrongly refused', () => {
    const trace = answered((p) => p.put(p.defaultWindow(), 0n, 0x100_0003n).get(p.defaultWindow(), 0n));
    const refused = instead(instead(trace, 0, hcall(-4n)), 1, hcall(0n, 0n));
    expect(judge(refused).departures.map(({ clause, step }) => [clause, step])).toEqual([['H_PUT_TCE/store', 0]]);
  });

  it('adopts one wrong entry and does not report it at every later look', () => {
    const trace = answered((p) => p.get(p.defaultWindow(), 0n).get(p.defaultWindow(), 0n));
    const wrong = instead(instead(trace, 0, hcall(0n, 0x77n)), 1, hcall(0n, 0x77n));
    expect(judge(wrong).departures.map(({ step }) => step)).toEqual([0]);
  });

  it.each([0n, -4n])('permits both answers to an unaligned IOBA (choice A1), here %s', (status) => {
    const trace = answered((p) => p.put(p.defaultWindow(), 0x5008n, 0x100_0003n));
    expect(judge(instead(trace, 0, hcall(status))).departures).toEqual([]);
  });

  it('adopts the LIOBN and the start that the platform chose, and refuses those of a live window', () => {
    const trace = answered((p) => p.create(16, 28));
    const created = (liobn: number, high: number): Observation => ({ kind: 'rtas', hcall: 0n, rets: [0, liobn, high, 0] });
    expect(judge(instead(trace, 0, created(0x1234, 0x10))).departures).toEqual([]);
    expect(judge(instead(trace, 0, created(0x8000_0000, 0x10))).departures.map((d) => d.clause)).toEqual(['ibm,create-pe-dma-window/liobn']);
    expect(judge(instead(trace, 0, created(0x1234, 0))).departures.map((d) => d.clause)).toEqual(['ibm,create-pe-dma-window/start']);
  });

  it('takes the death of the system as what was seen at that step', () => {
    const trace = answered((p) => p.query().query());
    const died: Trace = { ...trace, observations: [{ kind: 'crashed', message: 'SIGABRT' }, { kind: 'not-run' }] };
    expect(judge(died).departures).toMatchObject([{ step: 0, observed: 'crashed: SIGABRT' }]);
  });

  it('will not judge a trace that is not whole', () => {
    const trace = answered((p) => p.query().query());
    expect(() => judge({ ...trace, observations: trace.observations.slice(1) })).toThrow(BrokenTrace);
    expect(() => judge(instead(trace, 0, { kind: 'not-run' }))).toThrow(BrokenTrace);
  });

  it('does not count departures of clauses that nobody has decided', () => {
    const trace = answered((p) => p.rtas('ibm,query-pe-dma-window', [0n], 5));
    const judgement = judge(instead(trace, 0, { kind: 'rtas', hcall: 0n, rets: [0, 0, 0, 0, 0] }));
    expect(judgement.steps[0]?.departures).toHaveLength(1);
    expect(judgement.departures).toEqual([]);
  });

  it('keeps the data of a refused read open until it is seen', () => {
    const trace = answered((p) => {
      const w = p.defaultWindow();
      p.put(w, 0n, 0x100_0002n).deviceReads(w.at(0x9000n), 4).deviceWrites(w.at(0n), 4).load(0x100_0000n, 4);
    });
    const loaded = (...bytes: number[]): Observation => ({ kind: 'bytes', bytes: Uint8Array.from(bytes) });
    expect(judge(instead(trace, 3, loaded(0xff, 0xff, 0xff, 0xff))).departures).toEqual([]);
    expect(judge(instead(trace, 3, loaded(0, 0x41, 0, 0))).departures).toMatchObject([{ clause: 'memory/contents', step: 3 }]);
  });
});
