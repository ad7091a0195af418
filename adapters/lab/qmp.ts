/** QEMU's machine protocol on the socket of a running machine: one connection per question, so that nobody keeps others out. */

import { connect, type Socket } from 'node:net';

import { stringify } from '../../reference/doors/json.js';
import { TargetLost } from '../target.js';

interface QmpMessage {
  readonly return?: unknown;
  readonly error?: { readonly desc: string };
  readonly event?: string;
}

const ANSWER_TIMEOUT_MS = 20_000;
const SINGLE_LINE = 0;

/**
 * Runs one command of QEMU's machine protocol and returns its answer.
 *
 * @param socket path of the machine's QMP socket
 * @throws TargetLost when the machine is gone, does not answer within 20 s, or refuses the command
 */
export async function qmp(socket: string, command: string, args: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
  const connection = connect(socket);
  const expected = `expected an answer to ${command} from '${socket}'`;
  try {
    const [, answer] = await answers(connection, [{ execute: 'qmp_capabilities' }, { execute: command, arguments: args }]);
    if (answer?.error !== undefined) throw new Error(answer.error.desc);
    return answer?.return;
  } catch (error) {
    throw new TargetLost(`${expected}, but saw: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    connection.destroy();
  }
}

/** Runs a command of the human monitor and returns what it prints. */
export async function humanMonitor(socket: string, line: string): Promise<string> {
  return String(await qmp(socket, 'human-monitor-command', { 'command-line': line }));
}

function answers(connection: Socket, commands: readonly object[]): Promise<QmpMessage[]> {
  return new Promise((resolve, reject) => {
    const received: QmpMessage[] = [];
    let partial = '';
    connection.setEncoding('utf8').setTimeout(ANSWER_TIMEOUT_MS, () => reject(new Error(`nothing for ${ANSWER_TIMEOUT_MS / 1000} s`)));
    connection.on('error', reject).on('close', () => reject(new Error('the connection was closed')));
    connection.on('data', (text: string) => {
      const lines = (partial + text).split('\n');
      partial = lines.pop() ?? '';
      const messages = lines.filter((line) => line.trim() !== '').map((line) => JSON.parse(line) as QmpMessage);
      received.push(...messages.filter(({ return: value, error }) => value !== undefined || error !== undefined));
      if (received.length >= commands.length) resolve(received);
    });
    for (const command of commands) connection.write(`${stringify(command, SINGLE_LINE)}\n`);
  });
}
