import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Where the agent is in the package: TypeScript compiles no Python, so `dist` has none. */
const AGENT = join('adapters', 'ssh', 'agent', 'agent.py');

/** The agent's text, from the package that this file, or what it was compiled to, is part of. */
export function agentSource(): Buffer {
  for (let folder = __dirname; ; folder = dirname(folder)) {
    const file = join(folder, AGENT);
    if (existsSync(file)) return readFileSync(file);
    if (folder === dirname(folder)) throw new Error(`The package is incomplete: it has no ${AGENT}.`);
  }
}

/** What the agent's start says when Python is too old; the text is looked for in its standard error. */
export const OLD_PYTHON = 'papr-agent: this Python is too old';

/**
 * The shell command that starts the agent: Python takes its text from the standard input, so that nothing is left on the
 * host. It has no quotes but single ones around it, no newline and no `$`, so that any shell understands it.
 *
 * @param bytes length of the agent's text
 * @param python how to start Python, `sudo -n python3`
 */
export function agentCommand(bytes: number, python: string): string {
  const script = [
    'import sys',
    `sys.version_info>=(3,6) or sys.exit("${OLD_PYTHON}: "+sys.version.split()[0])`,
    `exec(compile(sys.stdin.buffer.read(${bytes}),"papr-agent","exec"))`,
  ];
  // -I: nothing of the user's environment; -S: no site packages, which also saves time.
  return `exec ${python} -I -S -c '${script.join(';')}'`;
}
