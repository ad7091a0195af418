import { readFileSync } from 'node:fs';
import { utils, type AnyAuthMethod } from 'ssh2';
import { UsageError } from '../target.js';
import type { SshSettings } from './ssh-settings.js';

/** The ways to log in, in order: key files, then the SSH agent. What cannot be used is told in `unused`. */
export interface Identities {
  readonly methods: AnyAuthMethod[];
  /** `~/.ssh/id_rsa (has a passphrase)`. */
  readonly unused: readonly string[];
}

/** @throws UsageError where a key file that the user named cannot be used */
export function identitiesOf({ user, identityFiles, agent, named }: SshSettings): Identities {
  const methods: AnyAuthMethod[] = [];
  const unused: string[] = [];
  for (const file of identityFiles) {
    const text = textOf(file);
    const key = text === undefined ? new Error('cannot be read') : utils.parseKey(text);
    if (!(key instanceof Error)) methods.push({ type: 'publickey', username: user, key });
    else if (named.identity) throw new UsageError(`expected a private key without passphrase in ${file}, but saw: ${key.message}; name another one, or load it into your SSH agent`);
    else if (text !== undefined) unused.push(`${file} (${key.message})`);
  }
  if (agent !== undefined && agent !== '') methods.push({ type: 'agent', username: user, agent });
  return { methods, unused };
}

function textOf(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch {
    return undefined;
  }
}
