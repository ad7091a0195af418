import { describe, expect, test } from '@jest/globals';
import { summaryMarkdown } from './markdown.js';
import { runRecord, SCENARIOS } from './run-record.fixture.js';

describe('summary', () => {
  test('says on top what was tested and what it came to', () => {
    const [heading, , system] = summaryMarkdown(runRecord(), 'out').split('\n');
    expect(heading).toBe('# qemu-papr: does not conform');
    expect(system).toBe('- system: `pseries qemu-7.2.22`');
  });

  test.each([
    [[SCENARIOS.conforms, SCENARIOS.known, SCENARIOS.skipped], true, '# qemu-papr: conforms'],
    [[SCENARIOS.conforms, SCENARIOS.tentative], true, '# qemu-papr: conforms'],
    [[SCENARIOS.conforms, SCENARIOS.inconclusive], true, '# qemu-papr: inconclusive'],
    [[SCENARIOS.conforms], false, '# qemu-papr: conforms (run interrupted)'],
  ])('headline %#', (scenarios, complete, heading) => {
    expect(summaryMarkdown({ ...runRecord(scenarios), complete }, 'out').split('\n')[0]).toBe(heading);
  });

  test('counts scenarios and clauses', () => {
    const text = summaryMarkdown(runRecord(), 'out');
    expect(text).toContain('| scenarios | 1 | 1 | 1 | 1 | 1 | 1 | 1 | 1 | 8 |');
    expect(text).toContain('| clauses | 0 | 1 | 0 | 0 | 0 | 0 | 0 | 1 | 2 |');
  });

  test('tells each departure with its ledger entry and the command to see it again', () => {
    const text = summaryMarkdown(runRecord([SCENARIOS.known]), 'out');
    expect(text).toContain('### `tce/stuff/partial` known — ledger Q01');
    expect(text).toContain('`H_STUFF_TCE/count` (Q01)');
    expect(text).toContain('papr-conformance replay out/programs/tce.stuff.partial.json --target qemu-papr --profile lopar');
  });

  test('tells what is tentative apart from what departs', () => {
    const text = summaryMarkdown(runRecord([SCENARIOS.tentative]), 'out');
    expect(text).toContain('## Tentative');
    expect(text).toContain('### `iommufd/ppc64/window` tentative');
    expect(text).not.toContain('## Departures');
  });

  test('groups skipped scenarios by reason', () => {
    const other = { ...SCENARIOS.skipped, id: 'ddw/reset/other' };
    expect(summaryMarkdown(runRecord([SCENARIOS.skipped, other]), 'out')).toContain(
      '| the target lacks ddw-reset | 2 | `ddw/reset/absent`, `ddw/reset/other` |',
    );
  });

  test('no value breaks a table', () => {
    const line = summaryMarkdown(runRecord([SCENARIOS.departs]), 'out').split('\n').find((text) => text.includes('0x201'));
    expect(line).toContain('`H_SUCCESS (0) <&"\\|\'>`');
    expect(line?.replaceAll('\\|', '').split('|')).toHaveLength(7);
  });

  test('leaves out what is empty', () => {
    expect(summaryMarkdown(runRecord([SCENARIOS.conforms]), 'out')).not.toMatch(/Departures|Skipped|Inconclusive|Known/);
  });
});
