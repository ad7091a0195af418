import { describe, expect, test } from '@jest/globals';

import { cpioArchive, type CpioEntry } from './cpio.js';

const HEADER_BYTES = 110;

interface Member {
  readonly path: string;
  readonly mode: number;
  readonly data: string;
  readonly rdev: readonly [number, number];
}

/** Reads an archive as the kernel does: header, name, padding to 4, data, padding to 4. */
function members(archive: Buffer): Member[] {
  const found: Member[] = [];
  for (let at = 0; at < archive.length; ) {
    const field = (i: number): number => parseInt(archive.toString('latin1', at + 6 + i * 8, at + 14 + i * 8), 16);
    const [mode, size, nameSize] = [field(1), field(6), field(11)];
    const dataAt = (at + HEADER_BYTES + nameSize + 3) & ~3;
    found.push({
      path: archive.toString('utf8', at + HEADER_BYTES, at + HEADER_BYTES + nameSize - 1),
      mode,
      data: archive.toString('utf8', dataAt, dataAt + size),
      rdev: [field(9), field(10)],
    });
    at = (dataAt + size + 3) & ~3;
  }
  return found;
}

const ENTRIES: CpioEntry[] = [
  { kind: 'directory', path: 'dev', mode: 0o755 },
  { kind: 'device', path: 'dev/console', mode: 0o600, major: 5, minor: 1 },
  { kind: 'file', path: 'init', mode: 0o755, data: Buffer.from('#!/bin/sh\n') },
  { kind: 'link', path: 'bin', target: 'usr/bin' },
];

describe('cpio archive', () => {
  test('holds each entry with its type, permissions and content, and ends with the trailer', () => {
    expect(members(cpioArchive(ENTRIES))).toEqual([
      { path: 'dev', mode: 0o040755, data: '', rdev: [0, 0] },
      { path: 'dev/console', mode: 0o020600, data: '', rdev: [5, 1] },
      { path: 'init', mode: 0o100755, data: '#!/bin/sh\n', rdev: [0, 0] },
      { path: 'bin', mode: 0o120777, data: 'usr/bin', rdev: [0, 0] },
      { path: 'TRAILER!!!', mode: 0, data: '', rdev: [0, 0] },
    ]);
  });

  test.each([0, 1, 2, 3, 4, 5])('aligns what follows a file of %i bytes', (length) => {
    const archive = cpioArchive([{ kind: 'file', path: 'a'.repeat(length + 1), mode: 0o644, data: Buffer.alloc(length, 'x') }]);
    expect(members(archive).map(({ data }) => data)).toEqual(['x'.repeat(length), '']);
  });

  test('is the same for the same entries', () => {
    expect(cpioArchive(ENTRIES).equals(cpioArchive(ENTRIES))).toBe(true);
  });
});
