import { describe, expect, it } from '@jest/globals';
import type { Observation } from '../../reference/doors/observation.js';
import type { Operation } from '../../reference/doors/operations.js';
import type { HostFacts } from './host-facts.js';
import { withSwapped } from './host-facts.js';
import { outsideOf, witnessedOr } from './outside.js';

const FREEZE: Operation = { door: 'host', op: 'freeze', pe: 'pe0', what: 'all' };
const LEDGER: Operation = { door: 'host', op: 'ledger' };
const DONE: Observation = { kind: 'done' };
const seen = (result: bigint): Observation => ({ kind: 'syscall', result });

describe('what is done beside the host', () => {
  it('is a freeze, by itself or as one of two at the same time', () => {
    const both: Operation = { door: 'host', op: 'together', left: LEDGER, right: FREEZE };
    expect([FREEZE, both, LEDGER, undefined].map((operation) => outsideOf(operation))).toEqual([FREEZE, FREEZE, undefined, undefined]);
  });

  it('was seen where the host has nothing to say, also of one of two', () => {
    expect(witnessedOr(DONE, seen(0n))).toEqual(seen(0n));
    expect(witnessedOr({ kind: 'pair', left: seen(-5n), right: DONE }, seen(0n))).toEqual({ kind: 'pair', left: seen(-5n), right: seen(0n) });
    expect(witnessedOr(seen(-5n), seen(0n))).toEqual(seen(-5n));
  });
});

describe('two groups that change places', () => {
  it('have each other\'s nodes and devices', () => {
    const facts = {
      groups: new Map([['pe0', '/dev/vfio/1'], ['pe1', '/dev/vfio/2'], ['pe10', '/dev/vfio/3']]),
      devices: new Map([['pe0.dev0', { address: 'a' }], ['pe1.dev0', { address: 'b' }]]),
    } as unknown as HostFacts;
    const { groups, devices } = withSwapped(facts, 'pe0', 'pe1');
    expect([...groups].sort()).toEqual([['pe0', '/dev/vfio/2'], ['pe1', '/dev/vfio/1'], ['pe10', '/dev/vfio/3']]);
    expect([devices.get('pe0.dev0')?.address, devices.get('pe1.dev0')?.address]).toEqual(['b', 'a']);
  });
});
