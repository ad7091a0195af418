import { LINUX_POWERNV, MODEL_MACHINE } from '../../adapters/model/machines.js';
import { canonical } from '../../reference/chooser.js';
import { buildMachine } from '../../reference/machine.js';
import { GuestTables } from '../../reference/iommufd/ppc64/guest-tables.js';
import { makeParentDomain } from '../../reference/iommufd/ppc64/parent-domain.js';
import { attachTables } from '../../reference/iommufd/ppc64/tce-tables.js';
import { defaultDomainWindow } from '../../reference/iommufd/ppc64/windows.js';
import { buildHost } from '../../reference/vfio/host.js';
import { hPutTce } from '../../reference/papr/h-put-tce.js';
import { hPutTceIndirect } from '../../reference/papr/h-put-tce-indirect.js';
import { callFor, perform } from '../../reference/rules.js';
import { TceTable } from '../../reference/tce/table.js';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { areasBench } from './areas-bench.js';
import { rate, type Figure } from './figure.js';

/** A partition with what QEMU's has: no shared logical resources, no overcommitment, no virtual adapters. */
const MACHINE = { ...MODEL_MACHINE, functions: ['hcall-tce', 'hcall-multi-tce'], vios: [] };
const LIOBN = MODEL_MACHINE.pes[0]!.defaultWindow.liobn;
const LIST = 0x110_0000;
const MULTI = 512;

/** Checked H_PUT_TCE of the model, beside bare stores into a typed array. */
function putTce(): Figure {
  const machine = buildMachine(MACHINE);
  const call = callFor(hPutTce, MACHINE);
  const calls = 1 << 18;
  const value = rate(calls, () => {
    for (let i = 0; i < calls; i++) {
      perform(call, call.read(machine, [LIOBN, BigInt(i) << 12n, 0x100_0003n], 0), canonical);
    }
  });
  const bare = new BigUint64Array(calls);
  const beside = rate(calls, () => {
    for (let i = 0; i < calls; i++) bare[i] = 0x100_0003n;
  });
  return { name: 'model: checked H_PUT_TCE', value, unit: 'per second', goal: { atLeast: 5e6 }, beside: { what: 'bare store', value: beside } };
}

/** TCEs through checked H_PUT_TCE_INDIRECT of 512, beside typed-array copies. */
function putTceIndirect(): Figure {
  const machine = buildMachine(MACHINE);
  const call = callFor(hPutTceIndirect, MACHINE);
  const page = Buffer.alloc(4096);
  for (let i = 0; i < MULTI; i++) page.writeBigUInt64BE(0x100_0003n + BigInt(i << 12), i * 8);
  machine.memory.store(LIST, page);
  const calls = 4096;
  const value = rate(calls * MULTI, () => {
    for (let i = 0; i < calls; i++) {
      const args = [LIOBN, BigInt(i & 511) << 21n, BigInt(LIST), BigInt(MULTI)];
      perform(call, call.read(machine, args, 0), canonical);
    }
  });
  const from = new BigUint64Array(MULTI);
  const to = new BigUint64Array(MULTI * 512);
  const beside = rate(calls * MULTI, () => {
    for (let i = 0; i < calls; i++) to.set(from, (i & 511) * MULTI);
  });
  return { name: 'model: TCEs by H_PUT_TCE_INDIRECT of 512', value, unit: 'per second', goal: { atLeast: 50e6 }, beside: { what: 'typed-array copy', value: beside } };
}

/** Updates of a guest's table that a PE has in its window: looked up in the parent's memory, entered twice; beside bare stores. */
function guestTces(): Figure {
  const host = buildHost(LINUX_POWERNV);
  const { description, table } = host.groups.get('pe0')!;
  const parent = makeParentDomain();
  const runs = 1024;
  for (let i = 0; i < runs; i++) parent.map({ iova: BigInt(i) << 24n, length: 1n << 24n, real: (1n << 40n) + (BigInt(i) << 25n), readable: true, writeable: true });
  const guest = new GuestTables(parent, [defaultDomainWindow(description)]);
  host.platform.takeOwnership(table);
  attachTables(guest.tables, host.iommuGroups.get('pe0')!);
  const updates = 1 << 18;
  const value = rate(updates, () => {
    for (let i = 0; i < updates; i++) guest.put(BigInt(i) << 12n, (BigInt(i) << 12n) | 3n);
  });
  const bare = new BigUint64Array(updates);
  const beside = rate(updates, () => {
    for (let i = 0; i < updates; i++) bare[i] = 3n;
  });
  return { name: "model: updates of a guest's table (nested)", value, unit: 'per second', goal: { atLeast: 5e6 }, beside: { what: 'bare store', value: beside } };
}

/** Bytes held for each of 16 M mapped entries; and for a window of 2^40 bytes that nobody touched. */
function tableMemory(): Figure[] {
  const entries = 16 << 20;
  const table = new TceTable(entries);
  const before = held();
  table.fill(0, entries, 3n);
  const each = (held() - before) / entries;
  const untouched = new TceTable(2 ** 28);
  return [
    { name: 'model: bytes per mapped TCE at 16 M', value: each, unit: 'bytes', goal: { atMost: 8.5 } },
    { name: 'model: bytes for an untouched window of 2^40', value: untouched.bytes + (table.get(0) === 3n ? 0 : 1), unit: 'bytes', goal: { atMost: 0 } },
  ];
}

/** Bytes in use once the garbage is gone. */
function held(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** Figures of the reference alone. */
export const modelBench = (): Figure[] => [putTce(), putTceIndirect(), ...areasBench(), guestTces(), ...tableMemory()];
