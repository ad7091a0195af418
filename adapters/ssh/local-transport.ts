import { childChannel } from './child-channel.js';
import type { Transport } from './transport.js';

/** No host at all: the program runs on this machine. For tests, and for a machine that is itself the system under test. */
export const localTransport: Transport = {
  name: 'local',
  exec: (command) => Promise.resolve(childChannel('/bin/sh', ['-c', command], () => undefined)),
};
