import type { Scenario } from '../../harness/scenario.js';
import { scenarios as backing } from './backing.js';
import { scenarios as limits } from './limits.js';
import { scenarios as regions } from './regions.js';
import { scenarios as sharing } from './sharing.js';
import { scenarios as version1 } from './version-1.js';
import { memoryRaces } from '../windows/together.js';
import { scenarios as worked } from './worked.js';

/** Memory for I/O: what is registered, pinned and charged, to the page. */
export const scenarios: readonly Scenario[] = [...regions, ...backing, ...sharing, ...limits, ...version1, ...worked, ...memoryRaces];
