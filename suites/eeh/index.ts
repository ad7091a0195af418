import { negativeScenarios } from '../../harness/build/negatives.js';
import type { Scenario } from '../../harness/scenario.js';
import { eehPeOp } from '../../reference/vfio/eeh-pe-op.js';
import { scenarios as host } from './host/recovery.js';
import { scenarios as hostFlows } from './flows/host.js';
import { scenarios as vfioFlows } from './flows/vfio.js';
import { scenarios as notify } from './notify.js';
import { scenarios as papr } from './papr/index.js';
import { scenarios as absent } from './vfio/absent.js';
import { scenarios as cells } from './vfio/cells.js';
import { scenarios as injection } from './vfio/injection.js';
import { scenarios as owners } from './vfio/owners.js';
import { scenarios as recovery } from './vfio/recovery.js';
import { scenarios as stopped } from './vfio/stopped.js';
import { scenarios as stoppedBeside } from './vfio/stopped-beside.js';

/** Every rule of VFIO_EEH_PE_OP alone and every two in order. */
const negatives = negativeScenarios('eeh', eehPeOp);

/** Errors of a PE: its states, its recovery, and who is told. */
export const scenarios: readonly Scenario[] = [...papr, ...cells, ...recovery, ...injection, ...stopped, ...stoppedBeside, ...owners, ...host, ...absent, ...notify, ...vfioFlows, ...hostFlows, ...negatives];
