import { describe, expect, it } from '@jest/globals';
import { createHmac } from 'node:crypto';
import { UsageError } from '../target.js';
import { fingerprint, KnownHosts, keyType } from './known-hosts.js';

/** A key as it goes over the wire: its type as a string, and something. */
const key = (type: string, content: string): Buffer => {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(type.length);
  return Buffer.concat([length, Buffer.from(type), Buffer.from(content)]);
};
const line = (names: string, known: Buffer): string => `${names} ${keyType(known)} ${known.toString('base64')} a comment`;
const ONE = key('ssh-ed25519', 'one');
const OTHER = key('ssh-ed25519', 'other');
const RSA = key('ssh-rsa', 'rsa');

const hashed = (name: string): string => {
  const salt = Buffer.alloc(20, 3);
  return `|1|${salt.toString('base64')}|${createHmac('sha1', salt).update(name).digest('base64')}`;
};

describe('known_hosts', () => {
  it.each([
    ['a name', 'power', 'power', 22],
    ['a name in capitals', 'Power', 'pOWER', 22],
    ['one of several', 'power,power.example,10.0.0.1', '10.0.0.1', 22],
    ['a port', '[power]:2222', 'power', 2222],
    ['a pattern', '*.lab.example', 'p9.lab.example', 22],
    ['a pattern with ?', 'p?', 'p9', 22],
    ['a hashed name', hashed('power'), 'power', 22],
    ['a hashed name with a port', hashed('[power]:2222'), 'power', 2222],
  ])('finds a host by %s', (_, names, host, port) => {
    expect(new KnownHosts(line(names, ONE)).check(host, port, ONE)).toEqual({ kind: 'known' });
  });

  it.each([
    ['another name', 'power', 'power.example', 22],
    ['another port', 'power', 'power', 2222],
    ['no port', '[power]:2222', 'power', 22],
    ['an exception', '*.example,!bad.example', 'bad.example', 22],
    ['a dot that is no pattern', 'a.c', 'abc', 22],
    ['another hash', hashed('power'), 'powers', 22],
    ['a hash of another kind', hashed('power').replace('|1|', '|2|'), 'power', 22],
  ])('does not find it by %s', (_, names, host, port) => {
    expect(new KnownHosts(line(names, ONE)).check(host, port, ONE)).toEqual({ kind: 'unknown', authority: false });
  });

  it('says what it expected of a host that shows another key', () => {
    const known = new KnownHosts([line('power', ONE), line('power', RSA)].join('\n'));
    expect(known.check('power', 22, OTHER)).toEqual({ kind: 'changed', expected: [fingerprint(ONE), fingerprint(RSA)] });
    expect(known.keyTypes('power', 22)).toEqual(['ssh-ed25519', 'ssh-rsa']);
  });

  it('refuses a revoked key, even if another line trusts it', () => {
    const known = new KnownHosts([line('power', ONE), `@revoked ${line('*', ONE)}`].join('\n'));
    expect(known.check('power', 22, ONE)).toEqual({ kind: 'revoked' });
  });

  it('trusts nothing on the word of a certificate authority', () => {
    const known = new KnownHosts(`@cert-authority ${line('*.example', ONE)}`);
    expect(known.check('p9.example', 22, ONE)).toEqual({ kind: 'unknown', authority: true });
    expect(known.keyTypes('p9.example', 22)).toEqual([]);
  });

  it('ignores lines that are none', () => {
    const text = ['# power ssh-ed25519 AAAA', '', 'power', 'power ssh-ed25519', `@unheard ${line('power', ONE)}`, `power ssh-rsa ${ONE.toString('base64')}`].join('\n');
    expect(new KnownHosts(text).check('power', 22, ONE)).toEqual({ kind: 'unknown', authority: false });
  });

  it('needs the file that the user named, and none of the usual ones', () => {
    expect(() => KnownHosts.read(['/nowhere/known_hosts'], true)).toThrow(UsageError);
    expect(KnownHosts.read(['/nowhere/known_hosts'], false).check('power', 22, ONE).kind).toBe('unknown');
  });

  it('shows fingerprints as ssh does', () => {
    expect(fingerprint(Buffer.from('AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl', 'base64'))).toBe('SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU');
  });
});
