import type { Hcall, Operation, RtasCall } from '../../reference/doors/operations.js';
import { isReference, plus, type Term } from '../../reference/doors/term.js';
import type { RtasName } from '../../reference/uapi/rtas.js';

const PAGE = 0x1000n;

/**
 * The operations that look at what a call may have changed, allowed to or not: the entries it names, and the windows
 * of the PE. They are part of the program, so that a replay sees the same.
 */
export function auditOf(operation: Operation): Operation[] {
  if (operation.door !== 'papr') return [];
  if (operation.op === 'hcall') return auditHcall(operation);
  return operation.op === 'rtas' ? auditRtas(operation) : [];
}

function auditHcall({ call, args }: Hcall): Operation[] {
  const [liobn = 0n, ioba = 0n, , count = 1n] = args;
  switch (call) {
    case 'H_PUT_TCE':
      return [get(liobn, ioba)];
    case 'H_STUFF_TCE':
    case 'H_PUT_TCE_INDIRECT':
      return isReference(liobn) ? entriesOf(liobn, ioba, count) : [];
    case 'H_PUT_RTCE':
    case 'H_PUT_RTCE_INDIRECT':
    case 'H_REMOVE_RTCE':
      return auditCopies(args);
    default:
      return [];
  }
}

/** The entries of the server's table that a redirected mapping call names: its third argument on. */
function auditCopies([, , liobn = 0n, ioba = 0n, count = 1n]: readonly Term[]): Operation[] {
  return isReference(liobn) ? entriesOf(liobn, ioba, count) : [];
}

/** The first, the last and the one after the last of the entries named, as 4 KiB pages. */
function entriesOf(liobn: Term, ioba: Term, count: Term): Operation[] {
  const pages = isReference(count) || count > 513n ? 1n : count;
  const offsets = new Set([0n, pages > 0n ? (pages - 1n) * PAGE : 0n, pages * PAGE]);
  return [...offsets].map((offset) => get(liobn, plus(ioba, offset)));
}

function auditRtas({ call, args }: RtasCall): Operation[] {
  if (call === 'ibm,query-pe-dma-window') return [];
  const looked = LOOKS[call];
  if (looked === undefined) return [];
  const [first] = args;
  const pe = first !== undefined && isReference(first) ? first.from.split('.')[0] : undefined;
  if (pe === undefined || args.length < 3) return [];
  return [{ door: 'papr', op: 'rtas', ...looked, args: args.slice(0, 3), audit: true }];
}

const WINDOWS = { call: 'ibm,query-pe-dma-window', nret: 5 } as const;
const STATE = { call: 'ibm,read-slot-reset-state2', nret: 4 } as const;

/** What shows what a call has changed of a PE. */
const LOOKS: Readonly<Partial<Record<RtasName, Pick<RtasCall, 'call' | 'nret'>>>> = {
  'ibm,create-pe-dma-window': WINDOWS,
  'ibm,remove-pe-dma-window': WINDOWS,
  'ibm,reset-pe-dma-window': WINDOWS,
  'ibm,set-eeh-option': STATE,
  'ibm,set-slot-reset': STATE,
  'ibm,configure-pe': STATE,
  'ibm,slot-error-detail': STATE,
};

const get = (liobn: Term, ioba: Term): Operation => ({
  door: 'papr',
  op: 'hcall',
  call: 'H_GET_TCE',
  args: [liobn, ioba],
  audit: true,
});
