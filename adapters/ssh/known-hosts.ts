import { createHash, createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { SSH_PORT } from './url.js';
import { UsageError } from '../target.js';

/*
 * OpenSSH's known_hosts files (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"): plain and hashed names, `[host]:port`, patterns,
 * `@revoked`. A `@cert-authority` line trusts nothing here: host certificates are not supported.
 */

/** One line. */
interface Entry {
  readonly marker: 'key' | 'revoked' | 'authority';
  readonly names: string;
  /** The key as it goes over the wire. */
  readonly key: Buffer;
}

/** What the files say about a key that a host has shown. */
export type HostKeyVerdict =
  | { readonly kind: 'known' }
  | { readonly kind: 'revoked' }
  /** The files know other keys of the host: their fingerprints. */
  | { readonly kind: 'changed'; readonly expected: readonly string[] }
  /** `authority`: the files trust a certificate authority for the host, which this reader does not support. */
  | { readonly kind: 'unknown'; readonly authority: boolean };

export class KnownHosts {
  readonly #entries: readonly Entry[];

  /** @param text the lines of all files */
  constructor(text: string) {
    this.#entries = text.split('\n').flatMap(parseLine);
  }

  /** Reads files; of several some may be absent. @throws UsageError where one that the user named cannot be read */
  static read(files: readonly string[], named: boolean): KnownHosts {
    return new KnownHosts(files.map((file) => readFile(file, named)).join('\n'));
  }

  /** Judges a key that a host has shown. */
  check(host: string, port: number, key: Buffer): HostKeyVerdict {
    const entries = this.#of(host, port);
    const same = (marker: Entry['marker']): boolean => entries.some((entry) => entry.marker === marker && entry.key.equals(key));
    if (same('revoked')) return { kind: 'revoked' };
    if (same('key')) return { kind: 'known' };
    const expected = entries.filter(({ marker }) => marker === 'key').map((entry) => fingerprint(entry.key));
    if (expected.length > 0) return { kind: 'changed', expected };
    return { kind: 'unknown', authority: entries.some(({ marker }) => marker === 'authority') };
  }

  /** Types of the keys known for a host, such as `ssh-ed25519`: it is to show one of these. */
  keyTypes(host: string, port: number): string[] {
    const types = this.#of(host, port).filter(({ marker }) => marker === 'key').map(({ key }) => keyType(key));
    return [...new Set(types)];
  }

  #of(host: string, port: number): Entry[] {
    const name = placeName(host, port);
    return this.#entries.filter(({ names }) => matches(names, name));
  }
}

/** The name under which known_hosts has a host. */
export const placeName = (host: string, port: number): string => (port === SSH_PORT ? host : `[${host}]:${port}`).toLowerCase();

/** A key's fingerprint as ssh shows it. */
export const fingerprint = (key: Buffer): string => `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;

/** The type of a key, `ssh-ed25519`: the first string in it (RFC 4253, 6.6). */
export function keyType(key: Buffer): string {
  const length = key.length >= 4 ? key.readUInt32BE(0) : 0;
  return key.subarray(4, 4 + length).toString('latin1');
}

function readFile(file: string, named: boolean): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (!named) return '';
    throw new UsageError(`expected a known_hosts file at ${file}, but saw ${(error as Error).message}; name another one`);
  }
}

const MARKERS: Readonly<Record<string, Entry['marker']>> = { '@revoked': 'revoked', '@cert-authority': 'authority' };

function parseLine(line: string): Entry[] {
  const words = line.trim().split(/\s+/);
  if (words[0] === '' || words[0]?.startsWith('#') === true) return [];
  const marker = words[0]?.startsWith('@') === true ? MARKERS[words.shift()!] : 'key';
  const [names, type, encoded] = words;
  if (marker === undefined || names === undefined || encoded === undefined) return [];
  const key = Buffer.from(encoded, 'base64');
  return keyType(key) === type ? [{ marker, names, key }] : [];
}

function matches(names: string, place: string): boolean {
  if (names.startsWith('|')) return matchesHash(names, place);
  const patterns = names.toLowerCase().split(',');
  if (patterns.some((pattern) => pattern.startsWith('!') && matchesPattern(pattern.slice(1), place))) return false;
  return patterns.some((pattern) => matchesPattern(pattern, place));
}

/** `|1|salt|HMAC-SHA1 of the name`, both in base64. */
function matchesHash(names: string, place: string): boolean {
  const [, version, salt = '', hash = ''] = names.split('|');
  if (version !== '1') return false;
  return createHmac('sha1', Buffer.from(salt, 'base64')).update(place).digest().equals(Buffer.from(hash, 'base64'));
}

/** `*` stands for any characters, `?` for one. */
function matchesPattern(pattern: string, place: string): boolean {
  const expression = pattern.replace(/[\\^$.|+()[\]{}]/g, '\\$&').replaceAll('*', '.*').replaceAll('?', '.');
  return new RegExp(`^${expression}$`).test(place);
}
