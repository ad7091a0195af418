import type { Observation } from '../doors/observation.js';
import type { HostOperation } from '../doors/operations.js';
import type { Term } from '../doors/term.js';
import { E, syscallResultName } from '../uapi/errno.js';
import { conforms, departs } from '../judging.js';
import type { Judgement } from '../judgement.js';
import { forkMemory } from '../memory/process.js';
import { merged } from './checks.js';
import type { EehOperation } from './eeh-host.js';
import type { NotifyOperation } from './eeh-notify.js';
import { closeAll, loseGroup, releaseUnmapped } from './files.js';
import { groupOfDevice, makeProcess, type Driver, type Host, type Process } from './host.js';

/*
 * What the operating system around a program does and shows: processes, limits, drivers, the locked-memory ledger, the
 * kernel log, the hypervisor's view.
 */

/** Operations but those on error states. */
type Operation = Exclude<HostOperation, { op: 'together' } | EehOperation | NotifyOperation>;

const clause = merged('Linux 7.2 mm/util.c account_locked_vm; drivers/vfio/vfio_iommu_spapr_tce.c');

/** Clauses of what is seen from outside the calls. */
export const HOST_CLAUSES = [
  clause('ledger/pinned', 'What /dev/iommu has pinned of the memory that a process mapped counts as its pinned memory (VmPin), whoever is charged for it; VFIO for SPAPR TCE counts nothing there.', 'Linux 7.2 drivers/iommu/iommufd/pages.c iopt_pages_update_pinned; arch/powerpc/mm/book3s64/iommu_api.c'),
  clause('ledger/locked', 'The locked memory of a process is that of the windows, regions and enabled containers it pays for; what a refused call locked is given back.'),
  clause('log/quiet', 'No call of a user program makes the kernel log a warning, a bug or an oops.', 'Linux Documentation/process/coding-style.rst, WARN and BUG'),
  clause('witness/mapped', 'The hardware maps exactly what the program has mapped.', 'Linux arch/powerpc/kernel/iommu.c iommu_tce_xchg_no_kill'),
  clause('witness/lost', 'Every entry is cleared before its window goes.', 'Linux 4ba2fdff2eb1 vfio/spapr: Always clear TCEs before unsetting the window'),
  clause('driver/bound', 'A device that no user program holds can be given to another driver.', 'Linux Documentation/driver-api/vfio.rst'),
  clause('driver/works', "After a user program gave a device back, the host's driver does DMA as before.", 'Linux drivers/iommu/iommu.c iommu_device_release_dma_owner; a940904443e4'),
] as const;

/** What the model itself answers. */
export function hostAnswer(host: Host, operation: Operation, process: Process, value: (term: Term) => bigint): { observation: Observation; clauses: readonly string[] } {
  const observation = answerOf(host, operation, process);
  return { observation, clauses: performHost(host, operation, process, value, observation).clauses };
}

function answerOf(host: Host, operation: Operation, process: Process): Observation {
  switch (operation.op) {
    case 'ledger':
      return { kind: 'values', values: { locked: process.space.lockedPages, pinned: process.space.pinnedPages } };
    case 'log':
      return { kind: 'lines', lines: [] };
    case 'witness':
      return { kind: 'values', values: { mapped: mappedEntries(host, operation.pe), lost: host.lost.get(operation.pe) ?? 0n } };
    case 'disk':
      return { kind: 'bytes', bytes: host.sectors.get(operation.device) ?? new Uint8Array(SECTOR) };
    default:
      return { kind: 'syscall', result: 0n };
  }
}

/** Bytes of a disk's sector. */
const SECTOR = 512;

/** Does it, and judges what was seen. */
export function performHost(host: Host, operation: Operation, process: Process, value: (term: Term) => bigint, observed: Observation): Judgement {
  switch (operation.op) {
    case 'fork':
      host.processes.set(operation.as, forkProcess(host, operation.as, process));
      return succeeds(observed);
    case 'exit':
    case 'kill':
      endProcess(host, process);
      return succeeds(observed, 'close/closed');
    case 'limit':
      process.space.lockLimit = value(operation.bytes);
      return succeeds(observed);
    case 'bind':
      bind(host, operation.device, operation.driver);
      return succeeds(observed, 'driver/bound');
    case 'ledger':
      return judgeLedger(process, observed);
    case 'log':
      return judgeLog(host, observed);
    case 'witness':
      return judgeWitness(host, operation.pe, observed);
    case 'disk':
      return judgeDisk(host, operation.device, observed);
  }
}

function forkProcess(host: Host, name: string, parent: Process): Process {
  const child = makeProcess(name, forkMemory(parent.space, host.memory));
  for (const [descriptor, file] of parent.files) {
    file.users += 1;
    child.files.set(descriptor, file);
  }
  return child;
}

/** Gives a device to a driver; a group that vfio-pci has nothing of any more is lost to whoever has it open. */
function bind(host: Host, device: string, driver: Driver): void {
  const group = groupOfDevice(host, device);
  group.drivers.set(device, driver);
  if (![...group.drivers.values()].includes('vfio-pci')) loseGroup(host, group);
}

/** Closes what the process had open; its memory goes with it. */
function endProcess(host: Host, process: Process): void {
  closeAll(host, process);
  process.space.mappings = [];
  releaseUnmapped(host);
}

function judgeLedger(process: Process, observed: Observation): Judgement {
  const { locked, pinned } = observed.kind === 'values' ? observed.values : {};
  const { lockedPages, pinnedPages } = process.space;
  if (locked !== lockedPages) {
    if (locked !== undefined) process.space.lockedPages = locked;
    return departs('ledger/locked', `${lockedPages} pages`, `${locked ?? 'nothing'} pages`);
  }
  // Not every target looks.
  if (pinned === undefined) return conforms('ledger/locked');
  process.space.pinnedPages = pinned;
  return pinned === pinnedPages ? conforms('ledger/locked', 'ledger/pinned') : departs('ledger/pinned', `${pinnedPages} pages`, `${pinned} pages`);
}

/** What the kernel says when something is wrong with itself. */
export const LOG_TROUBLE = /WARNING:|BUG:|BUG |Oops|Kernel panic|Unable to handle|Bad page|Call Trace|refcount_t|use-after-free|soft lockup|blocked for more than|general protection|corruption|leak/;

function judgeLog({ mayLog }: Host, observed: Observation): Judgement {
  const told = observed.kind === 'lines' ? observed.lines.filter((line) => LOG_TROUBLE.test(line)) : [];
  const lines = told.filter((line) => !mayLog.some((known) => known.test(line)));
  const [first] = lines;
  return first === undefined ? conforms('log/quiet') : departs('log/quiet', 'no warning, bug or oops', first);
}

/** Entries of the PE's windows that map something. */
function mappedEntries(host: Host, name: string): bigint {
  let count = 0n;
  for (const window of host.machine.pes.get(name)?.windows ?? []) {
    for (const [, entry] of window.table.written()) if ((entry & 3n) !== 0n) count += 1n;
  }
  return count;
}

function judgeWitness(host: Host, pe: string, observed: Observation): Judgement {
  const expected = { mapped: mappedEntries(host, pe), lost: host.lost.get(pe) ?? 0n };
  const seen = observed.kind === 'values' ? observed.values : {};
  const departures = (['mapped', 'lost'] as const)
    .filter((name) => seen[name] !== expected[name])
    .map((name) => ({ clause: `witness/${name}`, expected: [`${expected[name]} entries`], observed: `${seen[name] ?? 'no'} entries` }));
  if (seen['lost'] !== undefined) host.lost.set(pe, seen['lost']);
  return { departures, allowed: [], clauses: ['witness/mapped', 'witness/lost'] };
}

/** What is on a disk nobody says; but it stays what it was. */
function judgeDisk(host: Host, device: string, observed: Observation): Judgement {
  if (observed.kind !== 'bytes') return departs('driver/works', 'the first sector', observed.kind === 'syscall' ? syscallResultName(observed.result) : 'nothing');
  const before = host.sectors.get(device);
  host.sectors.set(device, observed.bytes);
  if (before === undefined || Buffer.compare(before, observed.bytes) === 0) return conforms('driver/works');
  return departs('driver/works', 'the bytes that were read before', 'other bytes');
}

/** The operation must succeed. */
function succeeds(observed: Observation, ...clauses: string[]): Judgement {
  const result = observed.kind === 'syscall' ? observed.result : BigInt(-E.EIO);
  return result >= 0n ? conforms(...clauses) : departs(clauses[0] ?? 'user/memory', 'success', syscallResultName(result));
}
