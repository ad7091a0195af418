import type { Scenario } from '../../harness/scenario.js';
import { scenarios as create } from './create.js';
import { scenarios as standard } from './default.js';
import { scenarios as mapping } from './mapping.js';
import { windowRaces } from './together.js';
import { scenarios as witness } from './witness.js';

/** Windows of a container: the default one, created ones, and what is mapped in them. */
export const scenarios: readonly Scenario[] = [...standard, ...create, ...mapping, ...witness, ...windowRaces];
