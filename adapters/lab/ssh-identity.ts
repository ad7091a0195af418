/** The key with which the lab logs in to its machines. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { utils } from 'ssh2';

import { cached } from './cache.js';

/** A key pair on this machine. */
export interface Identity {
  /** OpenSSH private key, readable by its owner only. */
  readonly file: string;
  /** Line for authorized_keys. */
  readonly publicKey: string;
}

/** The lab's own key; made at its first use. */
export async function labIdentity(): Promise<Identity> {
  const directory = await cached('identity', (scratch) => {
    const pair = utils.generateKeyPairSync('ed25519', { comment: 'papr-lab' });
    writeFileSync(join(scratch, 'id_ed25519'), pair.private, { mode: 0o600 });
    writeFileSync(join(scratch, 'id_ed25519.pub'), `${pair.public}\n`);
    return Promise.resolve(scratch);
  });
  const file = join(directory, 'id_ed25519');
  return { file, publicKey: readFileSync(`${file}.pub`, 'utf8').trim() };
}
