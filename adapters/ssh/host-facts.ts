import type { ByteOrder } from './instructions.js';

/** How an `edu` device is driven on this host. */
export interface EduAccess {
  /** Byte order of its registers as VFIO shows them. */
  readonly order: ByteOrder;
  /** The kernel carries 8-byte accesses through a device's descriptor; if not, the registers must be mapped. Since Linux 6.11. */
  readonly wide: boolean;
}

/** A device by its name in programs. */
export interface DeviceFacts {
  /** `0001:00:01.0`. */
  readonly address: string;
  /** Its own node, where the kernel makes one: `/dev/vfio/devices/vfio0`. */
  readonly node?: string;
  readonly edu?: EduAccess;
  /** The number of its PE, as the kernel's EEH has it (`eeh_pe_config_addr`). */
  readonly pe?: number;
}

/** What turning programs into system calls needs to know of a host. */
export interface HostFacts {
  readonly order: ByteOrder;
  readonly architecture: 'ppc64' | 'x86';
  /** Bytes of a system page. */
  readonly pageBytes: number;
  /** What programs refer to: `pe0.dma32.start`. */
  readonly facts: ReadonlyMap<string, bigint>;
  /** Nodes of groups: `pe0` → `/dev/vfio/3`. */
  readonly groups: ReadonlyMap<string, string>;
  /** `pe0.dev0`. */
  readonly devices: ReadonlyMap<string, DeviceFacts>;
}

/** The same with the names of two groups, and of their devices, exchanged. */
export function withSwapped(facts: HostFacts, one: string, other: string): HostFacts {
  const renamed = (name: string): string => {
    const [group = '', ...rest] = name.split('.');
    return [group === one ? other : group === other ? one : group, ...rest].join('.');
  };
  const swapped = <T>(entries: ReadonlyMap<string, T>): Map<string, T> => new Map([...entries].map(([name, value]) => [renamed(name), value]));
  return { ...facts, groups: swapped(facts.groups), devices: swapped(facts.devices) };
}
