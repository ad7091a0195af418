import type { Scenario } from '../../../harness/scenario.js';
import { scenarios as beside } from './beside.js';
import { scenarios as doors } from './doors.js';
import { scenarios as events } from './events.js';
import { scenarios as life } from './life.js';
import { scenarios as spapr } from './spapr.js';
import { scenarios as translation } from './translation.js';
import { scenarios as windows } from './windows.js';

/** The plan for POWER. */
export const scenarios: readonly Scenario[] = [...windows, ...translation, ...doors, ...events, ...spapr, ...life, ...beside];
