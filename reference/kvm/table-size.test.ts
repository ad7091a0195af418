import { describe, expect, test } from '@jest/globals';
import { entryPages, recordBytes, tablePages } from './state/table-size.js';

const GIB = 1n << 30n;

describe('the locked memory of a table, in system pages', () => {
  test.each([
    { what: 'one entry', entries: 1n, pageShift: 16, entryPages: 1n, pages: 2n },
    { what: '1 GiB of 64 KiB pages', entries: GIB >> 16n, pageShift: 16, entryPages: 2n, pages: 3n },
    { what: '2 GiB of 4 KiB pages', entries: (2n * GIB) >> 12n, pageShift: 16, entryPages: 64n, pages: 65n },
    { what: '2 GiB of 4 KiB pages on a system of 4 KiB pages: the record takes three', entries: (2n * GIB) >> 12n, pageShift: 12, entryPages: 1024n, pages: 1027n },
    { what: 'a page of pointers, which the header makes two', entries: 1n << 26n, pageShift: 16, entryPages: 8192n, pages: 8194n },
  ])('$what', ({ entries, pageShift, entryPages: ofEntries, pages }) => {
    expect(entryPages(entries, pageShift)).toBe(ofEntries);
    expect(tablePages(entries, pageShift)).toBe(pages);
  });

  test('is counted in 64 bits, as the kernel does', () => {
    expect(entryPages((1n << 64n) - 1n, 16)).toBe(0n);
  });

  test('has a pointer for each page of entries in its record', () => {
    expect(recordBytes(8192n * 4n, 16) - recordBytes(8192n * 3n, 16)).toBe(8n);
  });
});
