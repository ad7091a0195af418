/** Bringing up QEMU with a machine in it. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Qemu } from '../qemu.js';
import { TargetLost, UsageError } from '../target.js';
import { atEnd } from './cleanup.js';
import { driveContent, FILES, labPes, qemuArguments, type Hardware } from './hardware.js';
import { launchQemu, SAVED_STATE_FD } from './launch.js';
import { LabMachine } from './machine.js';
import { machineDirectory, record, register, type MachineRecord } from './registry.js';
import type { Identity } from './ssh-identity.js';
import { waitFor } from './wait.js';

const QEMU_START_TIMEOUT_MS = 20_000;

/** Everything a machine is made of, present on this machine. */
export interface Blueprint {
  readonly hardware: Hardware;
  readonly qemu: Qemu;
  /** The kernel as it was asked for, and its file. */
  readonly kernel: string;
  readonly image: string;
  readonly initrd: string;
  readonly identity: Identity;
}

/** How this one is started. */
export interface PowerOn {
  readonly detached: boolean;
  readonly from: MachineRecord['from'];
  /** Open file with a saved machine, to start from. */
  readonly savedState?: number;
}

/**
 * Starts QEMU; the guest has just begun. The machine goes when this process ends, until it is told to `outlive` it.
 *
 * @throws UsageError when QEMU refuses to start, with the reason it gives; TargetLost when the host is too slow
 */
export async function powerOn(blueprint: Blueprint, { detached, from, savedState }: PowerOn): Promise<LabMachine> {
  const { hardware, qemu, kernel, image, initrd, identity } = blueprint;
  const { platform, cpu, memoryMib } = hardware;
  const about = { platform, cpu, kernel, qemu: qemu.version, memoryMib, pes: labPes(platform), detached, from, identity: identity.file };
  let machine = new LabMachine(register(about));
  const release = atEnd(() => machine.kill());
  const become = (more: Partial<MachineRecord>): LabMachine => (machine = new LabMachine(record({ ...machine.record, ...more }), release));
  const directory = machineDirectory(machine.id);
  try {
    writeFileSync(join(directory, FILES.drive), driveContent(), { mode: 0o600 });
    const incoming = savedState === undefined ? [] : ['-incoming', `fd:${SAVED_STATE_FD}`];
    const args = [...qemuArguments(hardware, image, initrd), ...incoming];
    become({ process: launchQemu(qemu, { directory, args, detached, savedState }) });
    become({ sshPort: await forwardedPort(machine) });
  } catch (error) {
    await machine.stop();
    throw error;
  }
  return machine;
}

/** The port that QEMU was given by the host for the guest's SSH. */
async function forwardedPort(machine: LabMachine): Promise<number> {
  const port = await waitFor(QEMU_START_TIMEOUT_MS, async () => {
    if (!machine.running) throw new UsageError(`expected QEMU to start ${machine.id}, but it has refused: ${machine.lastWords()}; look at the kernel and at the arguments for QEMU`);
    const forwards = await machine.monitor('info usernet').catch(() => '');
    const match = /TCP\[HOST_FORWARD\]\s+\d+\s+127\.0\.0\.1\s+(\d+)/.exec(forwards);
    return match === null ? undefined : Number(match[1]);
  });
  if (port !== undefined) return port;
  throw new TargetLost(`expected QEMU to forward a port to ${machine.id} within ${QEMU_START_TIMEOUT_MS / 1000} s, but it has not; look whether the host is overloaded`);
}
