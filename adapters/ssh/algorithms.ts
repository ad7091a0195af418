import type { Algorithms, ServerHostKeyAlgorithm } from 'ssh2';

/** Signatures for each type of host key; SHA-1 is not among them. */
const HOST_KEYS: Readonly<Record<string, readonly ServerHostKeyAlgorithm[]>> = {
  'ssh-ed25519': ['ssh-ed25519'],
  'ecdsa-sha2-nistp256': ['ecdsa-sha2-nistp256'],
  'ecdsa-sha2-nistp384': ['ecdsa-sha2-nistp384'],
  'ecdsa-sha2-nistp521': ['ecdsa-sha2-nistp521'],
  'ssh-rsa': ['rsa-sha2-512', 'rsa-sha2-256'],
};

/**
 * The algorithms to offer: those of OpenSSH's own list that ssh2 has. Types of host keys that are known come first, so that
 * the host shows one that can be compared.
 *
 * @param knownTypes such as `ssh-ed25519`
 */
export function algorithms(knownTypes: readonly string[]): Algorithms {
  const types = [...new Set([...knownTypes, ...Object.keys(HOST_KEYS)])];
  return {
    kex: [
      'curve25519-sha256',
      'curve25519-sha256@libssh.org',
      'ecdh-sha2-nistp256',
      'ecdh-sha2-nistp384',
      'ecdh-sha2-nistp521',
      'diffie-hellman-group-exchange-sha256',
      'diffie-hellman-group16-sha512',
      'diffie-hellman-group18-sha512',
      'diffie-hellman-group14-sha256',
    ],
    cipher: ['chacha20-poly1305@openssh.com', 'aes128-gcm@openssh.com', 'aes256-gcm@openssh.com', 'aes128-ctr', 'aes192-ctr', 'aes256-ctr'],
    hmac: ['hmac-sha2-256-etm@openssh.com', 'hmac-sha2-512-etm@openssh.com', 'hmac-sha2-256', 'hmac-sha2-512'],
    serverHostKey: types.flatMap((type) => HOST_KEYS[type] ?? []),
    compress: ['none'],
  };
}
