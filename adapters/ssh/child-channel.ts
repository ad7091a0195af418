import { spawn } from 'node:child_process';
import { tailOf, type Channel, type ChannelEnd } from './transport.js';

/**
 * A program of this machine as a channel. It has a session of its own, so that Ctrl-C reaches this process only, which
 * then ends it in order.
 */
export function childChannel(program: string, args: readonly string[], failureOf: (end: ChannelEnd) => Error | undefined): Channel {
  const child = spawn(program, args, { stdio: 'pipe', detached: true });
  const stderr = tailOf(child.stderr);
  // A program that has ended takes no input; `ended` tells.
  child.stdin.on('error', () => undefined);
  const ended = new Promise<ChannelEnd>((resolve) => {
    child.once('error', (error) => resolve({ stderr: stderr(), failure: error }));
    child.once('close', (code, signal) => {
      const end: ChannelEnd = { stderr: stderr(), ...(code !== null && { code }), ...(signal !== null && { signal }) };
      const failure = failureOf(end);
      resolve({ ...end, ...(failure !== undefined && { failure }) });
    });
  });
  return { input: child.stdin, output: child.stdout, ended, destroy: () => void child.kill('SIGKILL') };
}
