import type { Scenario } from '../../harness/scenario.js';
import { scenarios as bounded } from './bounded.js';
import { scenarios as chunks } from './chunks.js';
import { scenarios as clash } from './clash.js';
import { scenarios as exit } from './exit.js';
import { scenarios as hugeGuest } from './huge-guest.js';
import { scenarios as hypercalls } from './hypercalls.js';
import { scenarios as open } from './open.js';
import { scenarios as type1 } from './type1.js';

/** The flows of other public tests for POWER, step by step, each with an answer at every step; and numbers that clash. */
export const scenarios: readonly Scenario[] = [...open, ...chunks, ...hugeGuest, ...exit, ...bounded, ...hypercalls, ...clash, ...type1];
