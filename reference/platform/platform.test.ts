import { describe, expect, it, test } from '@jest/globals';
import { LINUX_POWERNV, LINUX_PSERIES } from '../../adapters/model/machines.js';
import { buildHost, type Host } from '../vfio/host.js';
import { windowId } from '../opal/phb.js';
import type { MachineDescription } from '../description.js';
import type { WindowRequest } from './table-group.js';

const MIB = 1n << 20n;
const GIB = 1n << 30n;

const withPages = (machine: MachineDescription, pageShift: number): MachineDescription => ({ ...machine, linux: { ...machine.linux!, pageShift } });

const pe0 = (host: Host) => host.groups.get('pe0')!.table;

const request = (pageShift: number, size: bigint, levels = 1): WindowRequest => ({ pageShift, size, levels });

/** What a window costs: the figures of vfio-ppc-tests (peer flows, VPT-03) and of the seeds. */
describe('the locked memory that a table costs', () => {
  test.each([
    { platform: 'powernv', what: 'the default window, 2 GiB of 4 KiB pages', of: request(12, 2n * GIB), bytes: 8n * MIB },
    { platform: 'powernv', what: '1 GiB of 64 KiB pages', of: request(16, GIB), bytes: 256n * 1024n },
    { platform: 'powernv', what: '64 GiB of 64 KiB pages: a table of 8 MiB', of: request(16, 64n * GIB), bytes: 16n * MIB },
    { platform: 'powernv', what: 'two levels of 16 GiB: one page of the system more, twice', of: request(16, 16n * GIB, 2), bytes: 2n * (2n * MIB + 0x1_0000n) },
    { platform: 'powernv', what: 'six levels: no table', of: request(16, GIB, 6), bytes: 0n },
    { platform: 'powernv', what: 'no power of two: no table', of: request(16, 3n * GIB), bytes: 0n },
    { platform: 'pseries', what: 'the default window, 1 GiB of 4 KiB pages', of: request(12, GIB), bytes: 2n * MIB },
    { platform: 'pseries', what: '1 GiB of 64 KiB pages', of: request(16, GIB), bytes: 128n * 1024n },
    { platform: 'pseries', what: '64 GiB of 16 MiB pages: a table of 32 KiB', of: request(24, 64n * GIB), bytes: 32n * 1024n },
    { platform: 'pseries', what: 'no levels: as one', of: request(16, GIB, 0), bytes: 128n * 1024n },
  ])('$platform, $what', ({ platform, of, bytes }) => {
    const { platform: group } = buildHost(platform === 'powernv' ? LINUX_POWERNV : LINUX_PSERIES);
    expect(group.tableBytes(of)).toBe(bytes);
  });
});

describe('PowerNV', () => {
  test.each([
    { pageShift: 16, of: request(16, 0x1_0000n), size: 512n * MIB },
    { pageShift: 16, of: request(12, 0x1000n), size: 32n * MIB },
    { pageShift: 12, of: request(16, 0x1_0000n), size: 32n * MIB },
    { pageShift: 16, of: request(16, GIB), size: GIB },
  ])('makes a window at least as large as a system page of entries: $of on pages of 2^$pageShift', ({ pageShift, of, size }) => {
    const host = buildHost(withPages(LINUX_POWERNV, pageShift));
    expect(host.platform.createTable(pe0(host), 0, of, 0n).window.size).toBe(size);
  });

  it('gives a PE its windows by number, and no window of another PE', () => {
    const host = buildHost(LINUX_POWERNV);
    const [first, second] = [pe0(host), host.groups.get('pe1')!.table];
    host.platform.takeOwnership(first);
    const table = host.platform.createTable(first, 1, request(16, GIB), 1n << 59n);
    host.platform.setWindow(first, 1, table);
    expect(first.pe.windows).toEqual([table.window]);
    expect(second.pe.windows).not.toContain(table.window);
    host.platform.unsetWindow(first, 1, table);
    expect(first.pe.windows).toEqual([]);
  });

  it('numbers the windows of a PE by twice its number', () => {
    expect([0, 1].map((slot) => windowId({ number: 21, tvt: [0n, 0n] }, slot))).toEqual([42, 43]);
  });
});

describe('pSeries', () => {
  it('makes a window just as large as it was asked for', () => {
    const host = buildHost(LINUX_PSERIES);
    host.platform.takeOwnership(pe0(host));
    expect(host.platform.createTable(pe0(host), 0, request(16, 0x1_0000n), 0n).window.size).toBe(0x1_0000n);
  });

  it('takes the default window from the host and gives it back, empty', () => {
    const host = buildHost(LINUX_PSERIES);
    const group = pe0(host);
    const [before] = group.pe.windows;
    host.platform.takeOwnership(group);
    expect(group.pe.windows).toEqual([]);
    const table = host.platform.createTable(group, 0, request(12, GIB), 0n);
    host.platform.put(table, 5, 0x1_0003n);
    host.platform.put(table, 5, 0n);
    host.platform.unsetWindow(group, 0, table);
    expect(group.pe.windows).toEqual([]);
    host.platform.releaseOwnership(group);
    expect(group.pe.windows.map(({ start, size, isDefault }) => [start, size, isDefault])).toEqual([[before!.start, before!.size, true]]);
    expect(group.pe.windows[0]!.table.hasMappings()).toBe(false);
  });
});
