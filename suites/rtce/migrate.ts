import { scenario } from '../../harness/build/scenario-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import { H } from '../../reference/uapi/hcall.js';
import { at, migrate, NEW, OLD, type Entries } from './migration-steps.js';
import { ample, clientMaps, copy } from './steps.js';

const M = 'H_MIGRATE_DMA';

/** Moving pages that are mapped for I/O. */
export const migrateScenarios: readonly Scenario[] = [
  scenario(
    {
      id: 'rtce/migrate-dma/moves',
      title: 'The contents move, the mapping follows with its permissions, and the device writes to the new page',
      clauses: [`${M}/moved`, 'dma/translated'],
      claims: [
        { says: 'the new page has the contents', clause: `${M}/moved`, holds: 'equal', loads: ['before', 'moved'] },
        { says: 'the device wrote to the new page', clause: `${M}/moved`, holds: 'different', loads: ['moved', 'after'] },
      ],
    },
    (p) => {
      const pe = p.defaultWindow();
      p.fill(OLD, 64, 0x3c).load(OLD, 64, 'before').put(pe, 0x5000n, OLD + 3n);
      p.fill(0x300_0000n, 64, 0x7e).put(pe, 0x9000n, 0x300_0003n).deviceReads(pe.at(0x9000n), 64);
      migrate(p, [at(p, 0x5000n)]);
      p.get(pe, 0x5000n).load(NEW, 64, 'moved').deviceWrites(pe.at(0x5000n), 64).load(NEW, 64, 'after');
    },
  ),
  scenario(
    {
      id: 'rtce/migrate-dma/all-mappings',
      title: 'Mappings of one page in two PEs all follow, each with its own permissions',
      clauses: [`${M}/moved`],
      requires: ['pe:pe1'],
    },
    (p) => {
      const [a, b] = [p.defaultWindow('pe0'), p.defaultWindow('pe1')];
      p.put(a, 0x5000n, OLD + 1n).put(a, 0x6000n, OLD + 2n).put(b, 0x7000n, OLD + 3n);
      migrate(p, [at(p, 0x5000n), at(p, 0x7000n, 'pe1'), at(p, 0x6000n)]);
      p.get(a, 0x5000n).get(a, 0x6000n).get(b, 0x7000n);
    },
  ),
  scenario(
    {
      id: 'rtce/migrate-dma/duplicates',
      title: 'A mapping named twice in the list is moved once',
      clauses: [`${M}/moved`],
    },
    (p) => {
      p.put(p.defaultWindow(), 0x5000n, OLD + 3n);
      migrate(p, [at(p, 0x5000n), at(p, 0x5000n)]);
      p.get(p.defaultWindow(), 0x5000n);
    },
  ),
  scenario(
    {
      id: 'rtce/migrate-dma/unlisted-mapping',
      title: 'A mapping of the page that the list does not name stays where it is',
      clauses: [`${M}/moved`],
    },
    (p) => {
      const pe = p.defaultWindow();
      p.put(pe, 0x5000n, OLD + 3n).put(pe, 0x6000n, OLD + 3n);
      migrate(p, [at(p, 0x5000n)]);
      p.get(pe, 0x5000n).get(pe, 0x6000n);
    },
  ),
  scenario(
    {
      id: 'rtce/migrate-dma/there-and-back',
      title: 'A page that moved can move back',
      clauses: [`${M}/moved`],
    },
    (p) => {
      p.fill(OLD, 16, 0x42).put(p.defaultWindow(), 0x5000n, OLD + 3n);
      migrate(p, [at(p, 0x5000n)]);
      migrate(p, [at(p, 0x5000n)], OLD);
      p.get(p.defaultWindow(), 0x5000n).load(OLD, 16);
    },
  ),
  scenario(
    {
      id: 'rtce/migrate-dma/full-list',
      title: 'A list of 256 mappings is moved',
      clauses: [`${M}/moved`],
      requires: ['hcall-multi-tce'],
    },
    (p) => {
      const pe = p.defaultWindow();
      p.stuff(pe, 0x10_0000n, OLD + 3n, 256n);
      migrate(p, Array.from({ length: 256 }, (_, i) => at(p, 0x10_0000n + BigInt(i) * 0x1000n)));
      p.get(pe, 0x10_0000n).get(pe, 0x10_f000n).get(pe, 0x1f_f000n);
    },
  ),
  ...(['0', '257', 'negative'] as const).map((name) =>
    scenario(
      {
        id: `rtce/migrate-dma/length-${name}`,
        title: `A length of ${name} entries, without super pages: H_PARAMETER`,
        clauses: [`${M}/length`],
      },
      (p) => {
        p.put(p.defaultWindow(), 0x5000n, OLD + 3n);
        migrate(p, [at(p, 0x5000n)], NEW, { '0': 0n, '257': 257n, negative: -(1n << 40n) }[name]);
        p.get(p.defaultWindow(), 0x5000n);
      },
    ),
  ),
  scenario(
    {
      id: 'rtce/migrate-dma/bad-last-entry',
      title: 'A bad last entry: nothing has moved',
      clauses: [`${M}/liobn`, `${M}/bus-address`, `${M}/same-page`],
    },
    (p) => {
      const pe = p.defaultWindow();
      p.fill(OLD, 64, 0x3c).put(pe, 0x5000n, OLD + 3n).put(pe, 0x6000n, OLD + 3n).put(pe, 0x7000n, OLD + 0x1003n);
      for (const bad of [[0x7fff_fff0n, 0x5000n], [pe.liobn, pe.end], at(p, 0x7000n), at(p, 0x8000n)] as Entries) {
        migrate(p, [at(p, 0x5000n), at(p, 0x6000n), bad]);
        p.get(pe, 0x5000n).get(pe, 0x6000n).load(NEW, 64);
      }
    },
  ),
  scenario(
    {
      id: 'rtce/migrate-dma/unsupported-agent',
      title: 'The first entry of an unsupported agent is named in R4',
      clauses: [`${M}/agent`],
      requires: ['pe:fixed0'],
    },
    (p) => {
      p.put(p.defaultWindow(), 0x5000n, OLD + 3n).put(p.defaultWindow('fixed0'), 0x5000n, OLD + 3n);
      migrate(p, [at(p, 0x5000n, 'fixed0'), at(p, 0x5000n)]);
      migrate(p, [at(p, 0x5000n), at(p, 0x5000n), at(p, 0x5000n, 'fixed0'), at(p, 0x5000n, 'fixed0')]);
      p.get(p.defaultWindow(), 0x5000n);
    },
  ),
  scenario(
    {
      id: 'rtce/migrate-dma/entry-order',
      title: 'A rescinded table before a bad LIOBN in the list: either may decide',
      clauses: [`${M}/entry-order`, `${M}/liobn`],
    },
    (p) => {
      p.put(p.defaultWindow(), 0x5000n, OLD + 3n).platform({ op: 'rescind-table', liobn: p.defaultWindow().liobn });
      migrate(p, [at(p, 0x5000n), [0x7fff_fff0n, 0x5000n]]);
    },
  ),
  scenario(
    {
      id: 'rtce/migrate-dma/disowned-page',
      title: 'A mapped page that left the partition does not move',
      clauses: [`${M}/page-owner`],
      requires: ['platform'],
    },
    (p) => {
      p.put(p.defaultWindow(), 0x5000n, OLD + 3n).platform({ op: 'disown-page', address: OLD });
      migrate(p, [at(p, 0x5000n)]);
      p.get(p.defaultWindow(), 0x5000n);
    },
  ),
  scenario(
    {
      id: 'rtce/migrate-dma/larger-io-pages',
      title: 'A mapping of 64 KiB in a list without super pages: H_PARAMETER',
      clauses: [`${M}/liobn-kind`],
      requires: ['ddw'],
    },
    (p) => {
      const wide = p.create(16, 28);
      p.put(wide, 0n, OLD + 3n);
      migrate(p, [[wide.liobn, wide.at(0n)]]);
      p.get(wide, 0n);
    },
  ),
  scenario(
    {
      id: 'rtce/migrate-dma/busy-then-done',
      title: 'After a busy answer, the same call again moves the page',
      clauses: [`${M}/busy`, `${M}/moved`],
      requires: ['platform'],
    },
    (p) => {
      p.put(p.defaultWindow(), 0x5000n, OLD + 3n).platform({ op: 'busy', calls: 2, status: H.H_LONG_BUSY_10_MSEC });
      for (let i = 0; i < 3; i++) {
        migrate(p, [at(p, 0x5000n)]);
        p.get(p.defaultWindow(), 0x5000n);
      }
    },
  ),
  scenario(
    {
      id: 'rtce/migrate-dma/redirected',
      title: 'A client\'s mapping moves, and the live copy of it with it; a stale one stays',
      clauses: [`${M}/redirected`],
      requires: ['vio-server'],
    },
    (p) => {
      const [pair, pe] = [ample(p), p.defaultWindow()];
      clientMaps(p, pair, 0x3000n);
      for (const offset of [0x5000n, 0x6000n]) copy(p, pair, 0x3000n, pe, offset);
      p.put(pe, 0x6000n, 0x300_0003n);
      migrate(p, [[pair.client.liobn, pair.client.at(0x3000n)]]);
      p.get(pair.client, 0x3000n).get(pe, 0x5000n).get(pe, 0x6000n);
      copy(p, pair, 0x3000n, pe, 0x5000n);
    },
  ),
  scenario(
    {
      id: 'rtce/migrate-dma/agent-before-pages',
      title: 'A mapping of 64 KiB of an unsupported agent: H_FUNCTION and its index, before the size of the page counts',
      clauses: [`${M}/agent`],
      requires: ['ddw', 'pe:fixed0'],
    },
    (p) => {
      const wide = p.create(16, 28, 'fixed0');
      p.put(wide, 0n, OLD + 3n).put(p.defaultWindow(), 0x5000n, OLD + 3n);
      migrate(p, [at(p, 0x5000n), [wide.liobn, wide.at(0n)]]);
    },
  ),
];
