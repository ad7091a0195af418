import type { Readable, Writable } from 'node:stream';

/** A program that runs on a host, and its streams. */
export interface Channel {
  readonly input: Writable;
  readonly output: Readable;
  /** Resolves when the program or the connection has ended. Never rejects. */
  readonly ended: Promise<ChannelEnd>;
  /** Cuts the connection off. */
  destroy(): void;
}

/** How a channel ended. */
export interface ChannelEnd {
  /** Exit status of the program. */
  readonly code?: number;
  /** Signal that ended the program. */
  readonly signal?: string;
  /** What it wrote to its standard error; the last 4 KiB. */
  readonly stderr: string;
  /** The connection failed, not the program: why. */
  readonly failure?: Error;
}

/** A way to a host. */
export interface Transport {
  /** For messages: `ssh://root@power.example`. */
  readonly name: string;
  /**
   * Starts a program on the host, by a command of its shell.
   *
   * @throws TargetLost where the host cannot be reached; UsageError where it must not be trusted, or does not let us in
   */
  exec(command: string): Promise<Channel>;
}

const KEPT_BYTES = 4096;

/** Keeps the last of what comes out of a stream. */
export function tailOf(stream: Readable): () => string {
  let text = '';
  stream.setEncoding('utf8').on('data', (part: string) => (text = (text + part).slice(-KEPT_BYTES)));
  return () => text;
}
