import fc from 'fast-check';
import type { MachineDescription } from '../../reference/description.js';
import type { Operation, Program } from '../../reference/doors/operations.js';
import { isReference, type Term } from '../../reference/doors/term.js';
import { referredNames } from '../../reference/doors/terms.js';
import { isMapping } from '../../reference/tce/tce.js';
import { peArgs } from '../build/program-builder.js';
import { iommufdPrograms } from './iommufd-programs.js';
import { vfioPrograms } from './vfio-programs.js';
import { makePools, POOL_PAGES, WINDOW_NAMES, type Pools } from './pools.js';

/** Bytes that stand for what a device must not see or touch unasked. */
const PATTERNS: readonly number[] = [0x11, 0x5a, 0xa5];

/**
 * Random programs for the doors of a machine, of up to `length` operations. Of those for a partition most leave some doors
 * out: a program that does one kind of thing goes deeper there.
 */
export function programs(machine: MachineDescription, length: number): fc.Arbitrary<Program> {
  if (machine.monitor === true) return partitionPrograms(machine, Math.min(length, MOST_GUEST_CALLS));
  return machine.linux === undefined ? partitionPrograms(machine, length) : linuxPrograms(machine, Math.min(length, MOST_IOCTLS));
}

/** A kernel with /dev/iommu has two doors. */
function linuxPrograms(machine: MachineDescription, length: number): fc.Arbitrary<Program> {
  const vfio = { weight: 2, arbitrary: vfioPrograms(machine, length) };
  return machine.linux!.iommufd === undefined ? vfio.arbitrary : fc.oneof(vfio, { weight: 1, arbitrary: iommufdPrograms(length) });
}

/** At most so many steps at Linux's doors: each costs a system call on a machine, and several looks. */
const MOST_IOCTLS = 60;

/** At most so many in a guest of KVM: each costs its monitor a few system calls. */
const MOST_GUEST_CALLS = 100;

function partitionPrograms(machine: MachineDescription, length: number): fc.Arbitrary<Program> {
  const plain = operationKinds(makePools(machine, 'default'), machine);
  const windows = operationKinds(makePools(machine, 'created'), machine);
  const of = (...doors: readonly (keyof typeof plain)[]): fc.Arbitrary<Program> => {
    const kinds = doors.includes('ddw') ? windows : plain;
    return fc
      .array(fc.oneof(...doors.flatMap((door) => kinds[door])), { minLength: Math.ceil(length / 2), maxLength: length, size: 'max' })
      .map((operations) => ({ operations: withNames(operations) }));
  };
  return fc.oneof(
    { weight: 6, arbitrary: of('tce') },
    { weight: 2, arbitrary: of('tce', 'dma') },
    { weight: 1, arbitrary: of('tce', 'ddw') },
    { weight: 1, arbitrary: of('tce', 'ddw', 'dma') },
  );
}

type Weighted = { readonly weight: number; readonly arbitrary: fc.Arbitrary<Operation> };

function operationKinds(pools: Pools, machine: MachineDescription): Record<'tce' | 'ddw' | 'dma', Weighted[]> {
  const multi = machine.functions.includes('hcall-multi-tce');
  const devices = machine.pes.filter((pe) => pe.ddw?.reset === true).flatMap((pe) => pe.devices.map((device) => `${pe.name}.${device}`));
  const hasDdw = machine.pes.some((pe) => pe.ddw !== undefined);
  return {
    tce: [
      { weight: 12, arbitrary: puts(pools) },
      { weight: 8, arbitrary: gets(pools) },
      ...(multi ? [stuffs(pools), indirects(pools), lists(pools, machine)].map((arbitrary) => ({ weight: 4, arbitrary })) : []),
    ],
    ddw: hasDdw ? [{ weight: 3, arbitrary: windowCalls(pools) }] : [],
    dma: devices.length > 0 ? [{ weight: 3, arbitrary: accesses(pools, devices) }, { weight: 4, arbitrary: memory }] : [],
  };
}

const hcall = (call: Extract<Operation, { op: 'hcall' }>['call'], ...args: Term[]): Operation => ({ door: 'papr', op: 'hcall', call, args });

const puts = (p: Pools): fc.Arbitrary<Operation> => fc.tuple(p.liobn, p.ioba, p.entry).map(([l, i, e]) => hcall('H_PUT_TCE', l, i, e));
const gets = (p: Pools): fc.Arbitrary<Operation> => fc.tuple(p.liobn, p.ioba).map(([l, i]) => hcall('H_GET_TCE', l, i));

const stuffs = (p: Pools): fc.Arbitrary<Operation> =>
  fc.tuple(p.liobn, p.ioba, p.entry, p.count).map(([l, i, e, n]) => hcall('H_STUFF_TCE', l, i, e, n));

const indirects = (p: Pools): fc.Arbitrary<Operation> =>
  fc.tuple(p.liobn, p.ioba, p.list, p.count).map(([l, i, list, n]) => hcall('H_PUT_TCE_INDIRECT', l, i, list, n));

/** What a list takes back KVM counts as mapped for good, which costs the host the guest's memory (ledger of Linux): its lists have noughts instead. */
const lists = (p: Pools, { monitor }: MachineDescription): fc.Arbitrary<Operation> =>
  fc
    .tuple(fc.constantFrom(0x102_0000n, 0x102_1000n), fc.array(monitor === true ? p.entry.map(mappingOrNought) : p.entry, { minLength: 1, maxLength: 4 }))
    .map(([address, doublewords]) => ({ door: 'memory', op: 'store', address, doublewords }));

const mappingOrNought = (entry: Term): Term => (isReference(entry) || isMapping(entry) ? entry : 0n);

const rtas = (call: Extract<Operation, { op: 'rtas' }>['call'], args: readonly Term[], nret: number): Operation => ({ door: 'papr', op: 'rtas', call, args, nret });

/** Creating comes most often: the other calls need something to work on. */
const windowCalls = (p: Pools): fc.Arbitrary<Operation> =>
  fc.oneof(
    { weight: 5, arbitrary: fc.tuple(p.pe, p.pageShift, p.windowBits).map(([pe, shift, bits]) => rtas('ibm,create-pe-dma-window', [...peArgs(pe), shift, BigInt.asUintN(32, shift + bits)], 4)) },
    { weight: 4, arbitrary: p.liobn.map((liobn) => rtas('ibm,remove-pe-dma-window', [liobn], 1)) },
    { weight: 2, arbitrary: fc.tuple(p.pe, fc.constantFrom(5, 6)).map(([pe, nret]) => rtas('ibm,query-pe-dma-window', peArgs(pe), nret)) },
    { weight: 1, arbitrary: p.pe.map((pe) => rtas('ibm,reset-pe-dma-window', peArgs(pe), 1)) },
  );

const accesses = (p: Pools, devices: readonly string[]): fc.Arbitrary<Operation> =>
  fc
    .tuple(fc.constantFrom<'read' | 'write'>('read', 'write'), fc.constantFrom(...devices), p.ioba, fc.constantFrom(1, 8, 16), fc.constantFrom(0, 8, 64))
    .map(([op, device, iova, length, at]) => ({ door: 'dma', op, device, iova, length, at }));

const memory: fc.Arbitrary<Operation> = fc.oneof(
  fc
    .tuple(fc.constantFrom(...POOL_PAGES), fc.constantFrom(...PATTERNS))
    .map(([address, byte]): Operation => ({ door: 'memory', op: 'fill', address, length: 64, byte })),
  fc.constantFrom(...POOL_PAGES).map((address): Operation => ({ door: 'memory', op: 'load', address, length: 64 })),
);

/**
 * Gives the created windows their names in order, and drops what refers to a window that the program has not created
 * by then. So any part of a program is a program, and shrinking may drop whatever it likes.
 */
function withNames(operations: readonly Operation[]): Operation[] {
  const names = new Set<string>();
  const kept: Operation[] = [];
  for (const operation of operations) {
    if (operation.door === 'papr' && operation.op === 'rtas' && operation.call === 'ibm,create-pe-dma-window') {
      const name = WINDOW_NAMES[names.size];
      if (name === undefined) continue;
      names.add(name);
      kept.push({ ...operation, as: name });
    } else if (references(operation).every((name) => names.has(name))) {
      kept.push(operation);
    }
  }
  return kept;
}

const references = (operation: Operation): string[] =>
  referredNames(operation).filter((name) => (WINDOW_NAMES as readonly string[]).includes(name));
