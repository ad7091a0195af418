import { describe, expect, it } from '@jest/globals';
import { join } from 'node:path';
import { KvmPaprTarget } from '../adapters/kvm-papr/target.js';
import { ModelTarget } from '../adapters/model/model-target.js';
import { findProfile } from './cli/targets.js';
import { qualify } from './qualify.js';
import type { ScenarioRecord } from '../reports/run-record.js';
import { scenario } from './build/scenario-builder.js';
import type { ProgramBuilder } from './build/program-builder.js';
import { knownOf } from './session.js';

const LEDGER = join(__dirname, '..', 'reports', 'departures');
const target = new KvmPaprTarget(new ModelTarget(undefined, 'model:powernv-plain'));

const record = async (write: (p: ProgramBuilder) => void, clauses: readonly string[], profile = 'lopar'): Promise<ScenarioRecord> => {
  const on = { target, known: knownOf(target, findProfile(profile), LEDGER), destructive: true };
  return (await qualify(scenario({ id: 'x', title: 'x', clauses }, write), on)).record;
};

const DATA = 0x200_0000n;

describe("a partition of the reference's KVM", () => {
  it('answers a guest down to the DMA of its device', async () => {
    const write = (p: ProgramBuilder): void => {
      const window = p.defaultWindow();
      p.fill(DATA, 64, 7).put(window, 0n, DATA + 1n).put(window, 0x1000n, DATA + 0x1002n);
      p.deviceReads(window.at(0n), 64).deviceWrites(window.at(0x1000n), 64).load(DATA + 0x1000n, 64);
    };
    await expect(record(write, ['H_PUT_TCE/store', 'dma/translated'])).resolves.toMatchObject({ verdict: 'conforms', clauses: ['H_PUT_TCE/store', 'dma/translated'] });
  });

  it('verifies no rule of a call that was left to the monitor, and says so', async () => {
    const foreign = (p: ProgramBuilder): void => {
      p.put(p.defaultWindow(), 0n, { from: 'memory.end', plus: 3n });
    };
    const left = await record(foreign, ['H_PUT_TCE/page']);
    expect(left).toMatchObject({ verdict: 'conforms', clauses: ['monitor/handed'], handed: ['H_PUT_TCE'] });
  });

  it('departs from the architecture as the ledger knows, and not from its own profile', async () => {
    const stuff = (p: ProgramBuilder): void => {
      p.stuff(p.defaultWindow(), 0n, 0n, 513n);
    };
    await expect(record(stuff, ['H_STUFF_TCE/count'])).resolves.toMatchObject({ verdict: 'known', ledger: ['K02'] });
    await expect(record(stuff, ['H_STUFF_TCE/count'], 'kvm')).resolves.toMatchObject({ verdict: 'conforms' });
  });
});
