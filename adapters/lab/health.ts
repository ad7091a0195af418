/** What the console tells about the kernel's health. */

/** Whether a machine can still be used, and why not. */
export type Health =
  | { readonly state: 'alive' }
  /** The kernel has reported damage to itself on the console; `evidence` is the line. It may still answer. */
  | { readonly state: 'damaged'; readonly evidence: string }
  /** QEMU has ended; `evidence` is what the kernel reported before, or the last QEMU has said. */
  | { readonly state: 'dead'; readonly evidence: string };

/** Reports of a Linux kernel that has gone wrong, as the kernel prints them. */
const DAMAGE = [
  /Kernel panic - not syncing/,
  /\bOops: /,
  /\bBUG: /,
  /kernel BUG at /,
  /Unable to handle kernel /,
  /watchdog: .*(lockup|stuck)/i,
  /rcu: INFO: .*(stall|self-detected)/,
  /INFO: task .* blocked for more than/,
] as const;

/** What a kernel that goes on as if nothing were wrong says when it has met what must not be. */
const WARNING = [/^(\[[ \d.]+\] )?WARNING: (CPU: |\S+:\d+ at )/] as const;

/** The first line that tells of damage. */
export const damageIn = (consoleText: string): string | undefined => lineWith(consoleText, DAMAGE);

/** The first line that tells of what must not be. */
export const warningIn = (consoleText: string): string | undefined => lineWith(consoleText, WARNING);

const lineWith = (consoleText: string, patterns: readonly RegExp[]): string | undefined =>
  consoleText.split(/\r?\n/).find((line) => patterns.some((pattern) => pattern.test(line)))?.trim();
