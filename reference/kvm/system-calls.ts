import { defineCall, type Guard } from '../rules.js';
import { E } from '../uapi/errno.js';
import { KVM_API_VERSION, KVM_CAP } from '../uapi/kvm.js';
import { arg, merged, type Ioctl, type IoctlContext, type IoctlInput } from '../vfio/checks.js';
import { openFile } from '../vfio/files.js';
import type { Host } from '../vfio/host.js';
import { KVM, kvmClause, OPENED } from './checks.js';
import { makeVm } from './state/vm.js';

/* What /dev/kvm itself serves. */

const powerClause = merged('Linux 7.2 arch/powerpc/kvm/powerpc.c');

const read = (host: Host, ioctl: Ioctl): IoctlContext => ({ ...ioctl, host });

/** KVM_GET_API_VERSION: 12, for ever. */
export const getApiVersion = defineCall<IoctlContext, IoctlInput>({
  name: 'KVM_GET_API_VERSION',
  parameters: [],
  read,
  guards: [],
  effect: {
    clauses: [kvmClause('KVM_GET_API_VERSION/version', `The version is ${KVM_API_VERSION}.`)],
    statuses: [KVM_API_VERSION],
    apply: () => ({ clause: 'KVM_GET_API_VERSION/version', status: KVM_API_VERSION }),
  },
  sample: { fd: KVM, setup: OPENED, args: {} },
});

/** What a machine with TCE tables needs. */
const TCE_EXTENSIONS: readonly number[] = [KVM_CAP.SPAPR_TCE, KVM_CAP.SPAPR_TCE_64, KVM_CAP.SPAPR_TCE_VFIO, KVM_CAP.SPAPR_MULTITCE, KVM_CAP.PPC_PAPR, KVM_CAP.PPC_ENABLE_HCALL];

/** No extension has a number as high as this. */
const NO_EXTENSION = 0x7fff_ffffn;

const extension = (c: IoctlContext): number => Number(arg(c, 'value'));
const isTce = (c: IoctlContext): boolean => TCE_EXTENSIONS.includes(extension(c));

const TCE_CLAUSE = 'KVM_CHECK_EXTENSION/tce';
const UNKNOWN_CLAUSE = 'KVM_CHECK_EXTENSION/unknown';

const otherExtension: Guard<IoctlContext> = {
  ...powerClause('KVM_CHECK_EXTENSION/other', 'An extension that is no business of TCE tables is there or not, in a number of its own.'),
  level: 'may',
  choice: { id: 'K7', canonical: false },
  when: (c) => !isTce(c) && arg(c, 'value') < NO_EXTENSION,
  refuse: [1, ...Array.from({ length: 64 }, (_, i) => i + 2), 1024, 2048, 4096, 0x7fff],
};

/** KVM_CHECK_EXTENSION: what there is; on /dev/kvm, or on a machine. */
export const checkExtension = defineCall<IoctlContext, IoctlInput>({
  name: 'KVM_CHECK_EXTENSION',
  parameters: ['value'],
  read,
  guards: [otherExtension],
  effect: {
    clauses: [
      powerClause(UNKNOWN_CLAUSE, 'An extension that nobody knows is not there: 0.'),
      powerClause(TCE_CLAUSE, 'TCE tables of both kinds, those with a VFIO window, multi-TCE calls, PAPR and the enabling of hypercalls are there: 1 each.'),
    ],
    statuses: (c) => [isTce(c) ? 1 : 0],
    clauseOf: (c) => (isTce(c) ? TCE_CLAUSE : UNKNOWN_CLAUSE),
    apply: (c) => ({ clause: isTce(c) ? TCE_CLAUSE : UNKNOWN_CLAUSE, status: isTce(c) ? 1 : 0 }),
  },
  sample: { fd: KVM, setup: OPENED, args: { value: BigInt(KVM_CAP.SPAPR_TCE_64) } },
});

/** Kinds of machines: the usual one, HV, PR. */
const KINDS = [0n, 1n, 2n];
const PR = 2n;

const unknownKind: Guard<IoctlContext> = {
  ...powerClause('KVM_CREATE_VM/type', 'A kind of machine that there is not is refused with EINVAL.'),
  when: (c) => !KINDS.includes(arg(c, 'value')),
  refuse: [-E.EINVAL],
  violation: { args: { value: 3n } },
};

const otherKind: Guard<IoctlContext> = {
  ...powerClause('KVM_CREATE_VM/kind', 'A machine of the kind PR is made, or refused with EINVAL where KVM has none.'),
  level: 'may',
  choice: { id: 'K8', canonical: true },
  when: (c) => arg(c, 'value') === PR,
  refuse: [-E.EINVAL],
};

/** KVM_CREATE_VM: a machine, of the process that makes it. */
export const createVm = defineCall<IoctlContext, IoctlInput>({
  name: 'KVM_CREATE_VM',
  parameters: ['value'],
  read,
  guards: [unknownKind, otherKind],
  effect: {
    clauses: [powerClause('KVM_CREATE_VM/made', 'A machine without memory, processors and tables; KVM answers H_PUT_TCE and H_GET_TCE of it, and no other call on TCEs.')],
    statuses: 'descriptor',
    apply: (c, chooser) => ({
      clause: 'KVM_CREATE_VM/made',
      status: openFile(c.process, { kind: 'kvm-vm', vm: makeVm(c.process.space), users: 0 }, chooser),
    }),
  },
  sample: { fd: KVM, setup: OPENED, args: { value: 0n } },
});
