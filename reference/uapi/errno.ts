/** Linux error numbers that the stack uses: the same on POWER and x86. Source: asm-generic/errno-base.h, errno.h. */
export const E = {
  EPERM: 1,
  ENOENT: 2,
  ESRCH: 3,
  EINTR: 4,
  EIO: 5,
  ENXIO: 6,
  E2BIG: 7,
  ENOEXEC: 8,
  EBADF: 9,
  ECHILD: 10,
  EAGAIN: 11,
  ENOMEM: 12,
  EACCES: 13,
  EFAULT: 14,
  EBUSY: 16,
  EEXIST: 17,
  ENODEV: 19,
  ENOTDIR: 20,
  EINVAL: 22,
  EMFILE: 24,
  ENOTTY: 25,
  ENOSPC: 28,
  ESPIPE: 29,
  ERANGE: 34,
  ECHRNG: 44,
  EOVERFLOW: 75,
  EBADFD: 77,
  EMSGSIZE: 90,
  EOPNOTSUPP: 95,
  EADDRINUSE: 98,
  ETIMEDOUT: 110,
  ESTALE: 116,
} as const;

const names = new Map<number, string>(Object.entries(E).map(([name, number]) => [number, name]));

/** What a system call came to: `0`, `3`, `-EINVAL`; an unknown error as its number. */
export const syscallResultName = (result: number | bigint): string => {
  const value = Number(result);
  return value >= 0 ? String(value) : `-${names.get(-value) ?? String(-value)}`;
};
