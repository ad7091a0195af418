import type { Scenario } from '../../../harness/scenario.js';
import { scenarios as crossing } from './crossing.js';
import { scenarios as firstVersion } from './first-version.js';
import { scenarios as largePages } from './large-pages.js';
import { scenarios as memory } from './memory.js';
import { scenarios as neighbours } from './neighbours.js';
import { scenarios as permissions } from './permissions.js';
import { scenarios as processes } from './processes.js';
import { scenarios as remap } from './remap.js';
import { scenarios as stale } from './stale.js';
import { scenarios as twoPes } from './two-pes.js';
import { scenarios as windows } from './windows.js';

/** What a device reaches of the memory that a user program mapped through Linux's VFIO. */
export const scenarios: readonly Scenario[] = [
  ...permissions,
  ...neighbours,
  ...crossing,
  ...remap,
  ...windows,
  ...firstVersion,
  ...largePages,
  ...stale,
  ...memory,
  ...processes,
  ...twoPes,
];
