import type { UsageError } from '../target.js';
import { fingerprint, KnownHosts } from './known-hosts.js';
import type { SshSettings } from './ssh-settings.js';
import { hostKeyChanged, hostKeyRevoked, hostKeyUnknown } from './trouble.js';
import { sshUrl } from './url.js';

const NO_CERTIFICATES = 'known_hosts has only a certificate authority for it, which this transport does not support (the transport openssh does)';

/** The check of one host's key. It is strict: what is not known is refused. */
export class HostKeyCheck {
  /** Why the key was refused. */
  refusal: UsageError | undefined;
  readonly #known: KnownHosts;
  readonly #host: string;
  readonly #name: string;

  /** @throws UsageError where the known_hosts file that the user named cannot be read */
  constructor(private readonly settings: SshSettings) {
    this.#known = KnownHosts.read(settings.knownHostsFiles, settings.named.knownHosts);
    this.#host = settings.hostKeyAlias ?? settings.host;
    this.#name = sshUrl(settings);
  }

  /** Types of the keys that are known of the host. */
  get knownTypes(): string[] {
    return this.#known.keyTypes(this.#host, this.settings.port);
  }

  /** True where the host is the one it should be; otherwise `refusal` says why not. */
  accepts(key: Buffer): boolean {
    const seen = fingerprint(key);
    const verdict = this.#known.check(this.#host, this.settings.port, key);
    if (verdict.kind === 'revoked') this.refusal = hostKeyRevoked(this.#name, seen);
    if (verdict.kind === 'changed') this.refusal = hostKeyChanged(this.#name, verdict.expected.join(' or '), seen);
    if (verdict.kind === 'unknown') this.refusal = hostKeyUnknown(this.#name, seen, verdict.authority ? NO_CERTIFICATES : undefined);
    return verdict.kind === 'known';
  }
}
