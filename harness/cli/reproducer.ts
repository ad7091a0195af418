import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expectations } from '../../adapters/c/expectations.js';
import { frame, type Head, type WrittenProgram } from '../../adapters/c/frame.js';
import { standInHost } from '../../adapters/c/host.js';
import { obstacle, write, type LinuxMachine } from '../../adapters/c/reproducer.js';
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
  /** The id of a known fault that the expectation has. */
  readonly fault?: string;
}

/** Writes a saved program as one file of C. @throws UsageError where that cannot be done */
export function reproducerCommand(file: string, target: Target, profile: Profile, rules: RuleBook, options: ReproducerOptions): string {
  const code = reproducer(readProgram(file), basename(file), target, profile, rules, options);
  if (options.out === undefined) return code;
  try {
    writeFileSync(options.out, code);
  } catch (error) {
    throw new UsageError(`Expected --out to be a file that can be written; '${options.out}' cannot: ${(error as Error).message}.`);
  }
  return `wrote ${options.out}`;
}

/** @param rules what is expected goes by: the profile's, or those with a fault */
export function reproducer(program: Program, name: string, target: Target, profile: Profile, rules: RuleBook, options: ReproducerOptions): string {
  const variant = variantFor(program, name, target);
  const machine = paged(variant.machine as LinuxMachine, options.page);
  const { pageShift } = machine.linux;
  const [written, ...others] = [pageShift, ...Object.values(SHIFTS).filter((shift) => shift !== pageShift)].map((shift) => writtenFor(program, withPages(machine, shift), rules));
  const isSame = others.every((other) => stringify(other!.operations) === stringify(written!.operations));
  const head = headOf(program, name, { variant: { ...variant, machine }, profile, devices: written!.devices, fault: options.fault });
  return frame({ ...written!, ...(!isSame && { pageBytes: 2 ** pageShift }) }, head);
}

function writtenFor(program: Program, machine: LinuxMachine, rules: RuleBook): WrittenProgram {
  const host = standInHost(machine);
  return write(program, machine, host, expectations(program, machine, rules, host));
}

/** The first of the target's machines that the program can run on. @throws UsageError */
function variantFor(program: Program, name: string, { variants }: Target): TargetDescription {
  const found = variants.find(({ machine }) => obstacle(program, machine) === undefined);
  if (found !== undefined) return found;
  const why = obstacle(program, (variants.find(({ machine }) => machine.linux !== undefined) ?? variants[0]).machine);
  throw new UsageError(`Expected a program that one C file can make on a Linux host; of '${name}' ${why}. Use 'replay' for it, or another --target.`);
}

const SHIFTS = { '4k': 12, '64k': 16 } as const;

const withPages = (machine: LinuxMachine, pageShift: number): LinuxMachine => ({ ...machine, linux: { ...machine.linux, pageShift } });

const paged = (machine: LinuxMachine, page: ReproducerOptions['page']): LinuxMachine => (page === undefined ? machine : withPages(machine, SHIFTS[page]));

interface Told {
  readonly fault: string | undefined;
  readonly variant: TargetDescription;
  readonly profile: Profile;
  readonly devices: readonly string[];
}

const version = (): string => (JSON.parse(readFileSync(join(PACKAGE_ROOT, 'package.json'), 'utf8')) as { version: string }).version;

function headOf(program: Program, name: string, { variant, profile, devices, fault }: Told): Head {
  const { machine } = variant;
  const facts = factsIn(program, machine);
  const cases = fault === undefined ? [] : [`It is expected what a system with the fault ${fault} answers, which the specification does not allow.`];
  return {
    paragraphs: [
      [`A stand-alone reproducer of '${name}', made by papr-iommu-conformance ${version()} (papr-conformance reproducer).`],
      [
        'What is expected of each operation was computed by the reference of that suite, for',
        `    machine  ${variant.fingerprint}, pages of ${2 ** machine.linux!.pageShift / 1024} KiB`,
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
