/** Starting a lab machine, from what a user says to a guest that takes SSH connections. */

import { UsageError } from '../target.js';
import { blueprintOf, bootTimeout, type LabOptions } from './blueprint.js';
import { powerOn, type Blueprint, type PowerOn } from './boot.js';
import type { LabMachine } from './machine.js';
import type { Progress } from './packages.js';
import { resume } from './snapshot.js';

/**
 * Starts a machine and waits until its guest takes SSH connections.
 *
 * @throws UsageError when something is missing on this machine or the options do not fit; TargetLost when the guest does not come up
 */
export async function startLab(options: LabOptions): Promise<LabMachine> {
  const { platform, from = 'boot', detached = false, progress = () => undefined } = options;
  if (platform === 'powernv' && from === 'snapshot') {
    throw new UsageError('expected a cold start for powernv, but saw a snapshot, from which QEMU never resumes that machine; leave it out');
  }
  const timeoutMs = bootTimeout(options);
  const blueprint = await blueprintOf(options, progress);
  const how = { detached, from };
  const machine = await (from === 'snapshot' ? resume(blueprint, how, timeoutMs, progress) : boot(blueprint, how, timeoutMs, progress));
  if (detached) machine.outlive();
  return machine;
}

async function boot(blueprint: Blueprint, how: PowerOn, timeoutMs: number, progress: Progress): Promise<LabMachine> {
  progress(`booting ${blueprint.hardware.platform}`);
  const machine = await powerOn(blueprint, how);
  try {
    await machine.waitReady(timeoutMs);
    return machine;
  } catch (error) {
    await machine.stop();
    throw error;
  }
}
