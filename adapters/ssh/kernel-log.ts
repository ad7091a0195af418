/** A line of the kernel log: its level (0 emergency … 7 debug) and its text. */
export type LogLine = readonly [level: number, text: string];

/** Level of a warning: lines above it count by what they say. */
export const WARNING = 4;

/** Lines at warning level or above that kernels print in good health while devices change hands. */
export const USUAL: readonly RegExp[] = [
  /^vfio-pci .*: (enabling device|resetting|reset done)/,
  // Linux platforms/pseries/iommu.c spapr_tce_create_table, at every new window.
  /^spapr_tce_create_table: Calling query/,
];

/** Reports that count at any level. */
const TROUBLE = /WARNING:|BUG:|kernel BUG|Oops|Kernel panic|Unable to handle kernel|Call Trace|general protection|EEH: |blocked for more than|lockup|rcu: INFO/;

/** The texts that tell of something: warnings and worse, without what is usual. */
export const noteworthy = (lines: readonly LogLine[]): string[] =>
  lines.filter(([level, text]) => (level <= WARNING || TROUBLE.test(text)) && !USUAL.some((usual) => usual.test(text))).map(([, text]) => text);

/** The line that says best what broke the kernel. */
export const firstTrouble = (lines: readonly LogLine[]): string | undefined => lines.find(([, text]) => TROUBLE.test(text))?.[1];
