/**
 * Files without a name: open, readable by a child process through its descriptor, and gone with the last
 * process that has them. So no way of dying leaves one behind.
 */

import { randomUUID } from 'node:crypto';
import { openSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';

/** Creates a nameless file for reading and writing; returns its descriptor. */
export function openNameless(directory: string): number {
  const path = join(directory, `papr-conformance-${process.pid}-${randomUUID()}`);
  const fd = openSync(path, 'wx+', 0o600);
  unlinkSync(path);
  return fd;
}

/** Path under which a child process opens the file that it has as this descriptor. */
export function childPath(fd: number): string {
  return process.platform === 'linux' ? `/proc/self/fd/${fd}` : `/dev/fd/${fd}`;
}
