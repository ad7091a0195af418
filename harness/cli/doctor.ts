import type { Target } from '../../adapters/target.js';
import { chooseVariant } from '../qualify.js';
import type { Scenario } from '../scenario.js';

/** What a user can do about a capability that is missing, or why it is. */
const REMEDIES: readonly (readonly [capability: RegExp, remedy: string])[] = [
  [/^vfio$/, 'needs a Linux kernel: lab:pseries, lab:powernv or ssh://user@host'],
  [/^(papr|memory|ddw.*|hcall-.*|cmo|slr|mtt|platform|reboot|vio.*|no-.*|fixed-memory|io-super-page)$/, "a partition's own interface: model or qemu-papr"],
  [/^(pe|device):(pe\d+)/, 'name more devices with --device'],
  [/^(pe|device):pair/, 'name all devices of a group that has several'],
  [/^((pe|device):disk|disk$)/, 'name an NVMe disk that nobody uses with --device'],
  [/^dma$/, 'no named device can be made to do DMA (QEMU edu)'],
  [/^huge:(\d+)$/, 'no free huge pages of that size: write a number to nr_hugepages below /sys/kernel/mm/hugepages'],
  [/^page-size:/, 'the platform does not offer this I/O page size'],
  [/^second-window$/, 'no dynamic DMA windows: the PE has no ibm,ddw-applicable, or the hypervisor offers none'],
  [/^limit$/, 'locked memory can be limited by a privileged user only: log in as root'],
  [/^bind$/, 'drivers can be changed by a privileged user only: log in as root'],
  [/^witness$/, "the hypervisor's view is to be had in the lab only: lab:pseries"],
  [/^platform:/, 'another platform'],
  [/^eeh$/, 'the platform has no EEH'],
];

/** `doctor`: what the target is, what it can be asked, and what is missing, with what to do about it. */
export function doctorText(target: Target, scenarios: readonly Scenario[]): string {
  const [description] = target.variants;
  const missing = new Map<string, number>();
  let runnable = 0;
  for (const scenario of scenarios) {
    const fit = chooseVariant(scenario, { target, destructive: true });
    if ('variant' in fit) runnable += 1;
    else for (const capability of lacking(scenario, target)) missing.set(capability, (missing.get(capability) ?? 0) + 1);
  }
  const rows = [...missing].sort(([, a], [, b]) => b - a);
  return [
    `${description.name}: ${description.fingerprint}`,
    `has      ${[...description.capabilities].sort().join(' ')}`,
    ...(description.machine.linux?.groups ?? []).map(
      (group) => `group    ${group.name}: ${group.devices.map(({ name, kind }) => `${name} (${kind})`).join(', ')}; ${group.windows} windows, ${group.levels} levels`,
    ),
    `${runnable} of ${scenarios.length} scenarios can run.`,
    ...rows.map(([capability, count]) => `lacks    ${capability} (${count} scenarios)${remedy(capability)}`),
  ].join('\n');
}

/** What no variant of the target has; a door that is missing says all. */
function lacking(scenario: Scenario, { variants }: Target): readonly string[] {
  const missing = scenario.requires.filter((capability) => !variants.some(({ capabilities }) => capabilities.has(capability)));
  const door = missing.find((capability) => capability === 'papr' || capability === 'vfio');
  return door === undefined ? missing : [door];
}

function remedy(capability: string): string {
  const found = REMEDIES.find(([pattern]) => pattern.test(capability))?.[1];
  return found === undefined ? '' : `: ${found}`;
}
