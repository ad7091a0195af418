import type { Term } from './term.js';
import type { HcallName } from '../uapi/hcall.js';
import type { RtasName } from '../uapi/rtas.js';
import type { IommufdCallName } from '../uapi/iommufd.js';
import type { KvmCallName } from '../uapi/kvm.js';
import type { VfioCallName } from '../uapi/vfio.js';

/**
 * The operations of every door, as plain values. A program is a list of them; an adapter carries them,
 * the model answers them, the harness draws and judges them.
 */
export type Operation =
  | PaprOperation
  | MemoryOperation
  | DmaOperation
  | PlatformOperation
  | VfioOperation
  | IommufdOperation
  | KvmOperation
  | UserOperation
  | HostOperation;

interface Named {
  /** The name under which later operations refer to this one's results; unique within a program. */
  readonly as?: string;
  /** The harness put this in to look at side state; reports fold it away unless it departs. */
  readonly audit?: true;
}

/** Door `papr`: what a partition's operating system can ask of the platform. */
export type PaprOperation = Hcall | RtasCall | PropertyRead;

/** A hypercall. Results: `<as>.status` (R3) and `<as>.r4` … `<as>.r12`, each 64 bits. */
export interface Hcall extends Named {
  readonly door: 'papr';
  readonly op: 'hcall';
  readonly call: HcallName;
  /** R4, R5, … in order; registers not given are zero. At most 9. */
  readonly args: readonly Term[];
}

/**
 * An RTAS call. Arguments and results are 32-bit cells; an argument term is truncated to its low 32 bits.
 * Results: `<as>.ret0` (the status) … `<as>.ret<nret-1>`, zero-extended, and `<as>.ret<i>:64`, which joins
 * cells i (high) and i+1 (low). The result cells are zero before the call.
 */
export interface RtasCall extends Named {
  readonly door: 'papr';
  readonly op: 'rtas';
  readonly call: RtasName;
  readonly args: readonly Term[];
  /** Number of result cells, status included: 0 to 16. */
  readonly nret: number;
}

/** Reads a device-tree property of a PE's node as bytes; absent gives an empty answer. */
export interface PropertyRead extends Named {
  readonly door: 'papr';
  readonly op: 'property';
  readonly pe: string;
  readonly name: 'ibm,dma-window' | 'ibm,ddw-applicable' | 'ibm,ddw-extensions';
}

/** Door `memory`: the partition's own memory, as its processor sees it. */
export type MemoryOperation = MemoryStore | MemoryFill | MemoryLoad;

/** Stores big-endian doublewords one after another. */
export interface MemoryStore extends Named {
  readonly door: 'memory';
  readonly op: 'store';
  readonly address: bigint;
  readonly doublewords: readonly Term[];
}

/** Fills `length` bytes with `byte`. */
export interface MemoryFill extends Named {
  readonly door: 'memory';
  readonly op: 'fill';
  readonly address: bigint;
  /** Bytes, 1 to 65536. */
  readonly length: number;
  /** 0 to 255. */
  readonly byte: number;
}

/** Loads `length` bytes; the observation carries them. */
export interface MemoryLoad extends Named {
  readonly door: 'memory';
  readonly op: 'load';
  readonly address: bigint;
  /** Bytes, 1 to 4096. */
  readonly length: number;
}

/**
 * Door `dma`: makes a device move bytes between its buffer and an I/O bus address. The device itself reports
 * nothing; what arrived is seen by loading memory, or by letting the device write its buffer elsewhere.
 */
export interface DmaOperation extends Named {
  readonly door: 'dma';
  /** `read`: memory to the device's buffer. `write`: the device's buffer to memory. */
  readonly op: 'read' | 'write';
  /** A device of the machine, `pe0.dev0`. */
  readonly device: string;
  readonly iova: Term;
  /** Bytes, 1 to 2048. */
  readonly length: number;
  /** Offset in the device's buffer of 4096 bytes; `at + length` ≤ 4096. */
  readonly at: number;
  /** The VFIO device's descriptor, where a user program drives the device; it enables bus mastering itself. */
  readonly fd?: Term;
}

/**
 * Door `platform`: what somebody other than the partition does to it. Only targets that have the capability
 * `platform` take these (`reboot` alone needs only the capability `reboot`).
 */
export type PlatformOperation =
  | (Named & { readonly door: 'platform'; readonly op: 'reboot' })
  /** The owner takes a shared logical resource back (H_RESCIND_LOGICAL of the owning partition). */
  | (Named & { readonly door: 'platform'; readonly op: 'rescind-table'; readonly liobn: Term })
  | (Named & { readonly door: 'platform'; readonly op: 'rescind-page'; readonly address: bigint })
  /** A page leaves the partition while a TCE still maps it. */
  | (Named & { readonly door: 'platform'; readonly op: 'disown-page'; readonly address: bigint })
  /** The platform answers the next `calls` interruptible calls with this busy status. */
  | (Named & { readonly door: 'platform'; readonly op: 'busy'; readonly calls: number; readonly status: number })
  /** The partition's remaining I/O entitlement, bytes (CMO). */
  | (Named & { readonly door: 'platform'; readonly op: 'entitlement'; readonly bytes: bigint })
  /** An error stops the PE. */
  | (Named & { readonly door: 'platform'; readonly op: 'error'; readonly pe: string })
  /** The platform is busy with the PE: so many of its next answers say that it is unavailable; then it is stopped. */
  | (Named & { readonly door: 'platform'; readonly op: 'unavailable'; readonly pe: string; readonly answers: number });

/** The process that does it: `main`, with which every program begins, or one that `fork` made. */
interface ByProcess extends Named {
  /** Default: `main`. */
  readonly by?: string;
}

/**
 * Door `vfio`: what a user program can ask of Linux's VFIO. Results of every operation: `<as>.result`, which is what the
 * system call returned, or minus the error number.
 */
export type VfioOperation = VfioOpen | VfioClose | VfioIoctl | VfioRead | VfioWrite;

/** Opens `/dev/vfio/vfio`, or a group's node. Result: `<as>.fd`. */
export interface VfioOpen extends ByProcess {
  readonly door: 'vfio';
  readonly op: 'open';
  /** `container`, or the name of a group: `pe0`. */
  readonly what: string;
}

export interface VfioClose extends ByProcess {
  readonly door: 'vfio';
  readonly op: 'close';
  readonly fd: Term;
}

/**
 * One ioctl. Fields of its structure that are not given are zero, `argsz` the size of the whole. Results: `<as>.result`
 * and every field as it is after the call, `<as>.start_addr`; `<as>.fd` where the call makes a descriptor.
 */
export interface VfioIoctl extends ByProcess {
  readonly door: 'vfio';
  readonly op: 'ioctl';
  readonly fd: Term;
  readonly call: VfioCallName;
  /** By field name; an argument that is no structure is called `value`. */
  readonly args: Readonly<Record<string, Term>>;
  /** VFIO_GROUP_GET_DEVICE_FD: a device of the machine, `pe0.dev0`; any other text is passed on as the name. */
  readonly device?: string;
  /** The structure lies where there is no memory, or where the kernel cannot write. */
  readonly pointer?: 'unmapped' | 'read-only';
}

/** Reads bytes of a region of a device through its descriptor. Observed as bytes. */
export interface VfioRead extends ByProcess {
  readonly door: 'vfio';
  readonly op: 'read';
  readonly fd: Term;
  /** Index of the region; 0 is BAR 0, 7 the configuration space. */
  readonly region: number;
  readonly offset: number;
  /** Bytes, 1 to 256. */
  readonly length: number;
}

/** Stores four bytes to a region of a device through its descriptor, the lowest first. */
export interface VfioWrite extends ByProcess {
  readonly door: 'vfio';
  readonly op: 'write';
  readonly fd: Term;
  readonly region: number;
  readonly offset: number;
  /** 32 bits. */
  readonly value: number;
}

/** Door `iommufd`: `/dev/iommu`, the nodes of VFIO devices, and the queues that are made there. Descriptors are closed at the door `vfio`. */
export type IommufdOperation = IommufdOpen | IommufdIoctl | QueueRead | QueueWrite;

/** Opens `/dev/iommu`, or a device's own node. Result: `<as>.fd`. */
export interface IommufdOpen extends ByProcess {
  readonly door: 'iommufd';
  readonly op: 'open';
  /** `iommu`, or the name of a device: `pe0.dev0`. */
  readonly what: string;
}

/**
 * One ioctl of /dev/iommu. Fields that are not given are zero, `size` that of the whole structure with what lies beyond. Results:
 * `<as>.result` and every field as it is after the call, `<as>.out_ioas_id`.
 */
export interface IommufdIoctl extends ByProcess {
  readonly door: 'iommufd';
  readonly op: 'ioctl';
  readonly fd: Term;
  readonly call: IommufdCallName;
  readonly args: Readonly<Record<string, Term>>;
  /** The structure lies where there is no memory, where the kernel cannot write, or so that memory ends 8 bytes into it. */
  readonly pointer?: 'unmapped' | 'read-only' | 'cut';
  /** Bytes after the structure as this program knows it: how many (1 to 4096), and what each of them is. */
  readonly beyond?: { readonly bytes: number; readonly byte: number };
}

/** Reads records of a queue. Observed as bytes, or as an error. Results: `<as>.word0`, `<as>.word1` …, its words of 32 bits. */
export interface QueueRead extends ByProcess {
  readonly door: 'iommufd';
  readonly op: 'read';
  readonly fd: Term;
  /** Bytes, 0 to 4096. */
  readonly length: number;
  /** Memory ends after so many bytes, 0 to 4095; absent: there is enough. */
  readonly room?: number;
}

/** Writes answers to a queue: words of 32 bits. Result: the bytes taken. */
export interface QueueWrite extends ByProcess {
  readonly door: 'iommufd';
  readonly op: 'write';
  readonly fd: Term;
  readonly words: readonly Term[];
  /** Memory ends after so many bytes, 0 to 4095; absent: there is enough. */
  readonly room?: number;
}

/**
 * Door `kvm`: a user program that is a virtual machine monitor, and the guest that it runs. Descriptors are closed at the door `vfio`;
 * the guest's memory is memory of the program (door `user`), given to the machine with KVM_SET_USER_MEMORY_REGION.
 */
export type KvmOperation = KvmOpen | KvmIoctl | KvmTableMap | KvmGuest | KvmHcall;

/** Opens `/dev/kvm`. Result: `<as>.fd`. */
export interface KvmOpen extends ByProcess {
  readonly door: 'kvm';
  readonly op: 'open';
}

/** One ioctl of /dev/kvm, of a machine, or of a device of KVM. Results as at the door `vfio`. */
export interface KvmIoctl extends ByProcess {
  readonly door: 'kvm';
  readonly op: 'ioctl';
  readonly fd: Term;
  readonly call: KvmCallName;
  readonly args: Readonly<Record<string, Term>>;
  /** The structure lies where there is no memory. */
  readonly pointer?: 'unmapped';
}

/** Maps a TCE table (its descriptor) to read and write, so many bytes from its beginning. Result: `<as>.address`. Unmapped at the door `user`. */
export interface KvmTableMap extends ByProcess {
  readonly door: 'kvm';
  readonly op: 'map';
  readonly fd: Term;
  readonly length: bigint;
}

/**
 * Makes a processor of a machine ready to make hypercalls: creates it, gives the machine the memory slot `GUEST_CODE` (the first time), and
 * lets it run to where it waits for calls. Result: `<as>.fd`, the processor's descriptor.
 */
export interface KvmGuest extends ByProcess {
  readonly door: 'kvm';
  readonly op: 'guest';
  readonly vm: Term;
  /** Number of the processor, 0 to 3. */
  readonly processor: number;
}

/**
 * A hypercall that the guest makes on a processor. Observed as `hcall` where the kernel answered it, as `handed` where the kernel left it to
 * the monitor, which does nothing about it. Results as at the door `papr`.
 */
export interface KvmHcall extends ByProcess {
  readonly door: 'kvm';
  readonly op: 'hcall';
  readonly processor: Term;
  readonly call: HcallName;
  /** R4, R5, … in order; registers not given are zero. At most 9. */
  readonly args: readonly Term[];
  /**
   * For measuring: the guest makes the call so often, R5 greater by `stride` each time. Observed is the last answer, with the ticks of the
   * guest's timebase that all of them took.
   */
  readonly repeat?: { readonly times: number; readonly stride: bigint };
}

/** Door `user`: a user program's own memory, and files for others to map. */
export type UserOperation = UserMap | UserUnmap | UserFill | UserStore | UserLoad | UserFile;

/** mmap of anonymous memory. Result: `<as>.address`. */
export interface UserMap extends ByProcess {
  readonly door: 'user';
  readonly op: 'map';
  /** Bytes, a multiple of the page size. */
  readonly length: bigint;
  /** log2 of the huge page size, bytes; absent: the system's own pages. */
  readonly hugePages?: number;
  /** `none` makes a hole. */
  readonly protection: 'rw' | 'r' | 'none';
  /** MAP_FIXED at this address, over what is there. */
  readonly address?: Term;
}

export interface UserUnmap extends ByProcess {
  readonly door: 'user';
  readonly op: 'unmap';
  readonly address: Term;
  readonly length: bigint;
}

/** Fills `length` bytes, 1 to 65536. */
export interface UserFill extends ByProcess {
  readonly door: 'user';
  readonly op: 'fill';
  readonly address: Term;
  readonly length: number;
  readonly byte: number;
}

/** Stores words one after another, each of 4 or 8 bytes. */
export interface UserStore extends ByProcess {
  readonly door: 'user';
  readonly op: 'store';
  readonly address: Term;
  /** Default: the system's own order. */
  readonly order?: 'big';
  readonly wordBytes: 4 | 8;
  readonly words: readonly Term[];
}

/** Loads `length` bytes, 1 to 4096. */
export interface UserLoad extends ByProcess {
  readonly door: 'user';
  readonly op: 'load';
  readonly address: Term;
  readonly length: number;
}

/** Opens a file that is no part of the stack. Result: `<as>.fd`. It is closed at the door `vfio`. */
export interface UserFile extends ByProcess {
  readonly door: 'user';
  readonly op: 'file';
  /** `memory`: a new one of zeros, whose contents are memory (memfd_create). `plain`: one whose pages cannot be pinned. */
  readonly kind: 'memory' | 'plain';
  /** Bytes, of a file of memory. */
  readonly length: bigint;
  /** log2 of the huge page size, of a file of memory; absent: the system's own pages. */
  readonly hugePages?: number;
}

/** Door `host`: the operating system around the user program. */
export type HostOperation =
  /** A child with copies of the descriptors and of the memory; `as` is the name of the process. */
  | (ByProcess & { readonly door: 'host'; readonly op: 'fork'; readonly as: string })
  /** Ends the process: by itself (`exit`), or by SIGKILL (`kill`). Returns once it is gone. */
  | (ByProcess & { readonly door: 'host'; readonly op: 'exit' | 'kill' })
  /** Sets RLIMIT_MEMLOCK to this many bytes and gives CAP_IPC_LOCK up. */
  | (ByProcess & { readonly door: 'host'; readonly op: 'limit'; readonly bytes: Term })
  /** The process's locked memory. Observed as the value `locked`: system pages (VmLck); and, where the target looks, `pinned` (VmPin). */
  | (ByProcess & { readonly door: 'host'; readonly op: 'ledger' })
  /** Gives a device to vfio-pci, to the host's own driver, or to none. Result: 0, or minus an error number. */
  | (ByProcess & { readonly door: 'host'; readonly op: 'bind'; readonly device: string; readonly driver: 'vfio-pci' | 'host' | 'none' })
  /** Reads the first 512 bytes of a disk through the host's own driver, which means DMA. Observed as bytes. */
  | (ByProcess & { readonly door: 'host'; readonly op: 'disk'; readonly device: string })
  /** What the kernel logged since the program began or since the last look, without what is usual. Observed as lines. */
  | (ByProcess & { readonly door: 'host'; readonly op: 'log' })
  /**
   * What the hypervisor sees of a PE's windows. Observed as the values `mapped`, the entries that map something now, and
   * `lost`, the entries since the program began that still mapped something when their window went.
   */
  | (ByProcess & { readonly door: 'host'; readonly op: 'witness'; readonly pe: string })
  /** Somebody outside stops a PE: both ways, or one. Only targets that have the capability `freeze`. Result: 0. */
  | (ByProcess & { readonly door: 'host'; readonly op: 'freeze'; readonly pe: string; readonly what: 'all' | 'mmio' | 'dma' })
  /**
   * Tells the kernel's EEH (debugfs): `check` makes it look at the device's PE, `break` makes the device's memory fail once and
   * then look. Result: 0, or minus an error number.
   */
  | (ByProcess & { readonly door: 'host'; readonly op: 'eeh'; readonly what: 'check' | 'break'; readonly device: string })
  /** How many errors an hour the kernel bears of a PE (eeh_max_freezes), until the program ends. Result: 0. */
  | (ByProcess & { readonly door: 'host'; readonly op: 'eeh-limit'; readonly errors: number })
  /**
   * The PE of a device as sysfs shows it. Observed as the values `present` (0: the device is gone), `firmware` and `software`
   * (eeh_pe_state). With `within`: looks again until the PE is as it should be or the device is gone, so many seconds at most.
   */
  | (ByProcess & { readonly door: 'host'; readonly op: 'eeh-state'; readonly device: string; readonly within?: number })
  /** Observed as the value `resets`: errors that the kernel has handled since the program began (/proc/powerpc/eeh, eeh_slot_resets). */
  | (ByProcess & { readonly door: 'host'; readonly op: 'eeh-resets' })
  /**
   * Errors of a PE as they are told to its devices (proposed; capability `eeh-notify`): `listen` with room for `depth` events, `hear`
   * the next one (values `event`, `serial`, `state`, `lost`), `recover` the PE from the error with that serial number, `leave`.
   */
  | (ByProcess & { readonly door: 'host'; readonly op: 'eeh-notify'; readonly what: 'listen' | 'hear' | 'recover' | 'leave'; readonly device: string; readonly depth?: number; readonly serial?: Term })
  /** Two operations at the same time, each in a thread of its own. Observed as a pair. */
  | (ByProcess & { readonly door: 'host'; readonly op: 'together'; readonly left: Operation; readonly right: Operation });

/** A program: operations in order. It holds no expectations. */
export interface Program {
  readonly operations: readonly Operation[];
}
