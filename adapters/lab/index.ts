/** Real Linux kernels on emulated POWER machines: started, watched, reset and given back. */

export { labCache } from './cache.js';
export type { Platform, LabPe } from './hardware.js';
export type { Health } from './health.js';
export { GrowingFile } from './growing-file.js';
export { LabMachine } from './machine.js';
export { buildKernel, type BuiltKernel } from './kernel/build.js';
export { labMachines, findLabMachine } from './list.js';
export type { LabOptions } from './blueprint.js';
export type { MachineRecord } from './registry.js';
export { startLab } from './start.js';
