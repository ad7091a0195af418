import { scenario } from '../../harness/build/scenario-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import { storeTranslations, UNMAPPED } from '../../reference/papr/h-migrate-dma-list.js';
import { u64 } from '../../reference/values.js';
import { at, LIST, migrate, NEW, OLD } from './migration-steps.js';

const M = 'H_MIGRATE_DMA';

/** Moving pages above 4 KiB, and lists that take several calls. */
export const superPageScenarios: readonly Scenario[] = [
  scenario(
    {
      id: 'rtce/migrate-dma/super-page',
      title: 'A page of 64 KiB moves whole, with mappings of it and of 4 KiB of it',
      clauses: [`${M}/moved`, `${M}/newpage-alignment`],
      requires: ['ddw', 'io-super-page'],
    },
    (p) => {
      const wide = p.create(16, 28);
      p.fill(OLD + 0xf000n, 64, 0x3c).put(wide, 0n, OLD + 3n).put(p.defaultWindow(), 0x5000n, OLD + 0xf001n);
      migrate(p, [[wide.liobn, wide.at(0n)], at(p, 0x5000n)], NEW + 0x1000n);
      migrate(p, [[wide.liobn, wide.at(0n)], at(p, 0x5000n)]);
      p.get(wide, 0n).get(p.defaultWindow(), 0x5000n).load(NEW + 0xf000n, 64);
    },
  ),
  scenario(
    {
      id: 'rtce/migrate-dma/unmapped-super-page',
      title: 'A page of 64 KiB that is not mapped as a whole moves with the mappings of its parts',
      clauses: [`${M}/moved`, `${M}/first-entry`],
      requires: ['io-super-page'],
    },
    (p) => {
      p.fill(OLD + 0xf000n, 64, 0x3c).put(p.defaultWindow(), 0x5000n, OLD + 0xf001n);
      for (const [shift, address] of [[16n, OLD], [11n, OLD], [16n, OLD + 0x1000n], [40n, 0n], [16n, { from: 'memory.end' }]] as const) {
        for (const operation of storeTranslations([[0n, 0n], at(p, 0x5000n)], LIST)) p.do(operation);
        p.list([(UNMAPPED << 32n) | (shift << 24n), address], LIST).hcall(M, NEW, LIST, 2n);
      }
      p.get(p.defaultWindow(), 0x5000n).load(NEW + 0xf000n, 64);
    },
  ),
  scenario(
    {
      id: 'rtce/migrate-dma/larger-pages-than-first',
      title: 'With super pages, a first entry of 4 KiB and a second of 64 KiB: refused, with a status that has no published value',
      clauses: [`${M}/larger-pages`],
      requires: ['ddw', 'io-super-page'],
    },
    (p) => {
      const wide = p.create(16, 28);
      p.put(wide, 0n, OLD + 3n).put(p.defaultWindow(), 0x5000n, OLD + 3n);
      migrate(p, [at(p, 0x5000n), [wide.liobn, wide.at(0n)]]);
      p.get(wide, 0n).get(p.defaultWindow(), 0x5000n);
    },
  ),
  scenario(
    {
      id: 'rtce/migrate-dma/several-calls',
      title: 'A list of 600 entries takes three calls; the page moves with the last',
      clauses: [`${M}/continue`, `${M}/moved`, `${M}/sequence`, `${M}/sequence-reading`],
      requires: ['io-super-page'],
    },
    (p) => {
      p.fill(OLD, 64, 0x3c).put(p.defaultWindow(), 0x5000n, OLD + 3n);
      migrate(p, Array.from({ length: 256 }, () => at(p, 0x5000n)), NEW, -600n);
      p.hcall(M, NEW, LIST, u64(-600n)).get(p.defaultWindow(), 0x5000n);
      p.hcall(M, NEW, LIST, u64(-344n)).get(p.defaultWindow(), 0x5000n);
      p.hcall(M, NEW, LIST, 88n).get(p.defaultWindow(), 0x5000n).load(NEW, 64);
    },
  ),
  scenario(
    {
      id: 'rtce/migrate-dma/operations',
      title: 'A migration beyond the number that may be under way is H_RESOURCE; the end of one makes room',
      clauses: [`${M}/operations`, `${M}/continue`, `${M}/moved`],
      requires: ['io-super-page'],
    },
    (p) => {
      p.put(p.defaultWindow(), 0x5000n, OLD + 3n);
      migrate(p, Array.from({ length: 256 }, () => at(p, 0x5000n)), NEW, -300n);
      p.hcall(M, NEW + 0x1000n, LIST, u64(-300n)).hcall(M, NEW + 0x2000n, LIST, 1n);
      p.hcall(M, NEW, LIST, 44n).hcall(M, NEW + 0x2000n, LIST, 1n).get(p.defaultWindow(), 0x5000n);
    },
  ),
];
