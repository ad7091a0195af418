import { defineCall, type Guard } from '../rules.js';
import { E } from '../uapi/errno.js';
import { HW_CAP, HW_INFO_INPUT_TYPE } from '../uapi/iommufd.js';
import { arg, type IoctlInput } from '../vfio/checks.js';
import { writable, write } from '../vfio/user-memory.js';
import { BOUND, DEVICE_ID } from './bound-device.js';
import { answerChecks, IOMMU, iommufdClause, sizeChecks } from './checks.js';
import { noDevice, notSupported, readDevice, type OfDevice } from './device-calls.js';

const NAME = 'IOMMU_GET_HW_INFO';
const clause = iommufdClause('device.c iommufd_get_hw_info');

/** What the driver tells: its words, as bytes. */
function payload({ bound }: OfDevice): Uint8Array {
  const words = bound!.driver.hwInfo?.words ?? [];
  const bytes = Buffer.alloc(4 * words.length);
  words.forEach((word, i) => bytes.writeUInt32LE(word, 4 * i));
  return bytes;
}

/** The buffer as it is to be: cut, or filled with zeros. */
function told(c: OfDevice): Uint8Array {
  const room = Number(arg(c, 'data_len'));
  const bytes = Buffer.alloc(room);
  Buffer.from(payload(c)).copy(bytes);
  return bytes;
}

const tell = (c: OfDevice): void => {
  write(c.host, c.process, arg(c, 'data_uptr'), told(c));
};

const otherType: Guard<OfDevice> = {
  ...clause(`${NAME}/type`, 'A type that is asked for and that the driver does not have is refused with EOPNOTSUPP.', 'Linux 7.2 include/uapi/linux/iommufd.h IOMMU_HW_INFO_FLAG_INPUT_TYPE'),
  when(c) {
    const [type, known] = [arg(c, 'out_data_type'), c.bound!.driver.hwInfo?.type];
    return (arg(c, 'flags') & HW_INFO_INPUT_TYPE) !== 0n && known !== undefined && type !== 0n && type !== BigInt(known);
  },
  refuse: [-E.EOPNOTSUPP],
  violation: { args: { flags: HW_INFO_INPUT_TYPE, out_data_type: 0x1234n } },
};

/** More than any process here has in one piece; bytes. */
const MOST = 1n << 26n;

const badBuffer: Guard<OfDevice> = {
  ...clause(`${NAME}/buffer`, 'A buffer that cannot be written is refused with EFAULT.'),
  when: (c) => arg(c, 'data_len') > MOST || !writable(c.process, arg(c, 'data_uptr'), Number(arg(c, 'data_len'))),
  refuse: [-E.EFAULT],
  violation: { args: { data_len: 16n, data_uptr: 0n } },
};

/** IOMMU_GET_HW_INFO: what the IOMMU of a device is, and what it can do. */
export const getHwInfo = defineCall<OfDevice, IoctlInput>({
  name: NAME,
  parameters: ['size', 'flags', 'dev_id', 'data_len', 'data_uptr', 'out_data_type', 'out_max_pasid_log2', '__reserved0', '__reserved1', 'out_capabilities'],
  read: readDevice,
  guards: [
    ...sizeChecks<OfDevice>(NAME),
    notSupported(`${NAME}/flags`, clause, 'An unknown flag is refused with EOPNOTSUPP.', (c) => (arg(c, 'flags') & ~HW_INFO_INPUT_TYPE) !== 0n, { args: { flags: 2n } }),
    notSupported(`${NAME}/reserved`, clause, 'A reserved byte other than 0 is refused with EOPNOTSUPP.', (c) => arg(c, '__reserved0') !== 0n || arg(c, '__reserved1') !== 0n, { args: { __reserved0: 1n } }),
    noDevice(NAME, clause),
    otherType,
    badBuffer,
    { ...answerChecks<OfDevice>(NAME, 'An answer that cannot be written is refused with EFAULT; the buffer is written.'), damage: tell },
  ],
  effect: {
    clauses: [
      clause(`${NAME}/told`, 'The buffer has what the driver tells, cut or filled with zeros; data_len says how much there is, of what type.'),
      clause(`${NAME}/capabilities`, 'Whether what was written can be told, whether ATS can be used, and how many PASIDs there are.'),
    ],
    apply(c) {
      tell(c);
      const { hwInfo, dirtyTracking, ats, pasidBits } = c.bound!.driver;
      const capabilities = (dirtyTracking ? HW_CAP.DIRTY_TRACKING : 0n) | (ats ? 0n : HW_CAP.PCI_ATS_NOT_SUPPORTED);
      const [told_, can] = [`${NAME}/told`, `${NAME}/capabilities`];
      return {
        clause: told_,
        status: 0,
        outputs: [
          { index: 3, name: 'data_len', value: BigInt(4 * (hwInfo?.words.length ?? 0)), clause: told_ },
          { index: 5, name: 'out_data_type', value: BigInt(hwInfo?.type ?? 0), clause: told_ },
          { index: 6, name: 'out_max_pasid_log2', value: BigInt(pasidBits), clause: can },
          { index: 9, name: 'out_capabilities', value: capabilities, clause: can },
        ],
      };
    },
  },
  sample: { fd: IOMMU, setup: BOUND, args: { dev_id: DEVICE_ID } },
});
