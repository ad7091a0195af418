import { describe, expect, test } from '@jest/globals';
import type { ScenarioRecord, Verdict } from '../../reports/run-record.js';
import { Progress } from './progress.js';

const record = (verdict: Verdict): ScenarioRecord => ({ id: 'tce/put/one', title: 'A title', clauses: [], verdict, milliseconds: 1 });

function watched(total: number, terminal: { isTTY?: boolean; columns?: number } = {}) {
  const written: string[] = [];
  const time = { now: 0 };
  const progress = new Progress({ ...terminal, write: (text) => written.push(text) }, total, () => time.now);
  return { progress, written, time };
}

describe('progress in a log', () => {
  test('tells the first verdict at once, then at most once a second, and the last', () => {
    const { progress, written, time } = watched(5);
    for (let i = 0; i < 5; i += 1) {
      progress.starting('tce/put/one');
      progress.finished(record('conforms'), '');
      time.now += 400;
    }
    expect(written).toEqual(['[1/5] 1 conforms\n', '[4/5] 4 conforms\n', '[5/5] 5 conforms\n']);
  });

  test('comes more rarely the longer the run takes', () => {
    const { progress, written, time } = watched(1000);
    for (; time.now < 100_000; time.now += 100) progress.finished(record('conforms'), '');
    expect(written.length).toBeGreaterThan(20);
    expect(written.length).toBeLessThan(40);
  });

  test.each(['departs', 'crashed', 'fixed', 'inconclusive'] as const)('tells what %s at once', (verdict) => {
    const { progress, written } = watched(9);
    progress.finished(record(verdict), 'clause     c\nreplay     again');
    expect(written[0]).toBe(`${verdict}  tce/put/one — A title\n  clause     c\n  replay     again\n\n`);
  });

  test.each(['conforms', 'known', 'skipped'] as const)('only counts what %s', (verdict) => {
    const { progress, written } = watched(9);
    progress.finished(record(verdict), 'text');
    expect(written).toEqual([`[1/9] 1 ${verdict}\n`]);
  });
});

describe('progress on a terminal', () => {
  test('writes one line over, with the scenario that runs, cut to the width', () => {
    const { progress, written } = watched(10, { isTTY: true, columns: 20 });
    progress.starting('ddw/create/no-window-left');
    expect(written).toEqual(['[ 0/10]  ddw/creat…']);
    expect(written[0]).toHaveLength(19);
  });

  test('takes the line away before a block, and leaves the last state behind', () => {
    const { progress, written } = watched(1, { isTTY: true, columns: 80 });
    progress.starting('tce/put/one');
    progress.finished(record('departs'), 'x');
    progress.end();
    expect(written.slice(1, 3)).toEqual(['\r\u001b[K', 'departs  tce/put/one — A title\n  x\n\n']);
    expect(written.at(-1)).toBe('[1/1] 1 departs\n');
  });
});
