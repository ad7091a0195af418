import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expectations } from '../../adapters/c/expectations.js';
import { frame, type Head, type WrittenProgram } from '../../adapters/c/frame.js';
import { standInHost } from '../../adapters/c/host.js';
import { obstacle, withWindowsChecked, write, type LinuxMachine } from '../../adapters/c/reproducer.js';
import { UsageError, type Target, type TargetDescription } from '../../adapters/target.js';
import { machineFacts } from '../../reference/description.js';
import { stringify } from '../../reference/doors/json.js';
import type { Program } from '../../reference/doors/operations.js';
import { termsOf } from '../../reference/doors/terms.js';
import { isReference } from '../../reference/doors/term.js';
import type { Profile } from '../../reference/profiles.js';
import type { RuleBook } from '../../reference/rules.js';
import { PACKAGE_ROOT } from '../session.js';
import { readProgram } from './replay.js';

/** What a user may say about a reproducer. */
export interface ReproducerOptions {
  /** Where to write it; on the standard output if not said. */
  readonly out?: string;
  /** The kernel's page size, where it is not the target's. */
  readonly page?: '4k' | '64k';
  /** Bytes of the default windows, where they are not the target's. */
  readonly window?: number;
  /** The id of a known fault that the expectation has. */
  readonly fault?: string;
}

/** Writes a saved program as one file of C. @throws UsageError where that cannot be done */
export function reproducerCommand(file: string, { out, ...making }: Omit<Making, 'name' | 'suite'>): string {
  const code = reproducer(readProgram(file), { ...making, name: basename(file), suite: version() });
  if (out === undefined) return code;
  try {
    writeFileSync(out, code);
  } catch (error) {
    throw new UsageError(`Expected --out to be a file that can be written; '${out}' cannot: ${(error as Error).message}.`);
  }
  return `wrote ${out}`;
}

/** What a reproducer is made from, beside the program. */
export interface Making extends ReproducerOptions {
  /** Of the program. */
  readonly name: string;
  /** The version of this package. */
  readonly suite: string;
  readonly target: Target;
  readonly profile: Profile;
  /** What is expected goes by these: the profile's, or those with a fault. */
  readonly rules: RuleBook;
}

/** The C file. @throws UsageError where one program cannot do it */
export function reproducer(program: Program, making: Making): string {
  const { rules } = making;
  const variant = variantFor(program, making);
  const machine = asAsked(variant.machine as LinuxMachine, making);
  const written = writtenFor(program, machine, rules);
  const { pageShift } = machine.linux;
  const otherPages = Object.values(SHIFTS).find((shift) => shift !== pageShift)!;
  const restsOn = (other: LinuxMachine): boolean => stringify(writtenFor(program, other, rules).operations) !== stringify(written.operations);
  const checked = restsOn(withWindows(machine, (size) => size / 2)) ? withWindowsChecked(written, machine) : written;
  const head = headOf(program, making, { ...variant, machine }, written.devices);
  return frame({ ...checked, ...(restsOn(withPages(machine, otherPages)) && { pageBytes: 2 ** pageShift }) }, head);
}

function writtenFor(program: Program, machine: LinuxMachine, rules: RuleBook): WrittenProgram {
  const host = standInHost(machine);
  return write(program, machine, host, expectations(program, machine, rules, host));
}

/** The first of the target's machines that the program can run on. @throws UsageError */
function variantFor(program: Program, { name, target: { variants } }: Making): TargetDescription {
  const found = variants.find(({ machine }) => obstacle(program, machine) === undefined);
  if (found !== undefined) return found;
  const why = obstacle(program, (variants.find(({ machine }) => machine.linux !== undefined) ?? variants[0]).machine);
  throw new UsageError(`Expected operations that one C program can make on such a machine; in '${name}' ${why}. Use 'replay' on a target that takes them, or another --target.`);
}

const SHIFTS = { '4k': 12, '64k': 16 } as const;

const withPages = (machine: LinuxMachine, pageShift: number): LinuxMachine => ({ ...machine, linux: { ...machine.linux, pageShift } });

const withWindows = (machine: LinuxMachine, change: (size: number) => number): LinuxMachine => ({
  ...machine,
  linux: { ...machine.linux, groups: machine.linux.groups.map((group) => ({ ...group, dma32Size: change(group.dma32Size) })) },
});

function asAsked(machine: LinuxMachine, { page, window }: ReproducerOptions): LinuxMachine {
  const sized = window === undefined ? machine : withWindows(machine, () => window);
  return page === undefined ? sized : withPages(sized, SHIFTS[page]);
}

/** The package's own version. */
const version = (): string => (JSON.parse(readFileSync(join(PACKAGE_ROOT, 'package.json'), 'utf8')) as { version: string }).version;

function headOf(program: Program, { name, suite, profile, fault }: Making, { machine, fingerprint }: TargetDescription, devices: readonly string[]): Head {
  const facts = factsIn(program, machine);
  const cases = fault === undefined ? [] : [`It is expected what a system with the fault ${fault} answers, which the specification does not allow.`];
  return {
    paragraphs: [
      [`A stand-alone reproducer of '${name}', made by papr-iommu-conformance ${suite} (papr-conformance reproducer).`],
      [
        'What is expected of each operation was computed by the reference of that suite, for',
        `    machine  ${fingerprint}, pages of ${2 ** machine.linux!.pageShift / 1024} KiB`,
        `    profile  ${profile.name} (${profile.title})`,
        ...facts.map(([fact, value], i) => `    ${i === 0 ? 'where  ' : '       '}  ${fact} = 0x${value.toString(16)}`),
        ...cases,
        'Where the specification leaves a choice every permitted answer is ok; after another one than the reference\'s own',
        'nothing that differs is judged any more (# SKIP).',
      ],
      ['    gcc -O1 -o repro repro.c', '    powerpc64le-linux-gnu-gcc -O1 -static -o repro repro.c'],
      devices.length === 0 ? ['It drives no device.'] : devicesText(devices),
      ['It prints KTAP; exit status: 0 all ok, 1 something is not, 2 it cannot be run so, 4 it is for another machine.'],
    ],
  };
}

const devicesText = (devices: readonly string[]): string[] => [
  'It drives devices through VFIO: those named as arguments, in this order, and no others. They must be bound to vfio-pci, as',
  'everything else in their IOMMU groups. It needs the rights to use them; as root, locked memory has no limit.',
  `    ./repro ${devices.map((name) => `ADDRESS-OF-${name}`).join(' ')}`,
];

/** Facts of the machine that the program refers to. */
function factsIn({ operations }: Program, machine: TargetDescription['machine']): [string, bigint][] {
  const names = new Set(operations.flatMap(termsOf).filter(isReference).map(({ from }) => from));
  return [...machineFacts(machine)].filter(([fact]) => names.has(fact));
}
