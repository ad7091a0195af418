import { existsSync, mkdirSync, mkdtempSync, readFileSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { AgentLink } from './agent-link.js';
import { childChannel } from './child-channel.js';
import type { Transport } from './transport.js';

/** A PCI device of a host made of files. */
export interface FakeDevice {
  readonly address: string;
  readonly vendor?: string;
  readonly device?: string;
  readonly class?: string;
  readonly group?: number;
  /** Driver that it has; none unless told. */
  readonly driver?: string;
  /** Driver that the host would choose. */
  readonly hostDriver?: string;
  /** Driver that does not take it. */
  readonly refuses?: string;
}

/** A host made of files, on which the agent runs as on a real one. */
export class FakeHost {
  readonly root = mkdtempSync(join(tmpdir(), 'papr-host-'));

  constructor(devices: readonly FakeDevice[], drivers: readonly string[] = ['vfio-pci', 'nvme']) {
    for (const folder of ['run', 'sys/block', 'sys/bus/pci/devices']) mkdirSync(join(this.root, folder), { recursive: true });
    this.boot('first');
    for (const driver of drivers) mkdirSync(this.#driver(driver), { recursive: true });
    for (const device of devices) this.#add(device);
  }

  readonly transport: Transport = {
    name: 'fake',
    exec: (command) => {
      const length = /read\((\d+)\)/.exec(command)![1]!;
      const fixture = join(__dirname, 'fake-host.fixture.py');
      return Promise.resolve(childChannel('python3', [fixture, this.root, length], () => undefined));
    },
  };

  /** Starts an agent. */
  agent(): Promise<AgentLink> {
    return AgentLink.start(this.transport);
  }

  /** Writes a file. */
  file(path: string, content: string | Uint8Array): void {
    const place = join(this.root, path);
    mkdirSync(dirname(place), { recursive: true });
    writeFileSync(place, content);
  }

  /** Sets what changes with every boot. */
  boot(id: string): void {
    this.file('proc/sys/kernel/random/boot_id', `${id}\n`);
  }

  /** Takes files away. */
  take(path: string): void {
    rmSync(join(this.root, path), { recursive: true });
  }

  /** Makes a link to another place of the host. */
  link(path: string, to: string): void {
    mkdirSync(dirname(join(this.root, path)), { recursive: true });
    symlinkSync(join(this.root, to), join(this.root, path));
  }

  /** Driver and driver_override of a device. */
  state(address: string): [string, string] {
    const folder = join(this.root, 'sys/bus/pci/devices', address);
    const driver = existsSync(join(folder, 'driver')) ? basename(readlinkSync(join(folder, 'driver'))) : '';
    return [driver, readFileSync(join(folder, 'driver_override'), 'utf8').trim()];
  }

  /** Every attribute that was written, `path text`. */
  get written(): string[] {
    const log = join(this.root, 'written');
    return existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : [];
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }

  #driver = (name: string): string => join(this.root, 'sys/bus/pci/drivers', name);

  #add({ address, vendor = '0x1234', device = '0x11e8', class: code = '0x00ff00', group = 0, driver, hostDriver, refuses }: FakeDevice): void {
    const folder = `sys/bus/pci/devices/${address}`;
    const files = { vendor, device, class: code, driver_override: '(null)', host_driver: hostDriver, refuses };
    for (const [name, content] of Object.entries(files)) if (content !== undefined) this.file(`${folder}/${name}`, `${content}\n`);
    if (driver !== undefined) this.link(`${folder}/driver`, `sys/bus/pci/drivers/${driver}`);
    mkdirSync(join(this.root, `sys/kernel/iommu_groups/${group}/devices`), { recursive: true });
    this.link(`${folder}/iommu_group`, `sys/kernel/iommu_groups/${group}`);
    this.link(`sys/kernel/iommu_groups/${group}/devices/${address}`, folder);
  }
}
