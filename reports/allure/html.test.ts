import { describe, expect, test } from '@jest/globals';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HtmlReportError, withoutNetwork, writeHtml } from './html.js';

const ANALYTICS = `<script async src="https://www.googletagmanager.com/gtag/js?id=G-1"></script>
    <script>
        window.dataLayer = window.dataLayer || [];
        function gtag(){dataLayer.push(arguments);}
        gtag('config', 'G-1', { "report": "awesome" });
    </script>`;

describe('a page without the network', () => {
  test('loses the analytics pair and keeps its own scripts', () => {
    const own = '<script src="data:text/javascript;base64,Ly8v"></script><script>d("a", "Ly9odHRwczovLw==")</script>';
    expect(withoutNetwork(`${own}\n${ANALYTICS}\n<p>text</p>`).replace(/\s+/g, '')).toBe(`${own}<p>text</p>`.replace(/\s+/g, ''));
  });

  test.each([
    '<link rel="stylesheet" href="https://fonts.example/x.css">',
    "<img alt='' src='http://host.example/x.png'>",
    '<script defer src=//host.example/x.js></script>',
  ])('loses %s', (element) => {
    expect(withoutNetwork(`<b>kept</b>${element}`)).toBe('<b>kept</b>');
  });

  test('keeps links that a reader may follow', () => {
    const link = '<a href="https://example.org/clause">clause</a>';
    expect(withoutNetwork(link)).toBe(link);
  });

  test.each(['<style>@import "https://fonts.example/x.css";</style>', '<style>a { background: url(//host.example/x.png) }</style>'])(
    'is refused with what it cannot take out: %s',
    (style) => {
      expect(() => withoutNetwork(style)).toThrow(HtmlReportError);
    },
  );
});

describe('the report', () => {
  test('is one file with the results in it, and asks nothing of the network', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'html-'));
    try {
      mkdirSync(join(directory, 'results'));
      const result = { uuid: 'u', historyId: 'h', fullName: 'f', name: 'a title of its own', status: 'passed', stage: 'finished', start: 1, stop: 2 };
      writeFileSync(join(directory, 'results', 'u-result.json'), JSON.stringify({ ...result, labels: [], links: [], steps: [] }));
      await writeHtml(join(directory, 'results'), join(directory, 'report.html'), { title: 'the name' });
      const html = readFileSync(join(directory, 'report.html'), 'utf8');
      expect(html).toContain('<title> the name </title>');
      expect(Buffer.from(/test-results\/[^"]+","([^"]+)"/.exec(html)?.[1] ?? '', 'base64').toString()).toContain('a title of its own');
      expect(html).not.toMatch(/googletagmanager|<(script|link|img)[^>]*(src|href)="(https?:)?\/\//);
    } finally {
      rmSync(directory, { recursive: true });
    }
  }, 60_000);

  test('says in one line what went wrong', async () => {
    const failed = writeHtml(join(tmpdir(), 'no-such-results'), join(tmpdir(), 'never.html'));
    await expect(failed).rejects.toThrow(/^The report generator ended with status 1: .*No test results/);
  }, 60_000);
});
