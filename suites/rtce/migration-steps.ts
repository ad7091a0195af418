import type { ProgramBuilder } from '../../harness/build/program-builder.js';
import type { Term } from '../../reference/doors/term.js';
import { storeTranslations } from '../../reference/papr/h-migrate-dma-list.js';
import { u64 } from '../../reference/values.js';

/** Where the list of translations is. */
export const LIST = 0x110_0000n;

/** The page that moves, and where to. */
export const [OLD, NEW] = [0x100_0000n, 0x200_0000n];

/** Translations, as a list has them. */
export type Entries = readonly (readonly [liobn: Term, address: Term])[];

/** Stores the list and migrates. */
export function migrate(p: ProgramBuilder, entries: Entries, newpage: Term = NEW, length = BigInt(entries.length)): void {
  for (const operation of storeTranslations(entries, LIST)) p.do(operation);
  p.hcall('H_MIGRATE_DMA', newpage, LIST, u64(length));
}

/** The mapping at that offset of a PE's default window, as a list has it. */
export function at(p: ProgramBuilder, offset: bigint, pe = 'pe0'): readonly [Term, Term] {
  const window = p.defaultWindow(pe);
  return [window.liobn, window.at(offset)];
}
