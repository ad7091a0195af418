import { TCE_PERMISSION, TCE_READ, TCE_RPN, TCE_WRITE } from '../../tce/tce.js';
import { TceTable } from '../../tce/table.js';
import { runAt, type ParentDomain, type PinnedRun } from './parent-domain.js';
import { makeTceTables, putTce, type TceTables } from './tce-tables.js';
import type { DomainWindow } from './windows.js';

/** Why an update of a guest's table is refused: nothing is changed then. */
export type GuestFault = 'outside' | 'unaligned' | 'not-mapped' | 'permission';

/**
 * The tables of a guest: its entries name its own memory; what the hardware gets names where that memory is. The memory is
 * pinned by the parent: an update only looks it up. It must take 5 million updates a second.
 */
export class GuestTables {
  readonly tables: TceTables;
  readonly #places: readonly [Place, ...Place[]];
  /** The window and the run that were looked up last: most updates stay with them. */
  #window: Place;
  #run: PinnedRun | undefined;

  constructor(
    readonly parent: ParentDomain,
    readonly windows: readonly [DomainWindow, ...DomainWindow[]],
  ) {
    this.tables = makeTceTables(windows);
    this.#places = windows.map(placeOf) as [Place, ...Place[]];
    this.#window = this.#places[0];
  }

  /** One entry, as H_PUT_TCE has it: undefined where it is done. */
  put(ioba: bigint, tce: bigint): GuestFault | undefined {
    const window = this.#windowAt(ioba);
    if (window === undefined) return 'outside';
    // The page is a power of two: dividing is exact, and quicker than a remainder.
    const at = Number(ioba - window.start) / window.page;
    const index = Math.floor(at);
    if (index !== at) return 'unaligned';
    const entry = this.#resolve(tce, window.page);
    if (typeof entry === 'string') return entry;
    window.written.put(index, tce);
    putTce(this.tables, window.number, index, entry);
    return undefined;
  }

  /** The same entry for several pages: all of them, or none. */
  stuff(ioba: bigint, tce: bigint, pages: number): GuestFault | undefined {
    const window = this.#windowAt(ioba);
    if (window === undefined || ioba + BigInt(pages * window.page) > window.end) return 'outside';
    for (let i = 0; i < pages; i++) {
      const fault = this.put(ioba + BigInt(i * window.page), tce);
      // The first decides for all: they differ in their places only.
      if (fault !== undefined) return fault;
    }
    return undefined;
  }

  /** What the guest reads back of an entry; undefined outside its windows. */
  get(ioba: bigint): bigint | undefined {
    const window = this.#windowAt(ioba);
    return window?.written.get(Math.floor(Number(ioba - window.start) / window.page));
  }

  /** True where some entry maps memory of the guest in that range. */
  uses(address: bigint, length: bigint): boolean {
    return !this.#entriesIn(address, length).next().done;
  }

  /** Memory of the guest goes: no entry maps it any more. */
  forget(address: bigint, length: bigint): void {
    for (const { place, index } of [...this.#entriesIn(address, length)]) {
      place.written.put(index, 0n);
      putTce(this.tables, place.number, index, 0n);
    }
  }

  /** The parent's memory changed. */
  lookAgain(): void {
    this.#run = undefined;
  }

  *#entriesIn(address: bigint, length: bigint): Generator<{ readonly place: Place; readonly index: number }> {
    for (const place of this.#places) {
      const page = BigInt(place.page);
      for (const [index, tce] of place.written.written()) {
        const first = tce & TCE_RPN & ~(page - 1n);
        if ((tce & TCE_PERMISSION) !== 0n && first < address + length && address < first + page) yield { place, index };
      }
    }
  }

  #windowAt(ioba: bigint): Place | undefined {
    const recent = this.#window;
    if (ioba >= recent.start && ioba < recent.end) return recent;
    const found = this.#places.find(({ start, end }) => ioba >= start && ioba < end);
    if (found !== undefined) this.#window = found;
    return found;
  }

  /** What the hardware gets for a guest's entry. Numbers: all that is in a guest's memory is below 2^52. */
  #resolve(tce: bigint, page: number): bigint | GuestFault {
    const permission = Number(tce & TCE_PERMISSION);
    if (permission === 0) return 0n;
    const address = pageAt(Number(tce), page);
    let run = this.#run;
    if (run === undefined || address < run.first || address >= run.end) {
      run = runAt(this.parent.runs, address);
      if (run === undefined) return 'not-mapped';
      this.#run = run;
    }
    const real = address + run.toReal;
    if (address + page > run.end || pageAt(real, page) !== real) return 'not-mapped';
    if (!mayHave(run, permission)) return 'permission';
    return BigInt(real + permission);
  }
}

/** The page that holds an address. */
const pageAt = (address: number, page: number): number => Math.floor(address / page) * page;

/** A window as the fast path has it. */
interface Place {
  readonly number: number;
  readonly start: bigint;
  readonly end: bigint;
  /** Bytes of an I/O page. */
  readonly page: number;
  /** What the guest wrote: it reads it back. */
  readonly written: TceTable;
}

const placeOf = ({ start, size, pageShift }: DomainWindow, number: number): Place => ({
  number,
  start,
  end: start + size,
  page: 2 ** pageShift,
  written: new TceTable(Number(size >> BigInt(pageShift))),
});

const [READ, WRITE] = [Number(TCE_READ), Number(TCE_WRITE)];

/** The guest can give a device no more than it has itself. */
const mayHave = ({ readable, writeable }: PinnedRun, permission: number): boolean =>
  (readable || (permission & READ) === 0) && (writeable || (permission & WRITE) === 0);
