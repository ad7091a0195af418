import { spawnSync } from 'node:child_process';
import { connect } from 'node:net';
import type { LabMachine } from '../../adapters/lab/index.js';
import { findLabMachine, labMachines } from '../../adapters/lab/list.js';
import { UsageError } from '../../adapters/target.js';
import { findCpu, findPlatform } from './platforms.js';

/** What a user may say about a machine to start. */
export interface LabUpOptions {
  readonly kernel?: string;
  readonly cpu?: string;
  readonly snapshot?: true;
  readonly qemu?: string;
}

/** `lab up`: a machine that goes on running until `lab down`. */
export async function labUp(platformName: string, { kernel, cpu, snapshot, qemu }: LabUpOptions): Promise<string> {
  // What starting a machine needs is loaded here: no other command waits for it.
  const { startLab } = await import('../../adapters/lab/start.js');
  const machine = await startLab({
    platform: findPlatform(platformName),
    cpu: findCpu(cpu),
    from: snapshot === true ? 'snapshot' : 'boot',
    detached: true,
    ...(kernel === undefined ? {} : { kernel }),
    ...(qemu === undefined ? {} : { qemu }),
    progress: (line) => console.error(line),
  });
  return labText(machine);
}

/** `lab down`: one machine, or all of them. */
export async function labDown(id: string | undefined): Promise<string> {
  const machines = id === undefined ? labMachines() : [findLabMachine(id)];
  for (const machine of machines) await machine.stop();
  return machines.length === 0 ? 'No lab machine runs.' : `Ended: ${machines.map((machine) => machine.id).join(', ')}.`;
}

/** `lab list`: what runs. */
export const labList = (): string => labMachines().map(labText).join('\n\n') || 'No lab machine runs.';

/** `lab ssh`: a shell, or a command, in the guest. Returns its exit status. */
export function labSsh(id: string | undefined, command: readonly string[]): number {
  const machine = findLabMachine(id);
  const { status, error } = spawnSync('ssh', [...sshArguments(machine), ...command], { stdio: 'inherit' });
  if (error !== undefined) throw new UsageError(`Expected the program ssh; got: ${error.message}. Install openssh-client.`);
  return status ?? 255;
}

/** `lab console`: the guest's console, until end of input. */
export function labConsole(id: string | undefined): Promise<number> {
  const socket = connect(findLabMachine(id).consoleSocket);
  process.stdin.pipe(socket);
  socket.pipe(process.stdout);
  return new Promise((resolve) => socket.on('error', () => resolve(3)).on('close', () => resolve(0)));
}

const sshArguments = ({ identity, knownHosts, sshPort }: LabMachine): string[] => [
  ...['-i', identity, '-o', `UserKnownHostsFile=${knownHosts}`, '-o', 'StrictHostKeyChecking=yes', '-o', 'IdentitiesOnly=yes'],
  ...['-p', String(sshPort), 'root@127.0.0.1'],
];

/** How a machine is reached. */
function labText(machine: LabMachine): string {
  const devices = machine.pes.flatMap((pe) => pe.devices).map((device) => `--device ${device}`);
  return [
    `${machine.id}: ${machine.record.kernel}, ${machine.running ? 'runs' : 'has ended'}`,
    `  shell    ssh ${sshArguments(machine).join(' ')}`,
    `  console  ${machine.console.path}`,
    `  as host  --target ssh://root@127.0.0.1:${machine.sshPort} --known-hosts ${machine.knownHosts} --identity ${machine.identity} ${devices.join(' ')}`,
  ].join('\n');
}
