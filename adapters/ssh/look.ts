import type { AgentLink } from './agent-link.js';
import { lookSchema } from './messages.js';

/** A look at a host's files; all that is asked at once travels at once. What is not there is undefined. */
export class Look {
  constructor(private readonly link: AgentLink) {}

  /** Contents of text files. */
  texts(paths: readonly string[]): Promise<(string | undefined)[]> {
    return this.#ask('text', paths, (seen) => seen as string);
  }

  /** Contents of binary files, up to 64 KiB each. */
  bytes(paths: readonly string[]): Promise<(Uint8Array | undefined)[]> {
    return this.#ask('bytes', paths, (seen) => new Uint8Array(Buffer.from(seen as string, 'hex')));
  }

  /** Names in folders, in order. */
  names(paths: readonly string[]): Promise<(readonly string[] | undefined)[]> {
    return this.#ask('names', paths, (seen) => seen as readonly string[]);
  }

  /** Where paths lead, all links followed. */
  real(paths: readonly string[]): Promise<(string | undefined)[]> {
    return this.#ask('real', paths, (seen) => seen as string);
  }

  /** Whether files may be read and written. */
  access(paths: readonly string[]): Promise<boolean[]> {
    return this.#ask('access', paths, (seen) => seen as boolean) as Promise<boolean[]>;
  }

  async #ask<T>(kind: string, paths: readonly string[], read: (seen: unknown) => T): Promise<(T | undefined)[]> {
    if (paths.length === 0) return [];
    const { seen } = await this.link.request({ do: 'look', at: paths.map((path) => ({ [kind]: path })) } as { do: string }, lookSchema);
    return seen.map((answer) => (answer === null ? undefined : read(answer)));
  }
}
