/** QEMU's qtest protocol beside a running guest: single accesses to the machine's registers, one connection per task. */

import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';

import { TargetLost } from '../target.js';

const ANSWER_TIMEOUT_MS = 10_000;

/** Accesses registers, one after another. Addresses are the machine's own. */
export interface Registers {
  /** Reads 64 bits. @throws TargetLost */
  read(address: bigint): Promise<bigint>;
  /** Writes 64 bits. @throws TargetLost */
  write(address: bigint, value: bigint): Promise<void>;
}

/** Does something with a machine's registers. @param socket path of its qtest socket @throws TargetLost */
export async function withRegisters<T>(socket: string, task: (registers: Registers) => Promise<T>): Promise<T> {
  const connection = connect(socket);
  connection.setTimeout(ANSWER_TIMEOUT_MS, () => connection.destroy(new Error(`nothing for ${ANSWER_TIMEOUT_MS / 1000} s`)));
  try {
    return await task(new Conversation(connection));
  } catch (error) {
    if (error instanceof TargetLost) throw error;
    throw new TargetLost(`expected the registers of '${socket}' to answer, but saw: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    connection.destroy();
  }
}

class Conversation implements Registers {
  readonly #lines: AsyncIterator<string, undefined>;

  constructor(private readonly connection: Socket) {
    this.#lines = linesOf(connection);
  }

  async read(address: bigint): Promise<bigint> {
    return BigInt(await this.#ask(`readq 0x${address.toString(16)}`));
  }

  async write(address: bigint, value: bigint): Promise<void> {
    await this.#ask(`writeq 0x${address.toString(16)} 0x${value.toString(16)}`);
  }

  /** Sends a command; returns what stands behind `OK`. */
  async #ask(command: string): Promise<string> {
    this.connection.write(`${command}\n`);
    const { value } = await this.#lines.next();
    if (value === undefined) throw new Error('the connection has ended');
    if (!value.startsWith('OK')) throw new Error(`'${value}' to '${command}'`);
    return value.slice(2).trim();
  }
}

async function* linesOf(connection: Socket): AsyncGenerator<string, undefined> {
  // An error of the socket is one of its lines, or nobody hears of it.
  const input = createInterface({ input: connection, crlfDelay: Infinity });
  let failed: Error | undefined;
  connection.on('error', (error) => {
    failed = error;
    input.close();
  });
  for await (const line of input) yield line;
  if (failed !== undefined) throw failed;
  return undefined;
}
