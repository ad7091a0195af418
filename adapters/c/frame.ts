import { helpersFor } from './helpers.js';
import { cComment, cName, cString } from './values.js';

/* The file around the operations: what it is, what it drives, and how it tells. */

/** One operation as C has it. */
export interface WrittenOperation {
  readonly text: string;
  /** Statements, indented by one tab. */
  readonly lines: readonly string[];
  /** The process that makes it, where there are several. */
  readonly by?: string;
  /** How it ends that process. */
  readonly ends?: 'exit' | 'kill';
}

/** An ioctl request on POWER, and elsewhere. */
export type Request = readonly [power: number, other: number];

export interface WrittenProgram {
  readonly operations: readonly WrittenOperation[];
  /** Names of outcomes that later operations refer to. */
  readonly names: readonly string[];
  /** Outcomes of steps before the last of an operation. */
  readonly parts: number;
  /** The most bytes that an operation gives or gets. */
  readonly bytes: number;
  /** ioctl requests by name: on POWER, and elsewhere. */
  readonly requests: ReadonlyMap<string, Request>;
  /** Names of devices, `pe0.dev0`. */
  readonly devices: readonly string[];
  /** Processes, the first one first; none where there is only one. */
  readonly processes: readonly string[];
  /** Default windows by a device of the group, where what is expected rests on them. */
  readonly windows?: readonly { readonly device: string; readonly start: number; readonly size: number }[];
  /** Bytes of a system page, where what is expected rests on it. */
  readonly pageBytes?: number;
}

/** What the first comment says. */
export interface Head {
  /** Paragraphs of lines. */
  readonly paragraphs: readonly (readonly string[])[];
}

/** Bytes that a kernel may write behind a structure that tells its size wrong. */
const SLACK = 4096;

/** The whole file. */
export function frame(program: WrittenProgram, head: Head): string {
  const functions = program.operations.map(operationFunction).join('\n\n');
  const table = operationTable(program);
  const main = mainFunction(program);
  const state = stateText(program);
  const helpers = helpersFor([functions, main].join('\n')).join('\n\n');
  const body = [definitions(program), state, helpers, functions, table, main].filter((part) => part !== '').join('\n\n');
  return `${headText(head)}\n#define _GNU_SOURCE\n${includes(body)}\n\n${body}\n`;
}

const headText = ({ paragraphs }: Head): string =>
  ['// SPDX-License-Identifier: Apache-2.0', '/*', ...paragraphs.map((lines) => lines.map((line) => ` * ${cComment(line)}`.trimEnd()).join('\n')).join('\n *\n').split('\n'), ' */'].join('\n');

/** Headers of libc, and what shows that they are needed. */
const HEADERS: readonly (readonly [string, RegExp])[] = [
  ['dirent.h', /\bopendir\(/],
  ['err.h', /\berrx?\(/],
  ['errno.h', /\berrno\b|-E[A-Z]/],
  ['fcntl.h', /\bopen\(/],
  ['inttypes.h', /PRI[xdu]64|SCNu64/],
  ['poll.h', /\bpoll\(/],
  ['regex.h', /\bregcomp\(/],
  ['signal.h', /\bkill\(/],
  ['stdarg.h', /\bva_start\(/],
  ['stdbool.h', /\bbool\b/],
  ['stdint.h', /\bu?int\d+_t\b/],
  ['stdio.h', /\bs?n?printf\(/],
  ['stdlib.h', /\batoi\(|\bexit\(/],
  ['string.h', /\bmem\w+\(|\bstr\w+\(/],
  ['sys/ioctl.h', /\bioctl\(/],
  ['sys/mman.h', /\bmmap\(|memfd_create/],
  ['sys/prctl.h', /\bprctl\(/],
  ['sys/resource.h', /\bsetrlimit\(/],
  ['sys/syscall.h', /\bsyscall\(/],
  ['sys/uio.h', /\bprocess_vm_/],
  ['unistd.h', /./],
];

const includes = (body: string): string => HEADERS.filter(([, sign]) => sign.test(body)).map(([header]) => `#include <${header}>`).join('\n');

const macroOf = (device: string): string => cName(device).toUpperCase();

function definitions({ devices, requests }: WrittenProgram): string {
  const blocks = devices.map((name) => `#ifndef ${macroOf(name)}\n#define ${macroOf(name)} NULL /* PCI address of ${name}, such as "0001:00:01.0" */\n#endif`);
  const variables = devices.map((name) => `static const char *${cName(name)} = ${macroOf(name)};`).join('\n');
  const differ = [...requests.values()].some(([power, other]) => power !== other);
  const choice = differ ? ['#ifdef __powerpc64__\n#define REQUEST(power, other) (power)\n#else\n#define REQUEST(power, other) (other)\n#endif'] : [];
  const named = [...requests].map(([name, [power, other]]) => `#define ${name} ${power === other ? number(power) : `REQUEST(${number(power)}, ${number(other)})`}`).join('\n');
  return [...blocks, variables, ...choice, named].filter((text) => text !== '').join('\n\n');
}

const number = (request: number): string => `0x${request.toString(16).padStart(8, '0')}U`;

function stateText({ names, parts, bytes, processes }: WrittenProgram): string {
  const outcomes = [...names.map(cName), 'other', ...(parts > 0 ? [`part[${parts}]`] : [])].join(', ');
  return `/* What came of an operation: its result, the bytes that it got or left, and those that it was given. */
struct outcome {
	int64_t result;
	unsigned char data[${bytes + SLACK}];
	unsigned char given[${bytes + SLACK}];
};

/* What later operations refer to. */
static struct {
	struct outcome ${outcomes};
} *got;

/* How the operation under way is doing. */
static struct {
	bool bad;       /* it is not as expected */
	bool skipped;   /* nothing can be said of it */
	bool otherwise; /* another permitted way than the reference's own was taken */
	char why[512];
} *tap;${processes.length === 0 ? '' : processText(processes)}`;
}

const processText = (processes: readonly string[]): string => `

/* A process of the program, and the pipes by which it is asked for operations. */
static struct process {
	pid_t pid;
	int ask[2], done[2];
} *processes;

enum { ${processes.map(processConstant).join(', ')}, PROCESSES };

static const struct operation {
	const char *text;
	void (*make)(void);
	int process;
	bool ends; /* the process, which has nothing to say then */
} operations[];`;

/** The constant for a process. */
export const processConstant = (name: string): string => `PROCESS_${cName(name).toUpperCase()}`;

const functionName = (index: number): string => `operation_${index + 1}`;

const operationFunction = ({ text, lines }: WrittenOperation, index: number): string =>
  [`/* ${index + 1}: ${cComment(text)} */`, `static void ${functionName(index)}(void)`, '{', ...lines.map((line) => (line === '' ? '' : `\t${line}`)), '}'].join('\n');

function operationTable({ operations, processes }: WrittenProgram): string {
  const several = processes.length > 0;
  const type = several ? 'static const struct operation operations[]' : 'static const struct {\n\tconst char *text;\n\tvoid (*make)(void);\n} operations[]';
  const rest = ({ by, ends }: WrittenOperation): string => (several ? `, ${processConstant(by ?? processes[0]!)}, ${ends === undefined ? 'false' : 'true'}` : '');
  return [`${type} = {`, ...operations.map((operation, i) => `\t{ ${cString(operation.text)}, ${functionName(i)}${rest(operation)} },`), '};'].join('\n');
}

/** Nodes that not every kernel has. */
const OPTIONAL_NODES = ['/dev/iommu', '/dev/kvm'] as const;

function mainFunction({ operations, devices, processes, windows = [], pageBytes }: WrittenProgram): string {
  const several = processes.length > 0;
  const reads = devices.map((name, i) => `\tif (argc > ${i + 1})\n\t\t${cName(name)} = argv[${i + 1}];`);
  const wanted = devices.map((name) => `${cName(name)} == NULL`).join(' || ');
  const usage = devices.length === 0 ? [] : [...reads, `\tif (${wanted})`, `\t\terrx(2, "expected the PCI addresses of ${devices.join(', ')} as arguments");`, ...devices.map((name) => `\tcheck_driver(${cName(name)});`)];
  const page = pageBytes === undefined ? [] : [
    `\tif (sysconf(_SC_PAGESIZE) != ${pageBytes}) {`,
    `\t\tprintf("KTAP version 1\\n1..0 # SKIP made for pages of ${pageBytes} bytes, here they have %ld\\n", sysconf(_SC_PAGESIZE));`,
    '\t\treturn 4;',
    '\t}',
  ];
  const mentions = (text: string): boolean => operations.some(({ lines }) => lines.some((line) => line.includes(text)));
  const log = mentions('kernel_troubles(') ? ['\tbegin_kernel_log();'] : [];
  const nodes = OPTIONAL_NODES.filter((node) => mentions(`open(${cString(node)}`));
  const make = several
    ? ['\t\tif (operations[i].ends)', '\t\t\toperations[i].make();', '\t\telse', '\t\t\tmake_in(&processes[operations[i].process], (int)i + 1);']
    : ['\t\toperations[i].make();'];
  return [
    devices.length === 0 ? 'int main(void)' : 'int main(int argc, char **argv)',
    '{',
    `\tconst size_t count = ${operations.length};`,
    '\tsize_t failures = 0, first = 0, turned = 0;',
    '',
    ...usage,
    ...page,
    ...nodes.map((node) => `\tcheck_node(${cString(node)});`),
    ...windows.map(({ device, start, size }) => `\tcheck_window(${cName(device)}, ${number(start)}, ${number(size)});`),
    '\tgot = shared(sizeof(*got));',
    '\ttap = shared(sizeof(*tap));',
    ...log,
    ...(several ? ['\tbegin_processes();'] : []),
    '\tprintf("KTAP version 1\\n1..%zu\\n", count);',
    '\tfor (size_t i = 0; i < count; i++) {',
    '\t\tfflush(stdout);',
    '\t\ttap->bad = tap->skipped = false;',
    ...make,
    '\t\tif (tap->otherwise && turned == 0)',
    '\t\t\tturned = i + 1;',
    '\t\tif (tap->skipped) {',
    '\t\t\tprintf("ok %zu %s # SKIP %s\\n", i + 1, operations[i].text, tap->why);',
    '\t\t} else if (!tap->bad) {',
    '\t\t\tprintf("ok %zu %s\\n", i + 1, operations[i].text);',
    '\t\t} else if (turned != 0) {',
    '\t\t\t/* What is expected from there on is of the way that was not taken. */',
    '\t\t\tprintf("ok %zu %s # SKIP %s; not judged after another permitted way at %zu\\n", i + 1, operations[i].text, tap->why, turned);',
    '\t\t} else {',
    '\t\t\tprintf("not ok %zu %s # %s", i + 1, operations[i].text, tap->why);',
    '\t\t\tif (first != 0)',
    '\t\t\t\tprintf("; may follow from %zu", first);',
    '\t\t\tprintf("\\n");',
    '\t\t\tfailures++;',
    '\t\t\tfirst = first != 0 ? first : i + 1;',
    '\t\t}',
    '\t}',
    ...(several ? ['\tend_processes();'] : []),
    '\treturn failures > 0;',
    '}',
  ].join('\n');
}
