import type { Scenario } from '../../harness/scenario.js';
import { scenarios as beforeDuringAfter } from './before-during-after.js';
import { scenarios as crossing } from './crossing.js';
import { scenarios as largePages } from './large-pages.js';
import { scenarios as neighbours } from './neighbours.js';
import { scenarios as permissions } from './permissions.js';
import { scenarios as poisoned } from './poisoned.js';
import { scenarios as remap } from './remap.js';
import { scenarios as stale } from './stale.js';
import { scenarios as twoPes } from './two-pes.js';
import { scenarios as vfio } from './vfio/index.js';
import { scenarios as windows } from './windows.js';

/** What a device can and cannot reach, by real DMA. */
export const scenarios: readonly Scenario[] = [
  ...permissions,
  ...poisoned,
  ...beforeDuringAfter,
  ...remap,
  ...crossing,
  ...largePages,
  ...windows,
  ...stale,
  ...neighbours,
  ...twoPes,
  ...vfio,
];
