/** QEMU's machine protocol on the socket of a running machine: one connection per question, so that nobody keeps others out. */

import { connect } from 'node:net';

import { QmpClient } from '../qmp.js';
import { TargetLost } from '../target.js';

const ANSWER_TIMEOUT_MS = 20_000;

/**
 * Runs one command of QEMU's machine protocol and returns its answer.
 *
 * @param socket path of the machine's QMP socket
 * @throws TargetLost when the machine is gone, does not answer within 20 s, or refuses the command
 */
export async function qmp(socket: string, command: string, args: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
  const connection = connect(socket);
  connection.setTimeout(ANSWER_TIMEOUT_MS, () => connection.destroy(new Error(`nothing for ${ANSWER_TIMEOUT_MS / 1000} s`)));
  try {
    return await new QmpClient(connection, connection).execute(command, args);
  } catch (error) {
    throw new TargetLost(`expected an answer to ${command} from '${socket}', but saw: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    connection.destroy();
  }
}

/** Runs a command of the human monitor and returns what it prints. */
export async function humanMonitor(socket: string, line: string): Promise<string> {
  return String(await qmp(socket, 'human-monitor-command', { 'command-line': line }));
}
