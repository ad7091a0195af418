import { architecture, type Clause } from '../rules.js';

const clause = architecture('LoPAR 2.9, ch_io_topology, Enhanced I/O Error Handling (EEH) Option');

/** What a stopped PE is like, whoever asks. */
export const EEH_CLAUSES = [
  clause('eeh/stopped-mmio', 'While the MMIO of a PE is stopped a load brings all ones and a store reaches nothing.'),
  clause('eeh/stopped-config', 'While the MMIO of a PE is stopped a load from its configuration space brings all ones, or fails.'),
  clause('eeh/stopped-dma', 'While the DMA of a PE is stopped its devices neither read nor write memory, whatever is mapped.'),
  clause('eeh/error-stops', 'An access of a device that is refused stops its PE, in MMIO and in DMA.'),
] as const satisfies readonly Clause[];
