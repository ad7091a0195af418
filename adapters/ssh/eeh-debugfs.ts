/** Where the kernel's EEH can be told things. Source: Linux arch/powerpc/kernel/eeh.c eeh_init_debugfs. */
export const EEH_DEBUGFS = '/sys/kernel/debug/powerpc';
