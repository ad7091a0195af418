/** A client for QEMU's machine protocol: one JSON object per line, each way. */

import type { Readable, Writable } from 'node:stream';

import { stringify } from '../reference/doors/json.js';

interface QmpMessage {
  readonly return?: unknown;
  readonly error?: { readonly desc: string };
  readonly event?: string;
}

interface Waiter {
  readonly resolve: (value: unknown) => void;
  readonly reject: (reason: Error) => void;
}

const SINGLE_LINE = 0;

/** Speaks with one QEMU, over the standard streams of its process or over a socket. */
export class QmpClient {
  readonly #commands: Waiter[] = [];
  readonly #events = new Map<string, Waiter[]>();
  #partial = '';
  #closed: Error | undefined;

  constructor(
    private readonly input: Writable,
    output: Readable,
  ) {
    output.setEncoding('utf8');
    output.on('data', (text: string) => this.#receive(text));
    output.on('close', () => this.#close(new Error('QEMU closed its machine protocol')));
    input.on('error', (error) => this.#close(error));
    this.execute('qmp_capabilities').catch(() => undefined);
  }

  /** Runs a command; resolves to QEMU's answer, rejects on its error or its death. */
  execute(command: string, args: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#closed !== undefined) {
        reject(this.#closed);
        return;
      }
      this.#commands.push({ resolve, reject });
      this.input.write(`${stringify({ execute: command, arguments: args }, SINGLE_LINE)}\n`);
    });
  }

  /** Resolves at the next event of that name. Ask before causing the event. */
  event(name: string): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const waiters = this.#events.get(name) ?? [];
      this.#events.set(name, [...waiters, { resolve, reject }]);
    });
  }

  #receive(text: string): void {
    const lines = (this.#partial + text).split('\n');
    this.#partial = lines.pop() ?? '';
    for (const line of lines) if (line.trim() !== '') this.#dispatch(JSON.parse(line) as QmpMessage);
  }

  #dispatch(message: QmpMessage): void {
    if (message.event !== undefined) {
      const waiters = this.#events.get(message.event) ?? [];
      this.#events.delete(message.event);
      for (const { resolve } of waiters) resolve(undefined);
    } else if (message.error !== undefined) {
      this.#commands.shift()?.reject(new Error(message.error.desc));
    } else if (message.return !== undefined) {
      this.#commands.shift()?.resolve(message.return);
    }
  }

  #close(reason: Error): void {
    this.#closed ??= reason;
    const waiters = [...this.#commands.splice(0), ...[...this.#events.values()].flat()];
    this.#events.clear();
    for (const { reject } of waiters) reject(this.#closed);
  }
}
