import { realAddress, trailingZeros } from '../../memory/process.js';
import { defineCall } from '../../rules.js';
import { E } from '../../uapi/errno.js';
import { arg, BUFFER, type IoctlInput } from '../../vfio/checks.js';
import { IOMMU, sizeChecks } from '../checks.js';
import { MOCK_IOVA, MOCK_MAPPED, MOCK_TABLE, mockClause, readMockTable, refusal, tableChecks, type OfMockTable } from './checks.js';

const NAME = 'IOMMU_TEST_OP_MD_CHECK_MAP';

const pageOf = ({ table }: OfMockTable): bigint => 1n << BigInt(trailingZeros(table!.domain.pageSizes));

const misaligned = (c: OfMockTable): boolean =>
  ((arg(c, 'iova') | arg(c, 'length') | arg(c, 'uptr')) & (pageOf(c) - 1n)) !== 0n || arg(c, 'uptr') + arg(c, 'length') >= 1n << 64n;

/** What the first page is wrong with: no memory, or another page than the table has. */
function firstWrong(c: OfMockTable): 'memory' | 'page' | undefined {
  const { translate } = c.table!.domain;
  for (let done = 0n; done < arg(c, 'length'); done += pageOf(c)) {
    const [iova, address] = [arg(c, 'iova') + done, arg(c, 'uptr') + done];
    const real = realAddress(c.process.space, address);
    if (real === undefined || !c.process.space.mappings.some((mapping) => mapping.protection !== 'none' && address >= mapping.start && address < mapping.start + mapping.length)) return 'memory';
    if ((translate?.(iova, 'read') ?? translate?.(iova, 'write')) !== real) return 'page';
  }
  return undefined;
}

/** Says whether a page table maps the memory of the process that asks. */
export const checkMap = defineCall<OfMockTable, IoctlInput>({
  name: NAME,
  parameters: ['size', 'op', 'id', '__reserved', 'iova', 'length', 'uptr'],
  read: readMockTable,
  guards: [
    ...sizeChecks<OfMockTable>(NAME),
    ...tableChecks<OfMockTable>(NAME),
    refusal(`${NAME}/alignment`, "An IOVA, a length or an address that is no multiple of the table's page is refused with EINVAL.", E.EINVAL, misaligned, { args: { iova: MOCK_IOVA + 1n } }),
    refusal(`${NAME}/memory`, 'Memory that is not there is refused with EFAULT.', E.EFAULT, (c) => firstWrong(c) === 'memory', { args: { uptr: 0n } }),
    refusal(`${NAME}/page`, 'A page that is not the one that the table has is refused with EINVAL.', E.EINVAL, (c) => firstWrong(c) === 'page', { args: { iova: MOCK_IOVA + 0x1_0000n } }),
  ],
  effect: { clauses: [mockClause(`${NAME}/same`, 'Every page of the range is that of the memory.')], apply: () => ({ clause: `${NAME}/same`, status: 0 }) },
  sample: { requires: ['mock'], fd: IOMMU, setup: MOCK_MAPPED, args: { id: MOCK_TABLE, iova: MOCK_IOVA, length: 0x1_0000n, uptr: BUFFER } },
});
