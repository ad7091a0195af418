import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { LINUX_POWERNV, LINUX_PSERIES } from './../adapters/model/machines.js';
import { vfioPrograms } from './../harness/explore/vfio-programs.js';
import type { MachineDescription } from './description.js';
import { machineFacts } from './description.js';
import { field, type Observation } from './doors/observation.js';
import type { Operation } from './doors/operations.js';
import { resolve } from './doors/term.js';
import { REFERENCE_RULES } from './rule-book.js';
import type { Container, Host } from './vfio/host.js';
import { HostModel, type LinuxOperation } from './host-model.js';

/** The model with the results of a program so far, its state to be looked at. */
class Runner {
  readonly #results = new Map<string, Observation>();
  readonly model: HostModel;

  constructor(machine: MachineDescription) {
    const facts = machineFacts(machine);
    const lookup = (name: string): bigint | undefined => {
      const dot = name.indexOf('.');
      const result = this.#results.get(name.slice(0, dot));
      return facts.get(name) ?? (result === undefined ? undefined : field(result, name.slice(dot + 1)));
    };
    this.model = new HostModel(machine, REFERENCE_RULES, (term) => resolve(term, lookup));
  }

  run(operation: Operation): void {
    const { observation } = this.model.answer(operation as LinuxOperation);
    if (operation.as !== undefined) this.#results.set(operation.as, observation);
  }
}

const containers = (host: Host): Container[] => [...new Set([...host.groups.values()].flatMap(({ container }) => (container === undefined ? [] : [container])))];

/** What the process must have locked, counted from what there is and not from what was done; system pages. */
function locked(host: Host): bigint {
  const pages = (bytes: bigint): bigint => bytes >> BigInt(host.linux.pageShift);
  const sum = (values: readonly bigint[]): bigint => values.reduce((total, value) => total + value, 0n);
  const tables = containers(host).flatMap(({ tables: both }) => both.flatMap((table) => (table === undefined ? [] : [pages(table.lockedBytes)])));
  const regions = host.processes.get('main')!.space.regions.map(({ length }) => pages(length));
  const windows = containers(host).map(({ enabledPages }) => enabledPages);
  return sum([...tables, ...regions, ...windows]);
}

/** Entries of the hardware's tables that map something. */
const mapped = (host: Host): number => [...host.machine.pes.values()].flatMap(({ windows }) => windows.flatMap(({ table }) => [...table.written()])).filter(([, entry]) => (entry & 3n) !== 0n).length;

/** Entries that containers account for: shared windows count once for each group that has them. */
const accounted = (host: Host): number => containers(host).reduce((sum, { tables, groups }) => sum + tables.reduce((size, table) => size + (table?.users.size ?? 0), 0) * groups.length, 0);

describe.each([
  ['pSeries', LINUX_PSERIES],
  ['PowerNV', LINUX_POWERNV],
] as const)('any program on %s', (_name, machine) => {
  const programs = vfioPrograms(machine, 25);

  const afterEveryCall = (look: (host: Host) => void): void =>
    fc.assert(
      fc.property(programs, ({ operations }) => {
        const runner = new Runner(machine);
        for (const operation of operations) {
          runner.run(operation);
          look(runner.model.host);
        }
      }),
      { numRuns: 60 },
    );

  it('has locked after every call what its windows, regions and enabled containers take', () => {
    afterEveryCall((host) => expect(host.processes.get('main')!.space.lockedPages).toBe(locked(host)));
  });

  it('has every entry of the hardware accounted for, and every region as many mappings as entries', () => {
    afterEveryCall((host) => {
      expect(mapped(host)).toBe(accounted(host));
      const users = containers(host).flatMap(({ tables }) => tables.flatMap((table) => (table === undefined ? [] : [...table.users.values()])));
      for (const region of host.processes.get('main')!.space.regions) expect(region.mapped).toBe(1 + users.filter((user) => user === region).length);
    });
  });

  it('leaves nothing behind when everything is closed: nothing locked, no region, no window of its own, every group with the host', () => {
    fc.assert(
      fc.property(programs, ({ operations }) => {
        const runner = new Runner(machine);
        for (const operation of operations) runner.run(operation);
        const { host } = runner.model;
        const { space } = host.processes.get('main')!;
        expect([space.lockedPages, space.regions, containers(host), mapped(host)]).toEqual([0n, [], [], 0]);
        for (const { table, file, devices } of host.groups.values()) expect([table.taken, file, devices]).toEqual([false, undefined, 0]);
      }),
      { numRuns: 60 },
    );
  });
});
