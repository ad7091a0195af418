import type { LinuxDescription } from '../../reference/description.js';
import { UsageError } from '../target.js';
import type { AgentLink } from './agent-link.js';
import { kernelVersion } from './kernel-release.js';
import { Look } from './look.js';

/** What a host is, beside its devices. */
export interface SystemFacts {
  readonly platform: LinuxDescription['platform'];
  /** As the device tree calls the machine: `qemu-pseries`, `IBM-9009-42A`. */
  readonly machine: string;
  /** Upstream version of the kernel: `6.12.57`. */
  readonly kernel: string;
  readonly memoryBytes: bigint;
  readonly hugePages: LinuxDescription['hugePages'];
}

const PLATFORMS: Readonly<Record<string, LinuxDescription['platform']>> = { pSeries: 'pseries', PowerNV: 'powernv' };
const HUGE_PAGES = '/sys/kernel/mm/hugepages';
const LEAST_SHIFT = 16;
const MOST_SHIFT = 34;

/** Asks a host what it is. @throws UsageError where it is no POWER machine */
export async function systemFacts(link: AgentLink): Promise<SystemFacts> {
  const look = new Look(link);
  const [cpu = '', memory = '', signature = '', version = ''] = await look.texts(['/proc/cpuinfo', '/proc/meminfo', '/proc/version_signature', '/proc/version']);
  const [compatible] = await look.bytes(['/proc/device-tree/compatible']);
  const named = /^platform\s*: (.*)$/m.exec(cpu)?.[1] ?? '';
  const platform = PLATFORMS[named];
  if (platform === undefined) {
    const seen = named === '' ? `a machine of type ${link.hello.machine}` : `the platform '${named}'`;
    throw new UsageError(`expected ${link.name} to be a POWER machine (pSeries or PowerNV), but saw ${seen}; name another host`);
  }
  return {
    platform,
    machine: machineName(compatible),
    kernel: kernelVersion(link.hello.release, [signature, version]),
    memoryBytes: BigInt(/^MemTotal:\s*(\d+) kB$/m.exec(memory)?.[1] ?? 0) * 1024n,
    hugePages: await hugePages(look),
  };
}

/** The first string of the root node's `compatible`. */
const machineName = (compatible: Uint8Array | undefined): string => Buffer.from(compatible ?? []).toString('latin1').split('\0')[0]!.replaceAll(/[,\s]+/g, '-') || 'unknown';

async function hugePages(look: Look): Promise<LinuxDescription['hugePages']> {
  const [names = []] = await look.names([HUGE_PAGES]);
  const free = await look.texts(names.map((name) => `${HUGE_PAGES}/${name}/free_hugepages`));
  return names
    .map((name, i) => ({ shift: Math.log2(Number(/(\d+)kB$/.exec(name)?.[1] ?? 0) * 1024), free: Number(free[i] ?? 0) }))
    .filter(({ shift }) => shift >= LEAST_SHIFT && shift <= MOST_SHIFT)
    .sort((a, b) => a.shift - b.shift);
}
