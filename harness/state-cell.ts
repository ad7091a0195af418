import type { MachineDescription } from '../reference/description.js';
import type { Observation, Trace } from '../reference/doors/observation.js';
import type { Operation } from '../reference/doors/operations.js';
import { STATE_TABLE } from '../reference/eeh/state-table.js';
import { PE_STATES, STATE_NUMBER } from '../reference/eeh/states.js';
import { syscallResultName } from '../reference/uapi/errno.js';
import { rtasStatus, rtasStatusName } from '../reference/uapi/rtas.js';
import type { CellRecord } from '../reports/run-record.js';

/** The cell of the table of states that a scenario shows, with what the system did; undefined for one that shows none. */
export function stateCell(id: string, trace: Trace, { linux }: MachineDescription): CellRecord | undefined {
  const door = linux === undefined ? 'rtas' : (`vfio:${linux.platform}` as const);
  const cell = STATE_TABLE.find((candidate) => candidate.scenario === id && candidate.door === door);
  if (cell === undefined) return undefined;
  const { operation, state, allowed } = cell;
  return { door, operation, state, allowed, did: whatItDid(trace) };
}

/** The call, and the first question for the same PE's state after it: `0 → dma-stopped (4)`. */
function whatItDid({ program, observations }: Trace): string {
  const answers = program.operations.flatMap((operation, i) => (isEehCall(operation) ? [{ operation, observation: observations[i]! }] : []));
  const about = answers.filter(({ operation }) => subject(operation) === subject(answers[0]!.operation));
  const [call, after] = about.slice(-2);
  return call === undefined || after === undefined ? 'nothing' : `${resultOf(call.observation)} → ${stateOf(after.observation)}`;
}

const isEehCall = (operation: Operation): boolean =>
  operation.audit !== true && ((operation.door === 'papr' && operation.op === 'rtas') || (operation.door === 'vfio' && operation.op === 'ioctl' && operation.call === 'VFIO_EEH_PE_OP'));

/** Whose state: the PE of a partition's call by its name. */
const subject = (operation: Operation): string => {
  const [address] = operation.door === 'papr' && operation.op === 'rtas' ? operation.args : [];
  return typeof address === 'object' ? address.from : '';
};

function resultOf(observation: Observation): string {
  if (observation.kind === 'rtas') return rtasStatusName(rtasStatus(observation.rets[0]!));
  return observation.kind === 'syscall' ? syscallResultName(observation.result) : observation.kind;
}

/** Of a number that stands for several states only the number is known. */
function stateOf(observation: Observation): string {
  const number = observation.kind === 'rtas' ? observation.rets[1] : observation.kind === 'syscall' ? Number(observation.result) : undefined;
  if (number === undefined || number < 0) return resultOf(observation);
  const names = PE_STATES.filter((state) => STATE_NUMBER[state] === number);
  return names.length === 1 ? `${names[0]!} (${number})` : String(number);
}
