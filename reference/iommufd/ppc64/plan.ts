import { PPC64_DRIVER_NAME } from '../../iommu-drivers.js';
import type { Clause, Standing } from '../../rules.js';
import type { Host } from '../../vfio/host.js';
import { iommuOf } from '../groups.js';

/** Clauses of the plan for POWER. */
export const planned =
  (status: Extract<Standing, 'proposed' | 'open'>, source: string) =>
  (id: string, text: string): Clause => ({ id, text, source, status, level: 'must' });

/** The kernel has page tables for POWER, as planned. */
export const isPlanned = ({ groups }: Host): boolean => [...groups.values()].some(({ description }) => iommuOf(description).driver.name === PPC64_DRIVER_NAME);
