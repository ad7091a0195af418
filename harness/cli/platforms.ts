import type { Platform } from '../../adapters/lab/index.js';
import { UsageError } from '../../adapters/target.js';

const PLATFORMS: readonly Platform[] = ['pseries', 'powernv'];
const CPUS = ['power9', 'power10'] as const;

/** The platform of that name. @throws UsageError */
export function findPlatform(name: string): Platform {
  const platform = PLATFORMS.find((candidate) => candidate === name);
  if (platform === undefined) throw new UsageError(`Expected one of the platforms ${PLATFORMS.join(', ')}; got '${name}'.`);
  return platform;
}

/** The processor of that name. @throws UsageError */
export function findCpu(name = 'power9'): (typeof CPUS)[number] {
  const cpu = CPUS.find((candidate) => candidate === name);
  if (cpu === undefined) throw new UsageError(`Expected --cpu to be one of ${CPUS.join(', ')}; got '${name}'.`);
  return cpu;
}
