import { describe, expect, it } from '@jest/globals';
import type { GroupDescription } from '../../reference/description.js';
import type { Observation } from '../../reference/doors/observation.js';
import type { Operation, Program } from '../../reference/doors/operations.js';
import { TargetLost } from '../target.js';
import { mend, portraitsOf, substitute, type Mendable } from './mend.js';
import type { PePlace } from './phb.js';

const HEALTHY = { present: 1n, firmware: 0x78n, software: 0x800n };
const ISOLATED = { ...HEALTHY, software: 0x801n };
const FREEZE: Program = { operations: [{ door: 'host', op: 'freeze', pe: 'pe0', what: 'all' }] };

const group = (name: string, devices: number): GroupDescription => ({
  name,
  devices: Array.from({ length: devices }, (_, i) => ({ name: `dev${i}`, kind: 'edu' as const, id: 0x11e8_1234 })),
  dma32Start: 0,
  dma32Size: 0x8000_0000,
  pageSizes: 0x1000n,
  windows: 2,
  levels: 5,
});

/** A host with the PEs pe0 to pe3 and pair0, all as they should be; pe3 is spare. */
class FakeHost {
  readonly done: string[] = [];
  readonly words = new Map<string, typeof HEALTHY>();
  gone: readonly string[] = [];
  foundAgain = true;
  readonly #groups = [group('pe0', 1), group('pe1', 1), group('pe3', 1), group('pair0', 2)];

  readonly mendable = {
    variants: [{ machine: { linux: { groups: this.#groups } } }],
    run: (program: Program) => Promise.resolve({ program, observations: program.operations.map((operation) => this.#observe(operation)) }),
    replug: (name: string) => Promise.resolve(this.done.push(`replug ${name}`) > 0 && this.foundAgain),
    devicesOf: (name: string) => this.#devicesOf(name),
    isGone: (name: string) => this.gone.includes(name),
    forget: (name: string) => Promise.resolve(void this.done.push(`forget ${name}`)),
    swap: (one: string, other: string) => void this.done.push(`swap ${one} ${other}`),
  } as unknown as Mendable;

  /** Its place among the groups is its host bridge. */
  #devicesOf(name: string): { address: string; pe: number }[] {
    const bridge = this.#groups.findIndex((candidate) => candidate.name === name);
    return this.#groups[bridge]!.devices.map((_, i) => ({ address: `000${bridge}:01:00.${i}`, pe: 0xfd }));
  }

  release = (place: PePlace): Promise<void> => Promise.resolve(void this.done.push(`release ${place.domain}`));

  #observe(operation: Operation): Observation {
    if (operation.door === 'host' && operation.op === 'eeh-state') return { kind: 'values', values: this.words.get(operation.device) ?? HEALTHY };
    if (operation.door === 'vfio' && operation.op === 'read') return { kind: 'bytes', bytes: new Uint8Array([1, 0, 0, 0xed]) };
    return { kind: 'syscall', result: 0n };
  }
}

describe('mending the PEs of a machine', () => {
  it('makes those new that the program has used, and finds all as they were', async () => {
    const host = new FakeHost();
    const fresh = await portraitsOf(host.mendable);
    await expect(mend(host.mendable, host.release, FREEZE, fresh)).resolves.toEqual([]);
    expect(host.done).toEqual(['release 0', 'replug pe0']);
  });

  it('names one that does not show what it showed, used or not', async () => {
    const host = new FakeHost();
    const fresh = await portraitsOf(host.mendable);
    host.words.set('pe1.dev0', ISOLATED);
    await expect(mend(host.mendable, host.release, FREEZE, fresh)).resolves.toEqual(['pe1']);
  });

  it('names one whose devices are gone, and goes on without it', async () => {
    const host = new FakeHost();
    const fresh = await portraitsOf(host.mendable);
    host.gone = ['pe0'];
    await expect(mend(host.mendable, host.release, FREEZE, fresh)).resolves.toEqual(['pe0']);
    expect(host.done).toEqual(['forget pe0']);
  });

  it('does not look at one that was set aside', async () => {
    const host = new FakeHost();
    const fresh = await portraitsOf(host.mendable);
    fresh.delete('pe1');
    host.words.set('pe1.dev0', ISOLATED);
    await expect(mend(host.mendable, host.release, FREEZE, fresh)).resolves.toEqual([]);
  });

  it('gives up where devices are not found again', async () => {
    const host = new FakeHost();
    const fresh = await portraitsOf(host.mendable);
    host.foundAgain = false;
    await expect(mend(host.mendable, host.release, FREEZE, fresh)).rejects.toThrow(TargetLost);
  });
});

describe('a lost PE', () => {
  const SPARE = ['0002:01:00.0'];

  it('has a spare one in its place', async () => {
    const host = new FakeHost();
    const fresh = await portraitsOf(host.mendable);
    await expect(substitute(host.mendable, 'pe0', SPARE, fresh)).resolves.toBe('pe3');
    expect(host.done).toEqual(['swap pe0 pe3']);
  });

  it.each([
    ['none is spare', 'pe0', []],
    ['the spare one has another number of devices', 'pair0', SPARE],
  ] as const)('has none where %s', async (_, name, spares) => {
    const host = new FakeHost();
    await expect(substitute(host.mendable, name, spares, await portraitsOf(host.mendable))).resolves.toBeUndefined();
    expect(host.done).toEqual([]);
  });

  it('has none where the spare one is not as the lost one was', async () => {
    const host = new FakeHost();
    const fresh = await portraitsOf(host.mendable);
    host.words.set('pe0.dev0', ISOLATED);
    await expect(substitute(host.mendable, 'pe0', SPARE, fresh)).resolves.toBeUndefined();
  });
});
