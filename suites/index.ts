import { scenarios as rtce } from './rtce/index.js';
import { scenarios as cmo } from './cmo/index.js';
import { scenarios as blocking } from './blocking/index.js';
import { scenarios as compat } from './compat/index.js';
import { scenarios as eeh } from './eeh/index.js';
import type { Scenario } from '../harness/scenario.js';
import { scenarios as ddw } from './ddw/index.js';
import { scenarios as iommufd } from './iommufd/index.js';
import { scenarios as kvm } from './kvm/index.js';
import { scenarios as isolation } from './isolation/index.js';
import { scenarios as memory } from './memory/index.js';
import { scenarios as nesting } from './nesting/index.js';
import { scenarios as tce } from './tce/index.js';
import { scenarios as vfio } from './vfio/index.js';
import { scenarios as vectors } from './vectors/index.js';
import { scenarios as windows } from './windows/index.js';

/** Every scenario, in the order in which a run takes them. */
export const ALL_SCENARIOS: readonly Scenario[] = [
  ...tce,
  ...ddw,
  ...isolation,
  ...vectors,
  ...rtce,
  ...cmo,
  ...vfio,
  ...iommufd,
  ...nesting,
  ...memory,
  ...windows,
  ...blocking,
  ...eeh,
  ...compat,
  ...kvm,
];
