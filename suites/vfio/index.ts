import { negativeScenarios } from '../../harness/build/negatives.js';
import type { Scenario } from '../../harness/scenario.js';
import { VFIO_RULES_LIST } from '../../reference/vfio/calls.js';
import { eehPeOp } from '../../reference/vfio/eeh-pe-op.js';
import { doorRaces } from '../windows/together.js';
import { scenarios as argsz } from './argsz.js';
import { scenarios as devices } from './devices.js';
import { scenarios as flags } from './flags.js';
import { scenarios as groups } from './groups.js';
import { scenarios as life } from './life.js';
import { scenarios as numbers } from './numbers.js';
import { scenarios as processes } from './processes.js';
import { scenarios as special } from './special.js';
import { scenarios as states } from './states.js';
import { scenarios as types } from './types.js';

/** Every rule alone and every two in order. */
const negatives = VFIO_RULES_LIST.filter(({ name }) => name.startsWith('VFIO_') && name !== eehPeOp.name).flatMap((call) => negativeScenarios('vfio', call));

/** The doors of a container, a group and a device. */
export const scenarios: readonly Scenario[] = [...types, ...states, ...life, ...devices, ...groups, ...processes, ...numbers, ...argsz, ...flags, ...special, ...doorRaces, ...negatives];
