/** What of this machine builds a kernel for POWER. */

import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

import { UsageError } from '../../target.js';
import { runTool } from '../tools.js';

/** A compiler, and the programs a kernel's build calls, are there. */
export interface Toolchain {
  /** Name or path of make. */
  readonly make: string;
  /** Before the names of compiler and linker: `powerpc64le-linux-gnu-`; empty on POWER itself. */
  readonly prefix: string;
  /** `powerpc64le-linux-gnu-gcc (Debian 12.2.0-14) 12.2.0`. */
  readonly compiler: string;
}

const PREFIX = process.arch === 'ppc64' ? '' : 'powerpc64le-linux-gnu-';
/** Programs, with the Debian packages that bring them. */
const PROGRAMS: Readonly<Record<string, string>> = {
  [`${PREFIX}gcc`]: PREFIX === '' ? 'gcc' : 'gcc-powerpc64le-linux-gnu',
  [`${PREFIX}ld`]: PREFIX === '' ? 'binutils' : 'binutils-powerpc64le-linux-gnu',
  gcc: 'gcc',
  make: 'make',
  flex: 'flex',
  bison: 'bison',
  bc: 'bc',
  tar: 'tar',
  xz: 'xz-utils',
};
/** The build's own programs are C, too. */
const HOST_HEADER = { file: '/usr/include/stdio.h', package: 'libc6-dev' } as const;

/** @throws UsageError naming everything that is missing, and the command that installs it */
export async function findToolchain(): Promise<Toolchain> {
  const message = complaint(onPath, existsSync(HOST_HEADER.file));
  if (message !== undefined) throw new UsageError(message);
  const version = await runTool('gcc', ['--version'], { program: `${PREFIX}gcc` });
  return { make: 'make', prefix: PREFIX, compiler: version.toString().split('\n')[0] ?? '' };
}

/** What to tell the user when something is missing. */
export function complaint(isThere: (program: string) => boolean, hasHeaders: boolean): string | undefined {
  const programs = Object.entries(PROGRAMS).filter(([program]) => !isThere(program));
  const missing = [...programs.map(([program]) => program), ...(hasHeaders ? [] : [HOST_HEADER.file])];
  const packages = new Set([...programs.map(([, name]) => name), ...(hasHeaders ? [] : [HOST_HEADER.package])]);
  if (missing.length === 0) return undefined;
  return `expected the tools that build a kernel, but this machine lacks ${missing.join(', ')}; install them (Debian: apt-get install ${[...packages].join(' ')})`;
}

function onPath(program: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
