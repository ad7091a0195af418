import { UsageError } from '../target.js';

/** Where a host is, as the user said it; what was not said is decided by OpenSSH's configuration, or by SSH's defaults. */
export interface SshAddress {
  readonly host: string;
  readonly user?: string;
  /** 1 to 65535. */
  readonly port?: number;
}

/** SSH's port where nobody says another. */
export const SSH_PORT = 22;

const SCHEME = 'ssh:';
/** No character that means something to a shell or to ssh, and no `-` in front. */
const NAME = /^[\w][\w.:%-]*$/;

/** Reads `ssh://user@host:port`; an IPv6 address stands in brackets. @throws UsageError */
export function parseSshUrl(text: string): SshAddress {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const refuse = (seen: string): never => {
    throw new UsageError(`expected a host as ssh://user@host:port, but saw ${seen}; write it like ssh://root@power.example:22`);
  };
  if (url?.protocol !== SCHEME) return refuse(`'${text}'`);
  if (url.password !== '') return refuse('a password in it (use a key or an SSH agent)');
  if (!['', '/'].includes(url.pathname) || url.search !== '' || url.hash !== '') return refuse(`something after the host in '${text}'`);
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const user = decodeURIComponent(url.username);
  if (!NAME.test(host)) return refuse(`'${host}' for a host`);
  if (user !== '' && !NAME.test(user)) return refuse(`'${user}' for a user`);
  return { host, ...(user !== '' && { user }), ...(url.port !== '' && { port: Number(url.port) }) };
}

/** The address as the user would write it. */
export function sshUrl({ host, user, port }: SshAddress): string {
  const place = host.includes(':') ? `[${host}]` : host;
  return `ssh://${user === undefined ? '' : `${user}@`}${place}${port === undefined ? '' : `:${port}`}`;
}

/** Addresses of this machine itself: OpenSSH's configuration knows nothing of them. */
export const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || /^127(\.\d+){3}$/.test(host);
