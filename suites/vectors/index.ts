import type { Scenario } from '../../harness/scenario.js';
import { deviceTreeVectors } from './device-tree.js';
import { rtasVectors } from './rtas.js';
import { tceVectors } from './tces.js';
import { translationVectors } from './translation.js';
import { windowVectors } from './windows.js';

/**
 * The worked vectors of the fact sheet (facts/papr-and-opal.md, section 5) that a target can be asked. Each scenario names
 * its vectors; the literal numbers stand in `vectors.test.ts`, which asks the model.
 */
export const scenarios: readonly Scenario[] = [
  ...tceVectors,
  ...translationVectors,
  ...windowVectors,
  ...deviceTreeVectors,
  ...rtasVectors,
];
