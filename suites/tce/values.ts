import type { ProgramBuilder, WindowHandle } from '../../harness/build/program-builder.js';
import { scenario } from '../../harness/build/scenario-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import type { Term } from '../../reference/doors/term.js';
import { BOTH, DATA, mapping, NONE, OTHER, PAGE, PERMISSIONS, POISON, READ, WRITE } from './entries.js';

/** The three ways to write an entry. */
interface Writer {
  readonly place: string;
  readonly call: string;
  readonly write: (p: ProgramBuilder, window: WindowHandle, offset: bigint, entry: Term) => void;
}

const WRITERS: readonly Writer[] = [
  { place: 'put', call: 'H_PUT_TCE', write: (p, window, offset, entry) => p.put(window, offset, entry) },
  { place: 'stuff', call: 'H_STUFF_TCE', write: (p, window, offset, entry) => p.stuff(window, offset, entry, 1n) },
  { place: 'indirect', call: 'H_PUT_TCE_INDIRECT', write: (p, window, offset, entry) => p.putList(window, offset, [entry]) },
];

interface Value {
  readonly name: string;
  readonly text: string;
  readonly entry: Term;
  readonly clause: 'store' | 'page';
}

const stored = (name: string, what: string, entry: Term): Value => ({ name, text: `stores ${what}`, entry, clause: 'store' });
const foreign = (name: string, what: string, entry: Term): Value => ({ name, text: `refuses ${what}`, entry, clause: 'page' });
const memoryEnd = (offset: bigint): Term => ({ from: 'memory.end', plus: offset });

const VALUES: readonly Value[] = [
  stored('zero', 'an entry of 0', 0n),
  ...PERMISSIONS.map(({ bits, name, text }) => stored(`permission-${name}`, `a page of memory with ${text}`, mapping(DATA, bits))),
  stored('first-page-of-memory', 'a mapping of the first page of memory', BOTH),
  stored('last-page-of-memory', 'a mapping of the last page of memory', memoryEnd(-PAGE + BOTH)),
  ...[READ, WRITE, BOTH].map((bits) =>
    foreign(
      `first-page-outside/permission-${bits}`,
      `a mapping of the first page outside memory with permission bits ${bits}`,
      memoryEnd(bits),
    ),
  ),
  foreign('second-page-outside', 'a mapping of the second page outside memory', memoryEnd(PAGE + BOTH)),
  foreign('bit-2^48', 'a mapping whose address has bit 2^48 set', mapping(DATA + (1n << 48n))),
  foreign('bit-2^63', 'a mapping whose address has bit 2^63 set', mapping(DATA + (1n << 63n))),
  foreign('all-ones', 'an entry of all ones', (1n << 64n) - 1n),
  stored('poison', 'other bits without permission bits', POISON),
  stored('poison-reserved-bits', 'every reserved bit without permission bits', 0xffcn),
  stored('poison-outside', 'the address of a page outside memory without permission bits', memoryEnd(NONE)),
  stored('poison-all-ones', 'all ones but for the permission bits', (1n << 64n) - 4n),
];

/** The entry and both its neighbours held mappings before. */
const valueScenario = ({ place, call, write }: Writer, { name, text, entry, clause }: Value): Scenario =>
  scenario({ id: `tce/${place}/value/${name}`, title: `${call} ${text}`, clauses: [`${call}/${clause}`] }, (p) => {
    const window = p.defaultWindow();
    for (const i of [4n, 5n, 6n]) p.put(window, i * PAGE, mapping(OTHER + i * PAGE));
    write(p, window, 5n * PAGE, entry);
    for (const i of [4n, 5n, 6n]) p.get(window, i * PAGE);
  });

/** Each of the reserved bits of a mapping, one after another. */
const reservedBits = ({ place, call, write }: Writer): Scenario =>
  scenario(
    {
      id: `tce/${place}/value/reserved-bits`,
      title: `${call} keeps, masks or refuses each reserved bit of a mapping`,
      clauses: [`${call}/stray-bits`],
    },
    (p) => {
      const window = p.defaultWindow();
      p.put(window, 5n * PAGE, mapping(OTHER));
      for (let bit = 2n; bit < 12n; bit++) {
        write(p, window, 5n * PAGE, mapping(DATA + (1n << bit)));
        p.get(window, 5n * PAGE);
      }
    },
  );

/** Large pages: the address keeps its place, and the bits below the page size mean nothing. */
const largePageScenario = ({ place, call, write }: Writer, shift: number): Scenario[] => {
  const size = 1n << BigInt(shift);
  const withWindow = (name: string, title: string, clause: string, entry: Term): Scenario =>
    scenario(
      { id: `tce/${place}/page-2^${shift}/${name}`, title: `${call}, pages of 2^${shift} bytes: ${title}`, clauses: [clause] },
      (p) => {
        const window = p.create(shift, 28);
        for (const i of [1n, 2n, 3n]) p.put(window, i * size, mapping(OTHER));
        write(p, window, 2n * size, entry);
        for (const i of [1n, 2n, 3n]) p.get(window, i * size);
      },
    );
  return [
    withWindow('aligned', 'stores a mapping whose address begins a page', `${call}/store`, mapping(DATA)),
    withWindow('lowest-stray-bit', 'keeps, masks or refuses address bit 2^12', `${call}/stray-bits`, mapping(DATA + PAGE)),
    withWindow(
      'highest-stray-bit',
      'keeps, masks or refuses the highest bit below the page size',
      `${call}/stray-bits`,
      mapping(DATA + size / 2n),
    ),
    withWindow('outside', 'refuses a page that begins outside memory', `${call}/page`, { from: 'memory.end', plus: BOTH }),
    withWindow('poison', 'stores the bits below the page size without permission bits', `${call}/store`, DATA + size - PAGE),
  ];
};

/** What each call makes of each value of an entry. */
export const scenarios: readonly Scenario[] = WRITERS.flatMap((writer) => [
  ...VALUES.map((value) => valueScenario(writer, value)),
  reservedBits(writer),
  ...[16, 21, 24].flatMap((shift) => largePageScenario(writer, shift)),
]);
