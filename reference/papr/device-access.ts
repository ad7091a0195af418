import type { DmaOperation } from '../doors/operations.js';
import { raise, trip } from '../eeh/pe.js';
import { dmaGoesOn } from '../eeh/states.js';
import type { Machine } from '../machine.js';
import type { AnyCall } from '../rules.js';
import { access } from '../tce/device.js';

/** A device of the partition reads or writes memory; where its PE has EEH, what is refused stops it. Returns the rules that decide. */
export function partitionAccess(machine: Machine, rules: AnyCall, operation: DmaOperation, iova: bigint): readonly string[] {
  const pe = machine.pes.get(operation.device.split('.')[0]!)?.eeh;
  if (pe === undefined) return access(machine, rules, operation, iova).clauses;
  trip(pe, `dma-${operation.op}`);
  if (!dmaGoesOn(pe.states[0])) {
    access(machine, rules, operation, iova, 'surely');
    return ['eeh/stopped-dma'];
  }
  const { clauses } = access(machine, rules, operation, iova);
  if (clauses.every((clause) => clause === 'dma/translated')) return clauses;
  raise(pe);
  return [...clauses, 'eeh/error-stops'];
}
