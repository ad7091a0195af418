import { describe, expect, test } from '@jest/globals';

import { chooseMirror } from './apt.js';

describe('the mirror', () => {
  test('is the one whose lists the machine has', () => {
    expect(chooseMirror('http://mirror.example/debian/\n', 'http://other.example/debian/\n')).toBe('http://mirror.example/debian/');
  });

  test('is a configured one that looks like it, where no lists were fetched yet', () => {
    expect(chooseMirror('', 'http://a.example/debian-security/\nhttp://a.example/nodesource\nhttp://b.example/debian\n')).toBe('http://b.example/debian');
  });

  test('is none on a machine without Debian', () => {
    expect(chooseMirror('', 'http://a.example/ubuntu/\n')).toBeUndefined();
  });
});
