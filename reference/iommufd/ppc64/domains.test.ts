import { describe, expect, it, test } from '@jest/globals';
import { LINUX_POWERNV, LINUX_PSERIES } from '../../../adapters/model/machines.js';
import { E } from '../../uapi/errno.js';
import { buildHost, type Host } from '../../vfio/host.js';
import { makeWindowsDomain } from './paging-domain.js';
import { defaultDomainWindow, windowFault, windowsOverlap, type DomainWindow } from './windows.js';

const MACHINES = [['pseries', LINUX_PSERIES], ['powernv', LINUX_POWERNV]] as const;
const HIGH: DomainWindow = { start: 1n << 59n, size: 1n << 36n, pageShift: 16, levels: 1 };
const REAL = 0x1_2345_0000n;

const group = (host: Host, name: string) => host.iommuGroups.get(name)!;

/** The PE is the program's: no window of the host's is left. */
function taken(host: Host, name: string) {
  const { table } = host.groups.get(name)!;
  host.platform.takeOwnership(table);
  return table.pe;
}

/** What the PE's windows hold: bus address and entry. */
const entries = (host: Host, name: string) =>
  host.groups.get(name)!.table.pe.windows.flatMap(({ start, shift, table }) => [...table.written()].map(([index, entry]) => [start + (BigInt(index) << shift), entry]));

describe.each(MACHINES)('a page table with windows, on %s', (_, machine) => {
  const made = () => {
    const host = buildHost(machine);
    const low = defaultDomainWindow(host.groups.get('pe0')!.description);
    const domain = makeWindowsDomain([low, HIGH]);
    const pe = taken(host, 'pe0');
    return { host, low, domain, pe };
  };
  const writeable = { real: REAL, readable: true, writeable: true };

  it('has its windows in the PE while that is attached, with all it was given before and after', () => {
    const { host, low, domain, pe } = made();
    domain.map({ iova: 0x1_0000n, length: 0x1_0000n, ...writeable });
    expect(pe.windows).toEqual([]);
    expect(domain.attach!(group(host, 'pe0'))).toBe(0);
    domain.map({ iova: HIGH.start, length: 0x1_0000n, ...writeable, writeable: false });
    expect(pe.windows.map(({ start, size, pageShift }) => [start, size, pageShift])).toEqual([[low.start, low.size, 12], [HIGH.start, HIGH.size, 16]]);
    expect(entries(host, 'pe0')).toEqual([...Array.from({ length: 16 }, (__, i) => [0x1_0000n + BigInt(i << 12), REAL + BigInt(i << 12) + 3n]), [HIGH.start, REAL + 1n]]);
    domain.detach!(group(host, 'pe0'));
    expect(pe.windows).toEqual([]);
    domain.attach!(group(host, 'pe0'));
    expect(entries(host, 'pe0')).toHaveLength(17);
  });

  it('gives way to another one in one step', () => {
    const { host, low, domain, pe } = made();
    const other = makeWindowsDomain([low]);
    domain.attach!(group(host, 'pe0'));
    other.map({ iova: 0n, length: 0x1_0000n, ...writeable });
    other.attach!(group(host, 'pe0'));
    domain.detach!(group(host, 'pe0'));
    expect(pe.windows).toHaveLength(1);
    expect(entries(host, 'pe0')).toHaveLength(16);
  });

  it('translates for several PEs', () => {
    const { host, domain } = made();
    taken(host, 'pe1');
    for (const name of ['pe0', 'pe1']) domain.attach!(group(host, name));
    domain.map({ iova: HIGH.start, length: 0x1_0000n, ...writeable });
    expect(entries(host, 'pe1')).toEqual(entries(host, 'pe0'));
    domain.unmap({ iova: HIGH.start, length: 0x1_0000n });
    expect(entries(host, 'pe1')).toEqual([]);
  });

  it('lets a device read whatever it may write', () => {
    const { host, domain } = made();
    domain.attach!(group(host, 'pe0'));
    domain.map({ iova: HIGH.start, length: 0x1_0000n, ...writeable, readable: false });
    expect(entries(host, 'pe0')).toEqual([[HIGH.start, REAL + 3n]]);
  });

  test.each([
    ['between the windows', 1n << 40n, 0x1_0000n],
    ['across the end of a window', HIGH.start + HIGH.size - 0x1_0000n, 0x2_0000n],
    ['of a part of a page', HIGH.start, 0x1000n],
  ])('takes no range %s', (__, iova, length) => {
    const { host, domain } = made();
    domain.attach!(group(host, 'pe0'));
    expect(domain.map({ iova, length, ...writeable })).toBe(-E.EINVAL);
    expect(entries(host, 'pe0')).toEqual([]);
  });
});

describe('a window', () => {
  const { linux } = LINUX_POWERNV;
  const pe0 = linux!.groups[0]!;
  test.each([
    ['nothing', {}, undefined],
    ['a size that is no power of two', { size: 3n << 30n }, 'size'],
    ['no size', { size: 0n }, 'size'],
    ['less than a page', { size: 0x1000n }, 'size'],
    ['a page size that is not offered', { pageShift: 13 }, 'page-size'],
    ['a page size beyond all bounds', { pageShift: 140 }, 'page-size'],
    ['no levels', { levels: 0 }, 'levels'],
    ['more levels than there can be', { levels: 9 }, 'levels'],
    ['a start that is not offered', { start: 1n << 32n }, 'start'],
    ['more than the default window, at its start', { start: 0n, size: 1n << 32n }, 'start'],
  ] as const)('%s is found to be wrong', (__, change, fault) => {
    expect(windowFault(linux!, pe0, { ...HIGH, ...change })).toBe(fault);
  });

  it('overlaps another one only where they share an address', () => {
    expect(windowsOverlap([HIGH, { ...HIGH, start: HIGH.start + HIGH.size }])).toBe(false);
    expect(windowsOverlap([HIGH, { ...HIGH, start: HIGH.start + HIGH.size - 1n }])).toBe(true);
  });
});
