/** The machines that run now, whoever started them. */

import { UsageError } from '../target.js';
import { LabMachine } from './machine.js';
import { records } from './registry.js';

/** This user's lab machines, the oldest first; also a detached one that has died and was not stopped yet. */
export function labMachines(): LabMachine[] {
  return records()
    .filter(({ sshPort }) => sshPort !== 0)
    .map((record) => new LabMachine(record));
}

/**
 * One of them.
 *
 * @param id its name, or the beginning of it: `pseries` where only one such machine runs; may be left out where only one runs
 * @throws UsageError when none or several match
 */
export function findLabMachine(id = ''): LabMachine {
  const machines = labMachines().filter((machine) => machine.id.startsWith(id));
  const [machine] = machines;
  if (machine !== undefined && machines.length === 1) return machine;
  const running = labMachines().map((each) => each.id);
  const seen = running.length === 0 ? 'none runs' : `these run: ${running.join(', ')}`;
  throw new UsageError(`expected one lab machine named '${id}', but ${seen}; start or name one`);
}
