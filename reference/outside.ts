import type { PlatformOperation } from './doors/operations.js';
import { keepTo, raise, type EehPe } from './eeh/pe.js';
import { endRedirections } from './papr/redirections.js';
import { DEVICE_BUFFER_BYTES } from './tce/device.js';
import { addDefaultWindow, buildMachine, defaultLives, findWindow, removeWindow, type Machine, type Pe } from './machine.js';

/** What somebody other than the partition does to the machine. Returns the machine that is there afterwards. */
export function performPlatform(machine: Machine, operation: PlatformOperation, liobn: bigint): Machine {
  switch (operation.op) {
    case 'reboot':
      return reboot(machine);
    case 'rescind-table': {
      const window = findWindow(machine, liobn);
      if (window !== undefined) window.rescinded = true;
      return machine;
    }
    case 'rescind-page':
      machine.rescindedPages.add(operation.address >> 12n);
      return machine;
    case 'disown-page':
      machine.foreignPages.add(operation.address >> 12n);
      return machine;
    case 'busy':
      machine.busy = { calls: operation.calls, status: operation.status };
      return machine;
    case 'entitlement':
      if (machine.cmo !== undefined) machine.cmo.entitlement = operation.bytes;
      return machine;
    case 'error':
      raise(eehOf(machine, operation.pe));
      return machine;
    case 'unavailable': {
      const pe = eehOf(machine, operation.pe);
      pe.busy = operation.answers;
      keepTo(pe, ['unavailable']);
      return machine;
    }
  }
}

function eehOf(machine: Machine, name: string): EehPe {
  const pe = machine.pes.get(name)?.eeh;
  if (pe === undefined) throw new Error(`The machine has no PE '${name}' with EEH.`);
  return pe;
}

/** One busy answer fewer is owed, if this was one. */
export function takeBusy(machine: Machine, clause: string): void {
  if (clause.endsWith('/busy') && machine.busy.calls > 0) machine.busy.calls -= 1;
}

/** Default windows alone; memory and what the entries hold are open, as LoPAR leaves them to the platform. */
function reboot(machine: Machine): Machine {
  endRedirections(machine);
  const next = buildMachine(machine.description);
  next.diverged = machine.diverged;
  for (const [name, pe] of machine.pes) {
    keepBuffers(pe, next.pes.get(name));
    const same = next.pes.get(name);
    if (same === undefined) continue;
    removeWindow(next, same, same.windows[0]!);
    same.defaultResidues = defaultLives(pe);
    addDefaultWindow(next, same);
  }
  for (const [liobn, { pane, table }] of machine.windows) {
    if (pane === 'first') next.windows.get(liobn)!.residues.push(table);
  }
  return next;
}

/** A device may lose its buffer at a reboot, or keep it. */
function keepBuffers(from: Pe, to: Pe | undefined): void {
  for (const [device, buffer] of from.buffers) {
    if (!buffer.untouched) to?.buffers.get(device)?.maybeStore(0, buffer.load(0, DEVICE_BUFFER_BYTES));
  }
}
