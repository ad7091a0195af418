import type { Judgement } from '../judgement.js';
import type { MachineDescription, PeDescription } from '../description.js';
import type { PropertyRead } from '../doors/operations.js';
import { decodeCells } from '../uapi/cells.js';
import {
  decodeDdwApplicable,
  decodeDmaWindow,
  encodeDdwApplicable,
  encodeDdwExtensions,
  encodeDmaWindow,
} from '../uapi/device-tree.js';
import { clause } from './ddw-checks.js';

const BINDING = 'LoPAR 2.9, app_papr_binding, LPAR Option Properties';

/** The clauses on what the device tree says of a PE's windows. */
export const PROPERTY_CLAUSES = [
  clause('ibm,dma-window/layout', 'One triple: LIOBN in one cell, bus address and size in two cells each.', BINDING),
  clause('ibm,dma-window/below-4g', 'The default window lies wholly below 4 GiB.'),
  clause('ibm,dma-window/size', 'The default window maps at least 256 MiB.', 'LoPAR 2.9, R1-[sec_io_req]-6'),
  clause('ibm,ddw-applicable/layout', 'Three different tokens: query, create and remove.', BINDING),
  clause('ibm,ddw-extensions/layout', 'A count, and at least that many cells after it.', 'LoPAR 2.9, DDW Option Extensions'),
] as const;

/** QEMU's and Linux's tokens mean nothing to anyone else: the model has its own. */
const TOKENS = { query: 0x2026, create: 0x2027, remove: 0x2028, reset: 0x2029 };

/** The property as the model's machine has it; empty where it is absent. Cells are big-endian. */
export function encodeProperty(machine: MachineDescription, operation: PropertyRead): Uint8Array {
  const pe = machine.pes.find((candidate) => candidate.name === operation.pe);
  return pe === undefined ? ABSENT : encodeOf(pe, operation.name);
}

const ABSENT = new Uint8Array();

function encodeOf({ ddw, defaultWindow }: PeDescription, name: PropertyRead['name']): Uint8Array {
  if (name === 'ibm,dma-window') return encodeDmaWindow(defaultWindow);
  if (ddw === undefined) return ABSENT;
  if (name === 'ibm,ddw-applicable') return encodeDdwApplicable(TOKENS);
  if (!ddw.reset) return ABSENT;
  const query6 = ddw.query6 || ddw.limited ? [Number(ddw.query6)] : [];
  return encodeDdwExtensions([TOKENS.reset, ...query6, ...(ddw.limited ? [1] : [])]);
}

/** Judges the bytes of a property, against the architecture and against the machine's description. */
export function judgeProperty(machine: MachineDescription, operation: PropertyRead, bytes: Uint8Array): Judgement {
  const checks = CHECKS[operation.name](bytes, machine.pes.find((pe) => pe.name === operation.pe)?.ddw !== undefined);
  const departures = checks
    .filter((check) => !check.holds)
    .map((check) => ({ clause: check.clause, expected: [check.expects], observed: Buffer.from(bytes).toString('hex') || 'absent' }));
  return { departures, allowed: [], clauses: checks.map((check) => check.clause) };
}

interface Check {
  readonly clause: string;
  readonly holds: boolean;
  readonly expects: string;
}

const CHECKS: Record<PropertyRead['name'], (bytes: Uint8Array, hasDdw: boolean) => Check[]> = {
  'ibm,dma-window': (bytes) => {
    const window = decodeDmaWindow(bytes);
    if (!window.ok) return [{ clause: 'ibm,dma-window/layout', holds: false, expects: 'five cells' }];
    const { start, size } = window.value;
    return [
      { clause: 'ibm,dma-window/layout', holds: size > 0n, expects: 'five cells with a size' },
      { clause: 'ibm,dma-window/below-4g', holds: start + size <= 1n << 32n, expects: 'start and end at most 4 GiB' },
      { clause: 'ibm,dma-window/size', holds: size >= 1n << 28n, expects: 'a size of at least 256 MiB' },
    ];
  },
  'ibm,ddw-applicable': (bytes, hasDdw) => {
    const tokens = decodeDdwApplicable(bytes);
    const holds = hasDdw ? tokens.ok && new Set(Object.values(tokens.value)).size === 3 : bytes.length === 0;
    return [{ clause: 'ibm,ddw-applicable/layout', holds, expects: 'three different tokens, or no property' }];
  },
  'ibm,ddw-extensions': (bytes) => {
    const cells = decodeCells(bytes);
    const [count, ...list] = cells.ok ? cells.value : [Infinity];
    const holds = count === undefined || list.length >= count;
    return [{ clause: 'ibm,ddw-extensions/layout', holds, expects: 'a count and at least that many cells' }];
  },
};
