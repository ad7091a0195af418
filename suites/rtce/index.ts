import { negativeScenarios } from '../../harness/build/negatives.js';
import type { Scenario } from '../../harness/scenario.js';
import { hMigrateDma } from '../../reference/papr/h-migrate-dma.js';
import { hPutRtce } from '../../reference/papr/h-put-rtce.js';
import { hPutRtceIndirect } from '../../reference/papr/h-put-rtce-indirect.js';
import { hRemoveRtce } from '../../reference/papr/h-remove-rtce.js';
import { copyScenarios } from './copy.js';
import { firstPaneScenarios } from './first-pane.js';
import { functionSetScenarios } from './function-sets.js';
import { limitScenarios } from './limits.js';
import { migrateScenarios } from './migrate.js';
import { superPageScenarios } from './migrate-super-page.js';
import { removeScenarios } from './remove.js';

/** Redirected mappings of virtual I/O servers, migration of mapped pages, and function sets that are not offered. */
export const scenarios: readonly Scenario[] = [
  ...copyScenarios,
  ...limitScenarios,
  ...removeScenarios,
  ...firstPaneScenarios,
  ...migrateScenarios,
  ...superPageScenarios,
  ...functionSetScenarios,
  ...[hPutRtce, hPutRtceIndirect, hRemoveRtce, hMigrateDma].flatMap((call) => negativeScenarios('rtce', call)),
];
