import { closeSync, existsSync, openSync, readSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { jsonText } from './json-text.js';

/** A file of JSON lines that grows. Kept open: opening a file is the slowest thing a run's directory has to do. */
export class LineFile {
  readonly #file: number;

  /** @param lines how many it has */
  constructor(
    directory: string,
    readonly name: string,
    private lines = 0,
  ) {
    this.#file = openSync(join(directory, name), 'a');
  }

  /** Adds a line of plain JSON; returns its place, counted from 1: `traces.jsonl:17`. */
  add(value: unknown): string {
    writeFileSync(this.#file, `${jsonText(value)}\n`);
    this.lines += 1;
    return `${this.name}:${this.lines}`;
  }

  close(): void {
    closeSync(this.#file);
  }
}

/** A line of a file; `whole` where a line break ends it. */
export interface Line {
  readonly text: string;
  readonly whole: boolean;
}

const CHUNK = 1 << 20;
const LINE_BREAK = 0x0a;

/** The lines of a file, one by one: traces are too many to be in memory together. None where there is no file. */
export function* linesOf(file: string): Generator<Line, void> {
  if (!existsSync(file)) return;
  const descriptor = openSync(file, 'r');
  try {
    const chunk = Buffer.alloc(CHUNK);
    let begun: Buffer[] = [];
    for (let read = readSync(descriptor, chunk); read > 0; read = readSync(descriptor, chunk)) {
      let start = 0;
      for (let end = chunk.indexOf(LINE_BREAK); end >= 0 && end < read; end = chunk.indexOf(LINE_BREAK, start)) {
        yield { text: Buffer.concat([...begun, chunk.subarray(start, end)]).toString(), whole: true };
        begun = [];
        start = end + 1;
      }
      begun.push(Buffer.from(chunk.subarray(start, read)));
    }
    const rest = Buffer.concat(begun).toString();
    if (rest !== '') yield { text: rest, whole: false };
  } finally {
    closeSync(descriptor);
  }
}

/** How many whole lines a file has. */
export function countLines(file: string): number {
  let lines = 0;
  for (const { whole } of linesOf(file)) if (whole) lines += 1;
  return lines;
}

/** Leaves the first lines of a file, as many as it has of them, and no line that is cut off. */
export function keepLines(file: string, count: number): void {
  let [kept, bytes] = [0, 0];
  for (const { text, whole } of linesOf(file)) {
    if (!whole || kept === count) break;
    kept += 1;
    bytes += Buffer.byteLength(text) + 1;
  }
  if (existsSync(file)) truncateSync(file, bytes);
}
