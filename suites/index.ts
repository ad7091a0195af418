import { scenarios as rtce } from './rtce/index.js';
import { scenarios as cmo } from './cmo/index.js';
import type { Scenario } from '../harness/scenario.js';
import { scenarios as ddw } from './ddw/index.js';
import { scenarios as isolation } from './isolation/index.js';
import { scenarios as tce } from './tce/index.js';
import { scenarios as vectors } from './vectors/index.js';

/** Every scenario, in the order in which a run takes them. */
export const ALL_SCENARIOS: readonly Scenario[] = [...tce, ...ddw, ...isolation, ...vectors, ...rtce, ...cmo];
