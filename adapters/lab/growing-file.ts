/** A file that another process writes to its end, read in steps. */

import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';

export class GrowingFile {
  constructor(readonly path: string) {}

  /** The present end, in bytes: what is written later is what `since` tells of this mark. 0 while there is no file. */
  mark(): number {
    return statSync(this.path, { throwIfNoEntry: false })?.size ?? 0;
  }

  /** What has been written since a mark. A character of several bytes that is half written looks broken. */
  since(mark = 0): string {
    return this.read(mark).text;
  }

  /** The same, with the mark up to which it has been read: what is written meanwhile belongs to the next reading. */
  read(mark: number): { readonly text: string; readonly end: number } {
    if (this.mark() <= mark) return { text: '', end: mark };
    const fd = openSync(this.path, 'r');
    try {
      const bytes = Buffer.alloc(Math.max(0, fstatSync(fd).size - mark));
      const count = readSync(fd, bytes, 0, bytes.length, mark);
      return { text: bytes.toString('utf8', 0, count), end: mark + count };
    } finally {
      closeSync(fd);
    }
  }
}
