#!/usr/bin/env node
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { TargetLost, UsageError, type Target } from '../../adapters/target.js';
import { HtmlReportError } from '../../reports/allure/html.js';
import { RunFilesError } from '../../reports/files.js';
import { BrokenLedger, readLedger } from '../../reports/ledger.js';
import { loadScenarios } from '../catalogue.js';
import { chooseVariant } from '../qualify.js';
import { knownOf, ledgerDirectory } from '../session.js';
import { benchCommand } from './bench.js';
import { exploreCommand, parseTime } from './explore.js';
import { proofText, proveLedger } from './ledger.js';
import { foresee, foresightText } from '../foresight.js';
import { doctorText } from './doctor.js';
import { judgeCommand, type JudgeCommandOptions } from './judge.js';
import { labConsole, labDown, labList, labSsh, labUp, type LabUpOptions } from './lab.js';
import { labKernel, type LabKernelOptions } from './lab-kernel.js';
import { list, planText, type ListOptions } from './list.js';
import { compareReport, reportCommand } from './report.js';
import { replay, replayText } from './replay.js';
import { DEFAULT_OUT, planRun, runCommand, type RunCommandOptions } from './run.js';
import { reproducerCommand, type ReproducerOptions } from './reproducer.js';
import { selectScenarios } from './select.js';
import { closeAll, findProfile, openMachines, withFault, type TargetOptions } from './targets.js';

/** Exit statuses. See README. */
const EXIT = { ok: 0, departs: 1, usage: 2, target: 3 } as const;

const program = new Command('papr-conformance')
  .description('Conformance of POWER I/O-MMU stacks: TCE hypercalls, dynamic DMA windows, device isolation.')
  .showHelpAfterError(false)
  .configureOutput({ outputError: (text, write) => { write(`papr-conformance: ${text.replace(/^error: /, '')}`); } })
  .enablePositionalOptions()
  .exitOverride();

const withTarget = (name: string, what: string, target = 'model'): Command =>
  program
    .command(name)
    .description(what)
    .option('--target <name>', 'the system under test', target)
    .option('--profile <name>', 'what it is judged by: lopar, qemu, kvm, powervm, linux-7.2, ppc64-target', 'lopar')
    .option('--ledger <dir>', 'another departure ledger than the one shipped')
    .option('--fault <id>', 'model: with a known fault (list --mutants), to see what a defective system looks like')
    .option('--qemu <path>', 'another QEMU (qemu-papr, lab, kvm-papr)')
    .option('--kernel <kernel>', 'lab, kvm-papr: a vmlinux or vmlinuz, or debian:6.12, debian:7')
    .option('--cpu <cpu>', 'lab, kvm-papr: power9 or power10')
    .option('--snapshot', 'lab:pseries from a saved machine instead of a boot')
    .option('--device <address...>', 'ssh: PCI address of a device that may be used; nothing else is touched')
    .option('--transport <name>', 'ssh: ssh2 (default) or openssh')
    .option('--known-hosts <file>', 'ssh: instead of ~/.ssh/known_hosts')
    .option('--identity <file...>', 'ssh: private key instead of those of the agent and of ~/.ssh');

const count = (text: string): number => {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('Expected a whole number.');
  return Number(text);
};

const byteCount = (text: string): number => {
  if (!/^(0x[\da-f]{1,8}|\d{1,10})$/i.test(text) || Number(text) > 0xffff_ffff) throw new InvalidArgumentError('Expected a number of 32 bits, such as 0x40000000.');
  return Number(text);
};

const machineCount = (text: string): number => {
  if (!/^[1-8]$/.test(text)) throw new InvalidArgumentError('Expected a number from 1 to 8.');
  return Number(text);
};

const MACHINES = ['--machines <n>', 'lab: so many machines at the same time, 1 to 8', machineCount] as const;

withTarget('run', 'run the suites on a target and report')
  .option('--suite <glob...>', 'scenario ids; ** for anything')
  .option('--destructive', 'also what may destroy the target')
  .option('--sensitive', 'show departures that the ledger marks sensitive')
  .option('--failed <dir>', 'only what departed, crashed, was fixed or inconclusive in an earlier run')
  .option('--resume <dir>', 'go on with a run that was cut off, in its directory')
  .option('--out <dir>', `the directory of the run (default: "${DEFAULT_OUT}")`)
  .option('--no-html', 'leave the HTML report out')
  .option(...MACHINES)
  .action(async (options: TargetOptions & RunCommandOptions) => {
    const plan = planRun(options);
    if (plan.note !== undefined) console.log(plan.note);
    if ('status' in plan) process.exitCode = plan.status;
    else await using(options, (_target, stopped, machines) => runCommand(machines, options, plan, stopped));
  });

withTarget('plan', 'what a run would do, without doing it')
  .option('--suite <glob...>', 'scenario ids; ** for anything')
  .option('--destructive', 'also what may destroy the target')
  .action((options: TargetOptions & { suite?: string[]; destructive?: true }) =>
    using(options, (target) => {
      const scenarios = selectScenarios(loadScenarios(), options.suite);
      const rows = scenarios.map((scenario) => {
        const fit = chooseVariant(scenario, { target, destructive: options.destructive === true });
        if ('skip' in fit) return { scenario, skip: fit.skip };
        return { scenario, foreseen: foresightText(foresee(scenario, fit.variant, findProfile(options.profile).rules)) };
      });
      console.log(planText(target.variants[0], rows));
      return Promise.resolve(EXIT.ok);
    }),
  );

withTarget('doctor', 'whether a target can be qualified, and what is missing').action((options: TargetOptions) =>
  using(options, (target) => {
    console.log(doctorText(target, loadScenarios()));
    return Promise.resolve(EXIT.ok);
  }),
);

const lab = program.command('lab').enablePositionalOptions().description('Linux on emulated POWER machines: each is an ordinary SSH target');
lab
  .command('up')
  .description('start a machine that goes on running')
  .argument('<platform>', 'pseries or powernv')
  .option('--kernel <kernel>', 'a vmlinux or vmlinuz, or debian:6.12, debian:7, debian:6.12-64k, debian:7-64k')
  .option('--cpu <cpu>', 'power9 or power10')
  .option('--snapshot', 'from a saved machine instead of a boot (pseries)')
  .option('--qemu <path>', 'another QEMU')
  .action(async (platform: string, options: LabUpOptions) => {
    console.log(await labUp(platform, options));
  });
lab
  .command('down')
  .description('end a machine, or all of them')
  .argument('[id]')
  .action(async (id: string | undefined) => {
    console.log(await labDown(id));
  });
lab
  .command('list')
  .description('what runs')
  .action(() => {
    console.log(labList());
  });
lab
  .command('ssh')
  .description('a shell in a machine, or a command')
  .argument('[id]')
  .argument('[command...]')
  .passThroughOptions()
  .action((id: string | undefined, command: string[]) => {
    process.exitCode = labSsh(id, command);
  });
lab
  .command('console')
  .description("a machine's console")
  .argument('[id]')
  .action(async (id: string | undefined) => {
    process.exitCode = await labConsole(id);
  });
lab
  .command('kernel')
  .description("build a kernel with IOMMUFD for --kernel, from Debian's source or a tree of your own; prints the path of its vmlinux")
  .option('--mock', "with the mock IOMMU of the kernel's own selftests")
  .addOption(new Option('--page <size>', 'page size of the kernel').choices(['4k', '64k']).default('4k'))
  .option('--source <dir>', 'the root of a tree of Linux; it is only read')
  .option('--config <file>', "more options, CONFIG_NAME=value; they win over the project's")
  .option('--jobs <n>', 'compilers at a time (default: one for each processor)', count)
  .action(async (options: LabKernelOptions) => {
    console.log(await labKernel(options));
  });

withTarget('replay', 'run a saved program and judge it')
  .argument('<file>')
  .action((file: string, options: TargetOptions) =>
    using(options, async (target) => {
      const result = await replay(file, target, knownOf(target, findProfile(options.profile), ledgerDirectory(options.ledger)));
      console.log(replayText(result));
      return ['departs', 'crashed', 'fixed'].includes(result.record.verdict) ? EXIT.departs : EXIT.ok;
    }),
  );

withTarget('reproducer', 'write a saved program as one C file that checks itself; the target says what is expected of which machine', 'model:pseries')
  .argument('<file>')
  .option('--out <file>', 'write it there')
  .addOption(new Option('--page <size>', "the kernel's page size, where it is not the target's").choices(['4k', '64k']))
  .option('--window <bytes>', "size of the default windows, where it is not the target's", byteCount)
  .action((file: string, options: TargetOptions & ReproducerOptions) =>
    using(options, (target) => {
      const profile = findProfile(options.profile);
      console.log(reproducerCommand(file, { ...options, target, profile, rules: withFault(profile.rules, options.fault) }));
      return Promise.resolve(EXIT.ok);
    }),
  );

withTarget('ledger', 'prove the departure ledger: each entry shows on the target, and nothing else explains it').action(
  (options: TargetOptions) =>
    using(options, async (target) => {
      const ledger = readLedger(ledgerDirectory(options.ledger), target.variants[0].system?.name);
      let [proved, faults] = [0, 0];
      for await (const proof of proveLedger(target, ledger, findProfile('lopar'))) {
        console.log(proofText(proof));
        if (proof.fault === undefined) proved += 1;
        else faults += 1;
      }
      console.log(`${proved} proved, ${faults} faulty`);
      return faults === 0 ? EXIT.ok : EXIT.departs;
    }),
);

withTarget('explore', 'random programs, judged and shrunk')
  .option('--runs <n>', 'programs at most', count, Number.MAX_SAFE_INTEGER)
  .option('--time <t>', 'such as 90s or 10m', '60s')
  .option('--seed <n>', 'of the random programs', count)
  .option('--length <n>', 'operations in a program at most', count, 400)
  .option('--findings <n>', 'stop after so many', count, 10)
  .option('--out <dir>', 'where the programs found are kept', 'out/explore')
  .action((options: TargetOptions & { runs: number; time: string; seed?: number; length: number; findings: number; out: string }) =>
    using(options, (target, stopped) =>
      exploreCommand(
        target,
        knownOf(target, findProfile(options.profile), ledgerDirectory(options.ledger)),
        { ...options, time: parseTime(options.time), seed: options.seed ?? Date.now() % 2 ** 31 },
        stopped,
      ),
    ),
  );

withTarget('bench', 'measure, and compare with what was asked for')
  .option('--json <file>', 'write the figures there')
  .option(...MACHINES)
  .option('--plot <file>', 'kvm-papr: write a picture of them there (SVG)')
  .action(async (options: TargetOptions & { json?: string; plot?: string }) => {
    const known = (target: Target) => knownOf(target, findProfile(options.profile), ledgerDirectory(options.ledger));
    process.exitCode = await benchCommand(options, () => openMachines(options), known, options);
  });

program
  .command('judge')
  .description('judge the recorded traces of a run anew, by the reference and the ledger as they are now; no target is asked')
  .argument('<dir>', 'the directory of a run')
  .option('--profile <name>', "what it is judged by (default: the run's)")
  .option('--ledger <dir>', 'another departure ledger than the one shipped')
  .option('--suite <glob...>', 'scenario ids; ** for anything')
  .option('--sensitive', 'show departures that the ledger marks sensitive')
  .option('--out <dir>', 'write the new record and its reports there')
  .option('--no-html', 'leave the HTML report out')
  .action(async (directory: string, options: JudgeCommandOptions) => {
    process.exitCode = await judgeCommand(directory, options);
  });

program
  .command('report')
  .description('write the HTML report of a run anew, also of one that was cut off; of several runs: where their systems differ, side by side')
  .argument('[dir...]', 'the directories of runs', ['out/run'])
  .action(async (directories: string[]) => {
    const [directory, ...more] = directories;
    console.log(more.length === 0 ? await reportCommand(directory!) : compareReport(directories));
  });

program
  .command('list')
  .description('what there is')
  .option('--scenarios', 'the scenarios (default)')
  .option('--clauses', 'the clauses of the specification')
  .option('--mutants', 'the known faults of the reference')
  .option('--targets', 'the kinds of target')
  .option('--json', 'as JSON')
  .action((options: ListOptions) => {
    console.log(list(options));
  });

/** Opens the target, does the work, and gives the target back, also on Ctrl-C. */
async function using(options: TargetOptions, work: (target: Target, stopped: () => boolean, machines: readonly [Target, ...Target[]]) => Promise<number>): Promise<void> {
  let interrupted = false;
  const interrupt = (): void => {
    if (interrupted) process.exit(130);
    interrupted = true;
  };
  process.on('SIGINT', interrupt);
  const machines = await openMachines(options);
  try {
    process.exitCode = await work(machines[0], () => interrupted, machines);
  } finally {
    await closeAll(machines);
    process.off('SIGINT', interrupt);
  }
}

async function main(): Promise<void> {
  // Whoever reads our output may stop reading (`| head`).
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit();
    throw error;
  });
  try {
    await program.parseAsync();
  } catch (error) {
    process.exitCode = exitStatusOf(error);
  }
}

/** Errors whose message says all that a user needs. */
const ONE_LINE = [UsageError, BrokenLedger, TargetLost, RunFilesError, HtmlReportError] as const;

function exitStatusOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  const known = ONE_LINE.some((kind) => error instanceof kind);
  console.error(`papr-conformance: ${error instanceof Error ? (known ? error.message : (error.stack ?? error.message)) : String(error)}`);
  return error instanceof TargetLost ? EXIT.target : known ? EXIT.usage : EXIT.target;
}

void main();
