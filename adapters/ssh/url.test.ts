import { describe, expect, it } from '@jest/globals';
import { UsageError } from '../target.js';
import { isLoopback, parseSshUrl, sshUrl } from './url.js';

describe('addresses of hosts', () => {
  it.each([
    ['ssh://root@power.example:2222', { user: 'root', host: 'power.example', port: 2222 }],
    ['ssh://power.example', { host: 'power.example' }],
    ['ssh://root@[fe80::1]:22', { user: 'root', host: 'fe80::1', port: 22 }],
    ['ssh://10.0.0.1/', { host: '10.0.0.1' }],
  ])('reads %s', (text, address) => {
    expect(parseSshUrl(text)).toEqual(address);
    expect(parseSshUrl(sshUrl(parseSshUrl(text)))).toEqual(address);
  });

  it.each([
    ['power.example', "saw 'power.example'"],
    ['http://power.example', "saw 'http://power.example'"],
    ['ssh://root:secret@power.example', 'a password in it'],
    ['ssh://power.example/path', 'something after the host'],
    ['ssh://-oProxyCommand=evil', "'-oProxyCommand=evil' for a host"],
    ['ssh://-l@host', "'-l' for a user"],
    ['ssh://', "saw '' for a host"],
  ])('refuses %s', (text, seen) => {
    expect(() => parseSshUrl(text)).toThrow(UsageError);
    expect(() => parseSshUrl(text)).toThrow(seen);
    expect(() => parseSshUrl(text)).not.toThrow('secret');
  });

  it('tells which addresses are this machine', () => {
    expect(['localhost', '127.0.0.1', '127.8.9.1', '::1'].every(isLoopback)).toBe(true);
    expect(['power.example', '127.example.org', '10.0.0.1'].some(isLoopback)).toBe(false);
  });
});
