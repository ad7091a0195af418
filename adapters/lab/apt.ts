/** Debian packages of another architecture, fetched with the machine's apt but in a private state, as an ordinary user. */

import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { UsageError } from '../target.js';
import { runTool } from './tools.js';

/** Where the package debian-archive-keyring puts the keys of the Debian archive. */
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';
const ARCHITECTURE = 'ppc64el';
const UPDATE_TIMEOUT_MS = 300_000;
const DOWNLOAD_TIMEOUT_MS = 1_800_000;

/** Debian releases the lab takes packages from. */
export type Suite = 'trixie' | 'sid';

/** An apt of its own: its lists and settings live in one directory, which can be removed afterwards. */
export class PrivateApt {
  private constructor(
    private readonly directory: string,
    readonly suite: Suite,
  ) {}

  /**
   * Reads the package lists of a suite into `directory`.
   *
   * @throws UsageError when apt is missing, knows no Debian mirror, or cannot reach it
   */
  static async open(directory: string, suite: Suite): Promise<PrivateApt> {
    const apt = new PrivateApt(directory, suite);
    for (const folder of ['state/lists/partial', 'cache/archives/partial', 'empty']) mkdirSync(join(directory, folder), { recursive: true });
    writeFileSync(join(directory, 'status'), '');
    writeFileSync(join(directory, 'sources.list'), sourcesLine(await debianMirror(), suite));
    writeFileSync(apt.#configuration, configuration(directory));
    await runTool('apt-get', apt.#with('update', '--error-on=any'), { timeoutMs: UPDATE_TIMEOUT_MS });
    return apt;
  }

  /** Names of the packages of the suite that begin so. */
  async names(prefix: string): Promise<Set<string>> {
    const output = await runTool('apt-cache', this.#with('pkgnames', prefix));
    return new Set(output.toString().split('\n').filter((name) => name !== ''));
  }

  /** Names that a package depends on. */
  async dependencies(name: string): Promise<string[]> {
    const output = await runTool('apt-cache', this.#with('depends', '--important', name));
    return [...output.toString().matchAll(/^ *(?:Pre)?Depends: (\S+)$/gm)].map((match) => String(match[1]));
  }

  /** Fetches packages, checks them against the signed lists, and unpacks them into `root`. Returns their file names. */
  async unpack(names: readonly string[], root: string): Promise<string[]> {
    const debs = join(this.directory, 'debs');
    mkdirSync(debs, { recursive: true });
    mkdirSync(root, { recursive: true });
    await runTool('apt-get', this.#with('download', ...names), { cwd: debs, timeoutMs: DOWNLOAD_TIMEOUT_MS });
    const files = readdirSync(debs).filter((file) => file.endsWith('.deb'));
    for (const file of files) await runTool('dpkg-deb', ['-x', join(debs, file), root], { timeoutMs: DOWNLOAD_TIMEOUT_MS });
    return files.sort();
  }

  get #configuration(): string {
    return join(this.directory, 'apt.conf');
  }

  #with(...args: string[]): string[] {
    return ['-q', '-c', this.#configuration, ...args];
  }
}

/**
 * One line of sources.list. Sid's lists carry a date after which they count as stale, and many mirrors lag: an older
 * kernel is as good to test as a newer one, and its version is recorded. The signature is checked all the same.
 */
function sourcesLine(mirror: string, suite: Suite): string {
  const late = suite === 'sid' ? ' check-valid-until=no' : '';
  return `deb [arch=${ARCHITECTURE} signed-by=${KEYRING}${late}] ${mirror} ${suite} main\n`;
}

/** Read after the machine's own settings, so that those about proxies hold, and its hooks and pins do not. */
function configuration(directory: string): string {
  return `
#clear APT::Architectures;
#clear APT::Update;
#clear DPkg::Pre-Invoke;
#clear DPkg::Post-Invoke;
APT::Architecture "${ARCHITECTURE}";
APT::Architectures { "${ARCHITECTURE}"; };
APT::Sandbox::User "root";
Acquire::Languages "none";
Dir::State "${directory}/state";
Dir::State::status "${directory}/status";
Dir::Cache "${directory}/cache";
Dir::Etc::sourcelist "${directory}/sources.list";
Dir::Etc::sourceparts "${directory}/empty";
Dir::Etc::preferences "${directory}/none";
Dir::Etc::preferencesparts "${directory}/empty";
`;
}

/** The mirror that the machine itself uses for Debian. */
async function debianMirror(): Promise<string> {
  const format = ['--format', '$(REPO_URI)'];
  const known = await runTool('apt-get', ['indextargets', ...format, 'Created-By: Packages', 'Origin: Debian', 'Label: Debian']);
  const configured = await runTool('apt-get', ['indextargets', '--no-release-info', ...format, 'Created-By: Packages']);
  const mirror = chooseMirror(known.toString(), configured.toString());
  if (mirror === undefined) {
    throw new UsageError("expected a Debian mirror in this machine's apt sources, but saw none; add a line 'deb URL trixie main' of a Debian mirror");
  }
  return mirror;
}

/**
 * @param known one URL a line: sources whose lists are on the machine and say they are Debian's
 * @param configured the same for all sources, also of a machine that has never run `apt-get update`
 */
export function chooseMirror(known: string, configured: string): string | undefined {
  const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '');
  return lines(known)[0] ?? lines(configured).find((url) => /\/debian\/?$/.test(url));
}
