import type { Access } from './pe.js';

/**
 * What an injected error does: 20 functions, the same numbers in ibm,errinjct (LoPAR 2.9, ioa-bus-error), in OPAL_PCI_ERR_INJECT
 * and in VFIO_EEH_PE_INJECT_ERR (Linux arch/powerpc/include/uapi/asm/eeh.h).
 */
export const FUNCTIONS: readonly { readonly name: string; readonly access: Access }[] = [
  { name: 'load from memory, address', access: 'mmio-load' },
  { name: 'load from memory, data', access: 'mmio-load' },
  { name: 'load from I/O, address', access: 'io' },
  { name: 'load from I/O, data', access: 'io' },
  { name: 'load from configuration, address', access: 'config-load' },
  { name: 'load from configuration, data', access: 'config-load' },
  { name: 'store to memory, address', access: 'mmio-store' },
  { name: 'store to memory, data', access: 'mmio-store' },
  { name: 'store to I/O, address', access: 'io' },
  { name: 'store to I/O, data', access: 'io' },
  { name: 'store to configuration, address', access: 'config-store' },
  { name: 'store to configuration, data', access: 'config-store' },
  { name: 'DMA read, address', access: 'dma-read' },
  { name: 'DMA read, data', access: 'dma-read' },
  { name: 'DMA read, master abort', access: 'dma-read' },
  { name: 'DMA read, target abort', access: 'dma-read' },
  { name: 'DMA write, address', access: 'dma-write' },
  { name: 'DMA write, data', access: 'dma-write' },
  { name: 'DMA write, master abort', access: 'dma-write' },
  { name: 'DMA write, target abort', access: 'dma-write' },
];

/** Past the last function: ibm,errinjct takes an injection back with the first, and reads it back with the second. */
export const TAKE_BACK = FUNCTIONS.length;
export const READ_BACK = TAKE_BACK + 1;

/** Error types: an address of 32 or of 64 bits. */
export const TYPES = 2;

/** Functions that Linux injects in a partition: loads and stores to memory (pseries_eeh_err_inject). */
export const inPartition = (func: number): boolean => ['mmio-load', 'mmio-store'].includes(FUNCTIONS[func]?.access ?? '');

/** Functions that the firmware of POWER9 and later injects: loads and stores to configuration space (skiboot phb4_err_inject). */
export const onPhb4 = (func: number): boolean => ['config-load', 'config-store'].includes(FUNCTIONS[func]?.access ?? '');
