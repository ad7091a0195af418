/** The machines of the lab as QEMU's command line: what is in them, and where the guest sees it. */

import { MODULES_VARIABLE } from './init.js';
import { DISK_MODULES, HOST_MODULES, LOADED_MODULES, NETWORK_MODULES } from './modules.js';

/** `pseries`: a partition under a hypervisor. `powernv`: bare metal, with its firmware (skiboot). */
export type Platform = 'pseries' | 'powernv';

/** A partitionable endpoint with devices that nobody else uses. */
export interface LabPe {
  /** `edu1`, `disk`, `pair`. */
  readonly name: string;
  /** Host bridge: its index is the PCI domain in the guest. */
  readonly bridge: number;
  /** PCI addresses in the guest, as in /sys/bus/pci/devices. */
  readonly devices: readonly string[];
  /** It takes the place of one that is lost. */
  readonly spare?: true;
  /** QEMU's name of the device model. */
  readonly model: 'edu' | 'virtio-blk-pci' | 'nvme';
}

/** What decides the command line. */
export interface Hardware {
  readonly platform: Platform;
  /** pSeries: `power9`, `power10`. PowerNV: `power9` for powernv9, `power10` for powernv10. */
  readonly cpu: 'power9' | 'power10';
  /** Mebibytes of memory. */
  readonly memoryMib: number;
  /** More words for the kernel's command line. */
  readonly kernelArguments: string;
  /** More arguments for QEMU. */
  readonly extraArgs: readonly string[];
}

/** Files of a running machine, by their names in its state directory, where QEMU runs. */
export const FILES = {
  qmp: 'qmp.sock',
  consoleSocket: 'console.sock',
  console: 'console.log',
  trace: 'trace.log',
  qemuLog: 'qemu.log',
  qtest: 'qtest.sock',
  drive: 'disk.img',
  transfer: 'transfer.sock',
  knownHosts: 'known_hosts',
  state: 'state.json',
} as const;

export const SECTOR_BYTES = 512;
const SECTORS = 2048;

/** Everything: transfers of `edu` may go to any address of 64 bits. */
const EDU = 'edu,dma_mask=0xffffffffffffffff';
/** QEMU can save a machine with virtio, not one with NVMe; a virtio disk is told to go through the I/O-MMU as any other device does. */
const DISK_MODELS = { pseries: 'virtio-blk-pci', powernv: 'nvme' } as const;
const DISK_SPECS = {
  'virtio-blk-pci': 'virtio-blk-pci,drive=drive,disable-legacy=on,iommu_platform=on',
  nvme: 'nvme,drive=drive,serial=papr-lab',
} as const;
/** PEs with one device each: as many as the other PEs leave; PowerNV has five host bridges besides the network card's. */
const EDU_BRIDGES = { pseries: [1, 2, 3, 4], powernv: [1, 2] } as const;
/**
 * PowerNV: a host bridge with a switch, whose ports have a PE with one device each: one more for tests, and spare ones, for PEs that the kernel has
 * given up. As many as the suites lose.
 */
const SWITCH_BRIDGE = 3;
const SWITCH_PORTS = 9;
/** Bus of the first port; each takes a second one, for the bridge beside its device. */
const FIRST_PORT_BUS = 3;
const BUSES_PER_PORT = 2;
const DISK_BRIDGE = 5;
const PAIR_BRIDGE = { pseries: 6, powernv: 4 } as const;

/** pSeries: the host bridge with a default window of QEMU's usual size, 1 GiB. */
const USUAL_WINDOW_BRIDGE = 4;
/**
 * Bytes of the other default windows. The kernel clears a window entry by entry, two hypercalls each: for 1 GiB that takes two
 * seconds here.
 */
const SMALL_WINDOW = 0x400_0000;

/** The PEs of a machine, without the one of its network card. */
export function labPes(platform: Platform): LabPe[] {
  const [first, second] = platform === 'pseries' ? ['00:01.0', '00:02.0'] : ['01:00.0', '01:00.1'];
  const pe = (name: string, bridge: number, model: LabPe['model'], ...places: string[]): LabPe => ({
    name,
    bridge,
    devices: places.map((place) => `${domain(bridge)}:${place}`),
    model,
  });
  return [
    ...EDU_BRIDGES[platform].map((bridge) => pe(`edu${bridge}`, bridge, 'edu', first)),
    ...(platform === 'powernv' ? Array.from({ length: SWITCH_PORTS }, (_, port) => switchPe(pe, port)) : []),
    pe('disk', DISK_BRIDGE, DISK_MODELS[platform], first),
    pe('pair', PAIR_BRIDGE[platform], 'edu', first, second),
  ];
}

const switchPe = (pe: (name: string, bridge: number, model: 'edu', place: string) => LabPe, port: number): LabPe =>
  port === 0 ? pe('edu3', SWITCH_BRIDGE, 'edu', portAddress(0)) : { ...pe(`spare${port}`, SWITCH_BRIDGE, 'edu', portAddress(port)), spare: true };

const portAddress = (port: number): string => `${(FIRST_PORT_BUS + port * BUSES_PER_PORT).toString(16).padStart(2, '0')}:00.0`;

const domain = (bridge: number): string => bridge.toString(16).padStart(4, '0');

/** The arguments of QEMU, all but those that differ from start to start. */
export function qemuArguments(hardware: Hardware, kernel: string, initrd: string): string[] {
  const modules = `${MODULES_VARIABLE}=${[NETWORK_MODULES[hardware.platform], ...LOADED_MODULES, DISK_MODULES[hardware.platform], ...HOST_MODULES[hardware.platform]].join(',')}`;
  return [
    ...(hardware.platform === 'pseries' ? pseries(hardware) : powernv(hardware)),
    ...['-kernel', kernel, '-initrd', initrd, '-append', ['console=hvc0', modules, hardware.kernelArguments].join(' ').trim()],
    ...['-netdev', 'user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:0-:22'],
    ...['-chardev', `socket,id=console,path=${FILES.consoleSocket},server=on,wait=off,logfile=${FILES.console}`],
    ...['-qmp', `unix:${FILES.qmp},server=on,wait=off`],
    // A guest that has panicked stays as it is: its console tells, and a reset brings it back.
    ...['-display', 'none', '-action', 'panic=none'],
    ...['-drive', `if=none,id=drive,format=raw,file=${FILES.drive}`],
    ...labPes(hardware.platform)
      .filter(({ bridge }) => hardware.platform !== 'powernv' || bridge !== SWITCH_BRIDGE)
      .flatMap((pe) => devices(hardware.platform, pe)),
    ...(hardware.platform === 'powernv' ? switchDevices() : []),
    ...hardware.extraArgs,
  ];
}

function devices(platform: Platform, { bridge, devices: places, model }: LabPe): string[] {
  const spec = model === 'edu' ? EDU : DISK_SPECS[model];
  if (platform === 'powernv') return powernvDevices(spec, bridge, places.length, model === 'edu');
  const slots = places.flatMap((_, i) => ['-device', `${spec},bus=pci${bridge}.0,addr=${i + 1}`]);
  const window = bridge === USUAL_WINDOW_BRIDGE ? '' : `,dma_win_size=${SMALL_WINDOW}`;
  return ['-device', `spapr-pci-host-bridge,index=${bridge},id=pci${bridge}${window}`, ...slots];
}

/**
 * An `edu` can only be reset by resetting its bus, which takes the firmware five seconds, at every opening and closing of the
 * device. With something else on the bus the kernel leaves that be; a bridge is in nobody's way.
 */
function powernvDevices(spec: string, bridge: number, count: number, guarded: boolean): string[] {
  if (!guarded) return ['-device', `${spec},bus=pcie.${bridge},addr=0.0`];
  return guardedDevices(spec, `pcie.${bridge}`, bridge, count);
}

function guardedDevices(spec: string, bus: string, chassis: number, count: number): string[] {
  const at = (device: string, place: number): string[] => ['-device', `${device},bus=${bus},addr=0.${place}`];
  const functions = Array.from({ length: count }, (_, i) => at(i === 0 ? `${spec},multifunction=on` : spec, i));
  return [...functions.flat(), ...at(`pci-bridge,chassis_nr=${chassis}`, count)];
}

/** Chassis numbers of a machine are each used once; the other bridges have those of their host bridges. */
const SWITCH_CHASSIS = 16;

function switchDevices(): string[] {
  const ports = Array.from({ length: SWITCH_PORTS }, (_, port) => [
    ...['-device', `xio3130-downstream,id=port${port},bus=switch,chassis=${SWITCH_CHASSIS + port},slot=${port},addr=${port.toString(16)}.0`],
    ...guardedDevices(EDU, `port${port}`, SWITCH_CHASSIS + SWITCH_PORTS + port, 1),
  ]);
  return ['-device', `x3130-upstream,id=switch,bus=pcie.${SWITCH_BRIDGE},addr=0.0`, ...ports.flat()];
}

/** Capabilities that TCG cannot provide and would warn about. */
const QUIET_CAPABILITIES = 'cap-cfpc=broken,cap-sbbc=broken,cap-ibs=broken,cap-ccf-assist=off';

/** The NIC has bridge 0 to itself. `maxmem` above memory makes room for the windows' addresses above it. */
function pseries({ cpu, memoryMib }: Hardware): string[] {
  return [
    ...['-M', `pseries,x-vof=on,usb=off,${QUIET_CAPABILITIES}`, '-accel', 'tcg,thread=multi', '-cpu', cpu, '-smp', '2'],
    ...['-m', `${memoryMib},slots=4,maxmem=4G`, '-nodefaults', '-vga', 'none'],
    ...['-device', 'spapr-vty,chardev=console'],
    ...['-device', 'virtio-net-pci,netdev=net,romfile='],
  ];
}

/** No `-nodefaults`: the firmware needs the machine's BMC. The qtest socket lets tests set a PE's state in the PHB from outside. */
function powernv({ cpu, memoryMib }: Hardware): string[] {
  return [
    ...['-M', `powernv${cpu.slice('power'.length)}`, '-accel', 'tcg,thread=multi', '-smp', '2,cores=2,threads=1', '-m', String(memoryMib)],
    ...['-monitor', 'none', '-serial', 'chardev:console', '-qtest', `unix:${FILES.qtest},server=on,wait=off`, '-qtest-log', 'none'],
    ...['-device', 'e1000e,netdev=net,bus=pcie.0,romfile='],
  ];
}

/** The drive's content: sector n is the number n, in 4 bytes, little-endian, over and over. */
export function driveContent(): Buffer {
  const bytes = Buffer.alloc(SECTORS * SECTOR_BYTES);
  for (let at = 0; at < bytes.length; at += 4) bytes.writeUInt32LE(Math.floor(at / SECTOR_BYTES), at);
  return bytes;
}
