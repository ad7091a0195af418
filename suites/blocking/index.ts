import type { Scenario } from '../../harness/scenario.js';
import { scenarios as attached } from './attached.js';
import { scenarios as cycles } from './cycles.js';
import { scenarios as defaultWindow } from './default-window.js';
import { scenarios as hostDriver } from './host-driver.js';
import { scenarios as order } from './order.js';
import { scenarios as viability } from './viability.js';

/** Who has a device, and what it reaches while it changes hands. */
export const scenarios: readonly Scenario[] = [...attached, ...defaultWindow, ...order, ...cycles, ...viability, ...hostDriver];
