import type { Machine } from '../machine.js';
import type { Guard } from '../rules.js';
import { H, type HcallName } from '../uapi/hcall.js';
import { clause } from './tce-checks.js';

/** Function sets of /rtas ibm,hypertas-functions that the calls of the reference belong to. */
export type FunctionSet = 'hcall-multi-tce' | 'hcall-rdma' | 'hcall-migrate';

/** The partition is not offered the function set of the call. First check of every call of an optional set. */
export const notOffered = (call: HcallName, set: FunctionSet): Guard<{ readonly machine: Machine }> => ({
  ...clause(
    `${call}/function-set`,
    `Where ibm,hypertas-functions does not name ${set}, the call is refused with H_FUNCTION.`,
    'LoPAR 2.9, Hypervisor Call Function Table; Hypervisor Call Return Code Table, H_Function',
  ),
  when: (c) => !c.machine.description.functions.includes(set),
  refuse: [H.H_FUNCTION],
});
