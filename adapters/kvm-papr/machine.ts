import type { GroupDescription, LinuxDescription, MachineDescription, PeDescription, VioDescription, WindowDescription } from '../../reference/description.js';

/*
 * The partition that the monitor makes: memory, tables of TCEs that KVM keeps, and PEs, each of which is a group of VFIO whose window has
 * such a table in front of it.
 */

const MIB = 1n << 20n;

/** Room for PROGRAM_MEMORY, and no more: all of it is pinned for every program that has hardware. */
const MEMORY_BYTES = 128n * MIB;
/** log2 of the I/O page size: a default window has 4 KiB pages. */
const PAGE_SHIFT = 12;
const WINDOW: Omit<WindowDescription, 'liobn'> = { start: 0n, size: 256n * MIB, pageShift: PAGE_SHIFT };
/** A PE is a host bridge of its own; its numbers are QEMU's, and mean nothing to KVM. */
const BASE_BUID = 0x800_0000_2000_0000n;
const BASE_LIOBN = 0x8000_0000n;
const CONFIG_ADDRESS = 0x800;
const MOST_PES = 2;

/** Tables with no hardware behind them: what a virtual adapter has. */
const VIO: VioDescription = { name: 'vio0', own: { ...WINDOW, liobn: 0x7100_0000n }, bitBucket: false };

/** A PE of the partition, and the group that it is on the host. */
export interface GroupOfPe {
  readonly pe: PeDescription;
  readonly group: string;
}

/** Groups that can be PEs, those first whose devices do DMA on command, and of these those of a single device. Their windows must be a monitor's to make. */
export function pesOf({ groups, eeh, emulatedEeh }: Pick<LinuxDescription, 'groups' | 'eeh' | 'emulatedEeh'>): GroupOfPe[] {
  const fit = groups.filter(({ windows, pageSizes }) => windows > 0 && ((pageSizes >> BigInt(PAGE_SHIFT)) & 1n) === 1n);
  const ranked = [...fit].sort((a, b) => Number(hasEdu(b)) - Number(hasEdu(a)) || Number(isAlone(b)) - Number(isAlone(a)));
  // Where a refused access stops the PE, nothing can be seen of a device any more.
  const stops = eeh && emulatedEeh !== true;
  return ranked.slice(0, MOST_PES).map((group, i) => ({ pe: describePe(i, stops ? [] : edusOf(group)), group: group.name }));
}

const edusOf = ({ devices }: GroupDescription): string[] => devices.filter(({ kind }) => kind === 'edu').map(({ name }) => name);

const hasEdu = (group: GroupDescription): boolean => edusOf(group).length > 0;
const isAlone = ({ devices }: GroupDescription): boolean => devices.length === 1;

const describePe = (index: number, devices: string[]): PeDescription => ({
  name: `pe${index}`,
  configAddress: CONFIG_ADDRESS,
  buid: BASE_BUID + BigInt(index),
  defaultWindow: { ...WINDOW, liobn: BASE_LIOBN + BigInt(index << 8) },
  devices,
});

/** The partition as the model is to be configured. */
export const partitionOf = (pes: readonly GroupOfPe[]): MachineDescription => ({
  platform: 'pseries',
  monitor: true,
  memoryBytes: MEMORY_BYTES,
  functions: ['hcall-tce', 'hcall-multi-tce'],
  pes: pes.map(({ pe }) => pe),
  vios: [VIO],
});
