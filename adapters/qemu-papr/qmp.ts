/** A client for QEMU's machine protocol (one JSON object per line) on the standard streams of its process. */

import type { Readable, Writable } from 'node:stream';

interface QmpMessage {
  readonly return?: unknown;
  readonly error?: { readonly desc: string };
  readonly event?: string;
}

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (reason: Error) => void;
}

export class QmpClient {
  readonly #commands: Waiter[] = [];
  readonly #events = new Map<string, Waiter[]>();
  #partial = '';
  #closed = false;

  constructor(
    private readonly input: Writable,
    output: Readable,
  ) {
    output.setEncoding('utf8');
    output.on('data', (text: string) => this.#receive(text));
    output.on('close', () => this.#close());
    input.on('error', () => this.#close());
    this.execute('qmp_capabilities').catch(() => undefined);
  }

  /** Runs a command; resolves when QEMU has answered, rejects on its error or its death. */
  execute(command: string): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#closed) {
        reject(new Error(`QEMU was gone before ${command}`));
        return;
      }
      this.#commands.push({ resolve, reject });
      this.input.write(`${JSON.stringify({ execute: command })}\n`);
    });
  }

  /** Resolves at the next event of that name. Ask before causing the event. */
  event(name: string): Promise<void> {
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
      for (const { resolve } of waiters) resolve();
    } else if (message.error !== undefined) {
      this.#commands.shift()?.reject(new Error(message.error.desc));
    } else if (message.return !== undefined) {
      this.#commands.shift()?.resolve();
    }
  }

  #close(): void {
    this.#closed = true;
    const waiters = [...this.#commands.splice(0), ...[...this.#events.values()].flat()];
    this.#events.clear();
    for (const { reject } of waiters) reject(new Error('QEMU closed its machine protocol'));
  }
}
