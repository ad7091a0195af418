import { mappingAt } from '../../memory/process.js';
import { defineCall } from '../../rules.js';
import { E } from '../../uapi/errno.js';
import { arg, BUFFER, type IoctlInput } from '../../vfio/checks.js';
import type { Host } from '../../vfio/host.js';
import { IOMMU, readIommufd, sizeChecks, type IommufdContext } from '../checks.js';
import { pageBytes } from '../ranges.js';
import type { Context, Pages } from '../state/context.js';
import { MOCK_MAPPED, mockClause, refusal } from './checks.js';

const NAME = 'IOMMU_TEST_OP_MD_CHECK_REFS';

/** Every context that is alive. */
function contexts(host: Host): Set<Context> {
  const files = [...host.processes.values()].flatMap((process) => [...process.files.values()]);
  return new Set([
    ...files.flatMap((file) => (file.kind === 'iommufd' ? [file.context] : file.kind === 'node' && file.bound !== undefined ? [file.bound.iommufd.context] : [])),
    ...[...host.groups.values()].flatMap(({ iommufd }) => (iommufd === undefined ? [] : [iommufd.context])),
  ]);
}

/** All memory that areas map, whosever it is; copies share it. */
const allPages = (host: Host): Set<Pages> =>
  new Set([...contexts(host)].flatMap(({ objects }) => [...objects.values()].flatMap((object) => (object.kind === 'ioas' ? [...object.areas].map(({ pages }) => pages) : []))));

/** How often a page is pinned. */
function pinsOf(host: Host, real: bigint): bigint {
  let count = 0n;
  for (const { pins } of allPages(host)) if (pins.some((run) => real >= run.real && real <= run.real + (run.last - run.first))) count += 1n;
  return count;
}

/** What the first page is wrong with. Of huge pages nothing is told. */
function firstWrong(c: IommufdContext): 'memory' | 'pins' | undefined {
  for (let done = 0n; done < arg(c, 'length'); done += pageBytes(c.host)) {
    const address = arg(c, 'uptr') + done;
    const mapping = mappingAt(c.process.space, address);
    if (mapping === undefined || mapping.protection === 'none') return 'memory';
    if (mapping.pageShift === c.host.linux.pageShift && pinsOf(c.host, mapping.real + (address - mapping.start)) !== arg(c, 'refs')) return 'pins';
  }
  return undefined;
}

const misaligned = (c: IommufdContext): boolean => ((arg(c, 'length') | arg(c, 'uptr')) & (pageBytes(c.host) - 1n)) !== 0n || arg(c, 'uptr') + arg(c, 'length') >= 1n << 64n;

/** Says whether pages are pinned so many times. */
export const checkRefs = defineCall<IommufdContext, IoctlInput>({
  name: NAME,
  parameters: ['size', 'op', 'id', '__reserved', 'length', 'uptr', 'refs'],
  read: readIommufd,
  guards: [
    ...sizeChecks<IommufdContext>(NAME),
    refusal(`${NAME}/alignment`, 'A length or an address that is no multiple of the system page is refused with EINVAL.', E.EINVAL, misaligned, { args: { length: 0x800n } }),
    refusal(`${NAME}/memory`, 'Memory that is not there is refused with EFAULT.', E.EFAULT, (c) => firstWrong(c) === 'memory', { args: { uptr: 0n } }),
    refusal(`${NAME}/pins`, 'A page that is pinned more often, or less, is refused with EIO.', E.EIO, (c) => firstWrong(c) === 'pins', { args: { refs: 2n } }),
  ],
  effect: { clauses: [mockClause(`${NAME}/same`, 'Every page of the range is pinned so many times: once for each memory of an IOAS that has a page table.')], apply: () => ({ clause: `${NAME}/same`, status: 0 }) },
  sample: { requires: ['mock'], fd: IOMMU, setup: MOCK_MAPPED, args: { length: 0x1_0000n, uptr: BUFFER, refs: 1n } },
});
