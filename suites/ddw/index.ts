import { negativeScenarios } from '../../harness/build/negatives.js';
import { createPeDmaWindow } from '../../reference/papr/ibm-create-pe-dma-window.js';
import { queryPeDmaWindow } from '../../reference/papr/ibm-query-pe-dma-window.js';
import { removePeDmaWindow } from '../../reference/papr/ibm-remove-pe-dma-window.js';
import { resetPeDmaWindow } from '../../reference/papr/ibm-reset-pe-dma-window.js';
import type { Scenario } from '../../harness/scenario.js';
import { scenarios as cells } from './cells.js';
import { scenarios as create } from './create.js';
import { scenarios as defaultWindow } from './default-window.js';
import { scenarios as everyOrder } from './every-order.js';
import { scenarios as exhaustion } from './exhaustion.js';
import { scenarios as huge } from './huge.js';
import { scenarios as limited } from './limited.js';
import { scenarios as properties } from './properties.js';
import { scenarios as query } from './query.js';
import { scenarios as reboot } from './reboot.js';
import { scenarios as remove } from './remove.js';
import { scenarios as reset } from './reset.js';
import { scenarios as singleWindow } from './single-window.js';
import { scenarios as twoPhbs } from './two-phbs.js';
import { scenarios as wide } from './wide.js';

const negatives = [queryPeDmaWindow, createPeDmaWindow, removePeDmaWindow, resetPeDmaWindow].flatMap((call) =>
  negativeScenarios('ddw', call),
);

/** Dynamic DMA windows. */
export const scenarios: readonly Scenario[] = [
  ...properties,
  ...query,
  ...create,
  ...remove,
  ...reset,
  ...defaultWindow,
  ...everyOrder,
  ...exhaustion,
  ...singleWindow,
  ...limited,
  ...wide,
  ...twoPhbs,
  ...reboot,
  ...cells,
  ...negatives,
  ...huge,
];
