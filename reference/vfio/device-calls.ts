import type { Chooser } from '../chooser.js';
import { defineCall, type Expected, type Guard } from '../rules.js';
import { E } from '../uapi/errno.js';
import { DEVICE_PCI } from '../uapi/vfio.js';
import { arg, badPointer, DEVICE, GROUP, merged, openWith, readDevice, readOnly, tooShort, type DeviceContext, type IoctlInput } from './checks.js';

const clause = merged('Linux 7.2 drivers/vfio/pci/vfio_pci_core.c; include/uapi/linux/vfio.h');

const OPENED = [
  ...openWith(7n),
  { door: 'vfio', op: 'ioctl', fd: GROUP, call: 'VFIO_GROUP_GET_DEVICE_FD', args: {}, device: 'pe0.dev0', as: 'device' },
] as const;

/** An answer that the device decides, within what is permitted. */
const openField =
  (chooser: Chooser, id: string) =>
  (index: number, name: string, canonical: bigint, permitted: (value: bigint) => boolean, expects: string): Expected => ({
    index,
    name,
    value: chooser.adopt({ choice: 'V8', clause: id, name, canonical, permitted, expects, index }),
    clause: id,
  });

const INFO = 'VFIO_DEVICE_GET_INFO';

/** Regions of a PCI device: six BARs, the ROM, configuration space and VGA; a driver may add more. */
const LEAST_REGIONS = 9n;
/** Interrupts of a PCI device: INTx, MSI, MSI-X, errors and requests. */
const LEAST_INTERRUPTS = 5n;

/** VFIO_DEVICE_GET_INFO: what the device is, and how many regions and interrupts it has. */
export const deviceGetInfo = defineCall<DeviceContext, IoctlInput>({
  name: INFO,
  parameters: ['argsz', 'flags'],
  read: readDevice,
  guards: [badPointer(INFO), tooShort(INFO, 16n), readOnly(INFO)],
  effect: {
    clauses: [clause(`${INFO}/answer`, 'A PCI device, with at least 9 regions and 5 kinds of interrupt.')],
    apply(_c, chooser) {
      const open = openField(chooser, `${INFO}/answer`);
      return {
        clause: `${INFO}/answer`,
        status: 0,
        outputs: [
          open(1, 'flags', DEVICE_PCI | 1n, (flags) => (flags & DEVICE_PCI) !== 0n, 'with the bit for PCI'),
          open(2, 'num_regions', LEAST_REGIONS, (count) => count >= LEAST_REGIONS, 'at least 9'),
          open(3, 'num_irqs', LEAST_INTERRUPTS, (count) => count >= LEAST_INTERRUPTS, 'at least 5'),
        ],
      };
    },
  },
  sample: { fd: DEVICE, setup: OPENED, args: { argsz: 16n, flags: 0n } },
});

const REGION = 'VFIO_DEVICE_GET_REGION_INFO';

/** No device has so many. */
const MOST_REGIONS = 64n;

const noSuchRegion: Guard<DeviceContext> = {
  ...clause(`${REGION}/index`, 'An index past the last region is refused with EINVAL.'),
  when: (c) => arg(c, 'index') >= MOST_REGIONS,
  refuse: [-E.EINVAL],
  violation: { args: { index: MOST_REGIONS } },
};

const CONFIGURATION = 7n;
const VGA = 8n;

const noVga: Guard<DeviceContext> = {
  ...clause(`${REGION}/vga`, 'The VGA region, and every index after it, is refused with EINVAL on a device without.', 'Linux 7.2 drivers/vfio/pci/vfio_pci_core.c vfio_pci_ioctl_get_region_info'),
  level: 'may',
  choice: { id: 'V8', canonical: true },
  when: (c) => arg(c, 'index') >= VGA,
  refuse: [-E.EINVAL],
};

/** VFIO_DEVICE_GET_REGION_INFO: a region's size and place; one that the device lacks has size 0. */
export const deviceGetRegionInfo = defineCall<DeviceContext, IoctlInput>({
  name: REGION,
  parameters: ['argsz', 'flags', 'index'],
  read: readDevice,
  guards: [badPointer(REGION), tooShort(REGION, 32n), noSuchRegion, noVga, readOnly(REGION)],
  effect: {
    clauses: [clause(`${REGION}/answer`, 'Every BAR, the ROM and the configuration space have an answer; the configuration space has 256 or 4096 bytes.')],
    apply(c, chooser) {
      const open = openField(chooser, `${REGION}/answer`);
      const config = arg(c, 'index') === CONFIGURATION;
      const anything = (): boolean => true;
      return {
        clause: `${REGION}/answer`,
        status: 0,
        outputs: [
          open(0, 'argsz', 32n, (size) => size >= 32n, 'at least 32'),
          open(1, 'flags', 3n, anything, 'any'),
          open(3, 'cap_offset', 0n, anything, 'any'),
          open(4, 'size', config ? 256n : 0n, (size) => !config || size === 256n || size === 4096n, 'the size of the region'),
          open(5, 'offset', arg(c, 'index') << 40n, anything, 'any'),
        ],
      };
    },
  },
  sample: { fd: DEVICE, setup: OPENED, args: { argsz: 32n, flags: 0n, index: CONFIGURATION } },
});

/** VFIO_DEVICE_RESET: done, or refused where the device has no reset of its own. */
export const deviceReset = defineCall<DeviceContext, IoctlInput>({
  name: 'VFIO_DEVICE_RESET',
  parameters: [],
  read: readDevice,
  guards: [
    {
      ...clause('VFIO_DEVICE_RESET/none', 'A device that cannot be reset by itself refuses with EINVAL or ENOTTY.'),
      level: 'may',
      choice: { id: 'V8', canonical: false },
      when: () => true,
      refuse: [-E.EINVAL, -E.ENOTTY],
    },
  ],
  effect: {
    clauses: [clause('VFIO_DEVICE_RESET/reset', 'The device is as after power-on; its windows are untouched.')],
    apply: () => ({ clause: 'VFIO_DEVICE_RESET/reset', status: 0 }),
  },
  sample: { fd: DEVICE, setup: OPENED, args: {} },
});
