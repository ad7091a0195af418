import { describe, expect, test } from '@jest/globals';
import { junitXml } from './junit.js';
import { runRecord, SCENARIOS } from './run-record.fixture.js';

describe('JUnit XML', () => {
  const xml = junitXml(runRecord(), 'out');

  test('has one suite for each theme, with its own counts', () => {
    expect([...xml.matchAll(/<testsuite name="(\w+)"[^>]* tests="(\d)" failures="(\d)" errors="(\d)" skipped="(\d)"/g)].map((m) => m.slice(1))).toEqual([
      ['tce', '3', '1', '0', '0'],
      ['ddw', '4', '1', '2', '1'],
      ['iommufd', '1', '0', '0', '0'],
    ]);
    expect(xml).toContain('<testsuites name="papr-iommu-conformance" tests="8" failures="2" errors="2" skipped="1"');
  });

  test('names the system in every suite', () => {
    expect(xml.match(/<property name="fingerprint" value="pseries qemu-7\.2\.22"\/>/g)).toHaveLength(3);
  });

  test('a departure fails, a crash and a lost target are errors, a known departure passes', () => {
    expect(bodyOf(xml, SCENARIOS.departs.id)).toMatch(/<failure type="departs"/);
    expect(bodyOf(xml, SCENARIOS.fixed.id)).toMatch(/<failure type="fixed"/);
    expect(bodyOf(xml, SCENARIOS.crashed.id)).toMatch(/<error type="crashed"/);
    expect(bodyOf(xml, SCENARIOS.inconclusive.id)).toMatch(/<error type="inconclusive"/);
    expect(bodyOf(xml, SCENARIOS.tentative.id)).not.toMatch(/<failure|<error/);
    expect(bodyOf(xml, SCENARIOS.known.id)).not.toMatch(/<failure|<error/);
    expect(bodyOf(xml, SCENARIOS.known.id)).toContain('<property name="ledger" value="Q01"/>');
  });

  test('a skipped scenario carries its reason', () => {
    expect(bodyOf(xml, SCENARIOS.skipped.id)).toContain('<skipped message="the target lacks ddw-reset"/>');
  });

  test('a failure says clause, expected and observed, and how to see it again', () => {
    const body = bodyOf(xml, SCENARIOS.departs.id);
    expect(body).toContain('message="H_STUFF_TCE/count: expected H_PARAMETER (-4) or H_P4 (-57), observed H_SUCCESS (0) &lt;&amp;&quot;|`&gt;"');
    expect(body).toContain('<system-out>papr-conformance replay out/programs/tce.stuff.count.json --target qemu-papr --profile lopar</system-out>');
  });

  test('holds no character that XML forbids', () => {
    const rotten = { ...SCENARIOS.skipped, reason: 'bell \u0007, half \ud83d, whole \u{1f600}, line\nbreak' };
    const body = bodyOf(junitXml(runRecord([rotten]), 'out'), rotten.id);
    expect(body).toContain('bell \ufffd, half \ufffd, whole \u{1f600}, line&#10;break');
  });
});

function bodyOf(xml: string, id: string): string {
  const start = xml.indexOf(`name="${id}"`);
  return xml.slice(start, xml.indexOf('</testcase>', start));
}
