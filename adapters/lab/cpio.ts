/** The cpio archive in which a Linux kernel finds its first file system (format "newc", initramfs buffer format). */

/** A file of the archive. Directories stand before what is in them. */
export type CpioEntry =
  | { readonly kind: 'directory'; readonly path: string; readonly mode: number }
  | { readonly kind: 'file'; readonly path: string; readonly mode: number; readonly data: Uint8Array }
  | { readonly kind: 'link'; readonly path: string; readonly target: string }
  | { readonly kind: 'device'; readonly path: string; readonly mode: number; readonly major: number; readonly minor: number };

/** File type bits of the mode (stat.h). */
const TYPE_BITS = { directory: 0o040000, file: 0o100000, link: 0o120000, device: 0o020000 } as const;
const MAGIC = '070701';
const TRAILER = 'TRAILER!!!';
const ALIGNMENT = 4;
const NUL = Buffer.of(0);

/**
 * The archive of these entries, uncompressed, all owned by root and without times, so that equal entries make equal bytes.
 *
 * @param entries paths without a leading slash; permission bits in `mode`
 */
export function cpioArchive(entries: readonly CpioEntry[]): Buffer {
  const parts = entries.flatMap((entry, i) => member(i + 1, entry.path, TYPE_BITS[entry.kind] | permissions(entry), content(entry), device(entry)));
  return Buffer.concat([...parts, ...member(0, TRAILER, 0, Buffer.alloc(0), [0, 0])]);
}

const permissions = (entry: CpioEntry): number => (entry.kind === 'link' ? 0o777 : entry.mode);

const device = (entry: CpioEntry): readonly [number, number] => (entry.kind === 'device' ? [entry.major, entry.minor] : [0, 0]);

function content(entry: CpioEntry): Uint8Array {
  if (entry.kind === 'file') return entry.data;
  return entry.kind === 'link' ? Buffer.from(entry.target) : Buffer.alloc(0);
}

function member(inode: number, path: string, mode: number, data: Uint8Array, [major, minor]: readonly [number, number]): Uint8Array[] {
  const name = Buffer.from(path);
  const links = (mode & TYPE_BITS.directory) === TYPE_BITS.directory ? 2 : 1;
  // c_ino, c_mode, c_uid, c_gid, c_nlink, c_mtime, c_filesize, c_maj, c_min, c_rmaj, c_rmin, c_namesize, c_chksum
  const fields = [inode, mode, 0, 0, links, 0, data.length, 0, 0, major, minor, name.length + 1, 0];
  const header = Buffer.from(MAGIC + fields.map((field) => field.toString(16).toUpperCase().padStart(8, '0')).join(''));
  return [header, name, NUL, padding(header.length + name.length + 1), data, padding(data.length)];
}

const padding = (length: number): Buffer => Buffer.alloc(-length & (ALIGNMENT - 1));
