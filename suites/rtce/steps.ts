import type { ProgramBuilder, WindowHandle } from '../../harness/build/program-builder.js';
import type { Term } from '../../reference/doors/term.js';

/** A pair of virtual adapters: the client's window, and the server's second pane on the same table. */
export interface Pair {
  readonly client: WindowHandle;
  readonly pane: WindowHandle;
}

/** The pair that has redirected mappings in numbers. */
export const ample = (p: ProgramBuilder): Pair => ({
  client: p.defaultWindow('vio0'),
  pane: p.defaultWindow('server0.partner'),
});

/** The pair where an entry has one mapping at most, and no bit bucket. */
export const single = (p: ProgramBuilder): Pair => ({
  client: p.defaultWindow('vio1'),
  pane: p.defaultWindow('server1.partner'),
});

/** Where the client's memory begins. */
export const CLIENT_MEMORY = 0x100_0000n;

/** The client maps `pages` pages of its memory, at the same offset in its window and its memory. */
export function clientMaps(p: ProgramBuilder, { client }: Pair, offset: bigint, pages = 1): void {
  for (let i = 0n; i < pages; i++) p.put(client, offset + i * 0x1000n, CLIENT_MEMORY + offset + i * 0x1000n + 3n);
}

/** The server copies `count` entries from `from` on in the pane to `to` on in its adapter's window. */
export function copy(p: ProgramBuilder, { pane }: Pair, from: bigint, to: WindowHandle, at: bigint, count = 1n): void {
  p.hcall('H_PUT_RTCE', pane.liobn, pane.at(from), to.liobn, to.at(at), count);
}

/** The same with the entries named by a list. */
export function copyList(p: ProgramBuilder, { pane }: Pair, list: readonly Term[], to: WindowHandle, at: bigint): void {
  p.list(list);
  p.hcall('H_PUT_RTCE_INDIRECT', 0x110_0000n, pane.liobn, to.liobn, to.at(at), BigInt(list.length));
}

/** The server takes copies out again. */
export function remove(p: ProgramBuilder, { pane }: Pair, from: bigint, to: WindowHandle, at: bigint, count = 1n, tce: Term = 0n): void {
  p.hcall('H_REMOVE_RTCE', pane.liobn, pane.at(from), to.liobn, to.at(at), count, tce);
}

/** What every scenario of redirected mappings needs beyond its calls. */
export const SERVER = ['vio-server', 'hcall-rdma'] as const;
