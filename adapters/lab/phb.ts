/** The PE states of an emulated PHB4 or PHB5, set from outside as its hardware would set them: skiboot and the kernel find them there. */

import { TargetLost } from '../target.js';
import type { LabMachine } from './machine.js';
import { withRegisters, type Registers } from './qtest.js';

/** What of a PE is stopped: loads and stores, DMA, or both. */
export type Stop = 'all' | 'mmio' | 'dma';

/** A PE's place. */
export interface PePlace {
  /** PCI domain, which is the number of its host bridge. */
  readonly domain: number;
  /** PE number: the device's `eeh_pe_config_addr`. */
  readonly pe: number;
}

/** Registers of a PHB4 that lead to its tables. Source: skiboot include/phb4-regs.h PHB_IODA_ADDR, PHB_IODA_DATA0. */
const TABLE_ADDRESS = 0x220n;
const TABLE_DATA = 0x228n;

/** Control of an injected error, which waits there for its access; 0: none. Source: skiboot include/phb4-regs.h PHB_PAPR_ERR_INJ_CTL. */
const INJECTION_CONTROL = 0x2b0n;

/** Tables (IODA3): MMIO state and DMA state of each PE, and a bit for each PE that has either. Source: skiboot include/phb4-regs.h IODA3_TBL_*. */
const PESTA = 7n;
const PESTB = 8n;
const PEEV = 20n;

/** The bit that stops a PE, in both state tables. */
const STOPPED = 1n << 63n;

/** Bits of a word of PEEV, the first PE's the highest. */
const WORD_BITS = 64;

/**
 * Stops a PE. What the guest has under way is not looked at: nothing finds it before firmware is asked for the PE.
 *
 * @throws TargetLost where the machine has no such host bridge, or does not answer
 */
export const stopPe = (machine: LabMachine, place: PePlace, what: Stop): Promise<void> =>
  withPhb(machine, place, (registers, base) => setStopped(registers, base, place.pe, what));

/** Nothing of the PE is stopped any more, and no error waits, as far as its host bridge knows. @throws TargetLost as `stopPe` */
export const releasePe = (machine: LabMachine, place: PePlace): Promise<void> =>
  withPhb(machine, place, async (registers, base) => {
    await setReleased(registers, base, place.pe);
    await registers.write(base + INJECTION_CONTROL, 0n);
  });

/** The host bridge of a device: its PCI domain. @param device PCI address */
export const bridgeOf = (device: string): number => parseInt(device, 16);

/** What the monitor has printed of a machine's address spaces: 30 ms, and always the same. */
const trees = new Map<string, Promise<string>>();

function treeOf(machine: LabMachine): Promise<string> {
  const known = trees.get(machine.id) ?? machine.monitor('info mtree -f');
  trees.set(machine.id, known);
  return known;
}

async function withPhb(machine: LabMachine, { domain }: PePlace, task: (registers: Registers, base: bigint) => Promise<void>): Promise<void> {
  const base = phbRegisters(await treeOf(machine), domain);
  if (base === undefined || machine.qtestSocket === undefined) {
    throw new TargetLost(`expected host bridge ${domain} of ${machine.id} to have registers of a PHB4 or PHB5, but saw none in 'info mtree'`);
  }
  await withRegisters(machine.qtestSocket, (registers) => task(registers, base));
}

/** Where the registers of a host bridge are; undefined where QEMU tells of none. @param tree what the monitor prints for `info mtree -f` */
export function phbRegisters(tree: string, domain: number): bigint | undefined {
  const line = new RegExp(`^\\s*([0-9a-f]{16})-[0-9a-f]{16} .*: phb[45]-(\\d+\\.)?${domain}-regs\\b`, 'm').exec(tree);
  return line === null ? undefined : BigInt(`0x${line[1]!}`);
}

/** The state first, then the bit that makes firmware look at it. */
export async function setStopped(registers: Registers, base: bigint, pe: number, what: Stop): Promise<void> {
  const set = (entry: bigint): bigint => entry | STOPPED;
  if (what !== 'dma') await change(registers, base, PESTA, pe, set);
  if (what !== 'mmio') await change(registers, base, PESTB, pe, set);
  await change(registers, base, PEEV, wordOf(pe), (entry) => entry | bitOf(pe));
}

export async function setReleased(registers: Registers, base: bigint, pe: number): Promise<void> {
  await change(registers, base, PEEV, wordOf(pe), (entry) => entry & ~bitOf(pe));
  for (const table of [PESTA, PESTB]) await change(registers, base, table, pe, (entry) => entry & ~STOPPED);
}

const wordOf = (pe: number): number => Math.floor(pe / WORD_BITS);
const bitOf = (pe: number): bigint => 1n << BigInt(WORD_BITS - 1 - (pe % WORD_BITS));

async function change(registers: Registers, base: bigint, table: bigint, index: number, to: (entry: bigint) => bigint): Promise<void> {
  const select = (table << 48n) | BigInt(index);
  await registers.write(base + TABLE_ADDRESS, select);
  const before = await registers.read(base + TABLE_DATA);
  await registers.write(base + TABLE_ADDRESS, select);
  await registers.write(base + TABLE_DATA, to(before));
}
