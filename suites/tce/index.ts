import { negativeScenarios } from '../../harness/build/negatives.js';
import { hGetTce } from '../../reference/papr/h-get-tce.js';
import { hPutTce } from '../../reference/papr/h-put-tce.js';
import { hPutTceIndirect } from '../../reference/papr/h-put-tce-indirect.js';
import { hStuffTce } from '../../reference/papr/h-stuff-tce.js';
import type { Scenario } from '../../harness/scenario.js';
import { scenarios as boundaries } from './boundaries.js';
import { scenarios as get } from './get.js';
import { scenarios as handed } from './handed.js';
import { scenarios as indirect } from './indirect.js';
import { scenarios as lists } from './lists.js';
import { scenarios as multiTable } from './multi-table.js';
import { scenarios as put } from './put.js';
import { scenarios as rescind } from './rescind.js';
import { scenarios as stuff } from './stuff.js';
import { scenarios as values } from './values.js';

const negatives = [hPutTce, hGetTce, hStuffTce, hPutTceIndirect].flatMap((call) => negativeScenarios('tce', call));

/** TCE hypercalls. */
export const scenarios: readonly Scenario[] = [
  ...boundaries,
  ...values,
  ...put,
  ...get,
  ...stuff,
  ...indirect,
  ...lists,
  ...multiTable,
  ...rescind,
  ...handed,
  ...negatives,
];
