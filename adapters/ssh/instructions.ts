/*
 * What the agent understands: `agent/agent.py` is the other side. Numbers of 64 bits are bigints here and `"0x…"` in the
 * message; bytes are hexadecimal.
 */

/** A number, or a place in what an earlier operation or step (`#0`: the first of the same operation) came to. */
export type Value =
  | bigint
  | {
      /** The operation's name: its result, or with `at` and `size` a field of its bytes. */
      readonly ref: string;
      readonly at?: number;
      readonly size?: 1 | 2 | 4 | 8;
      readonly plus?: bigint;
    };

/** A value to be put into bytes: offset, size in bytes, value. */
export type Patch = readonly [offset: number, size: 1 | 2 | 4 | 8, value: Value];

export type ByteOrder = 'little' | 'big';

/** Bytes with values in them that are not known yet. `order`: of the patches; the host's own unless told. */
interface Bytes {
  readonly bytes: string;
  readonly patch?: readonly Patch[];
  readonly order?: ByteOrder;
}

/** One system call or little more. Its answer is a number, negative for an error, and for some bytes. */
export type Step = (
  | { readonly do: 'open'; readonly path: string; readonly flags: readonly string[] }
  | { readonly do: 'close'; readonly fd: Value }
  /** `until`: again and again, until 8 bytes of memory have the value, `most` times at most (then ETIMEDOUT). */
  | {
      readonly do: 'ioctl';
      readonly fd: Value;
      readonly request: number;
      readonly value: Value;
      readonly until?: { readonly address: Value; readonly value: Value; readonly most: number };
    }
  | ({ readonly do: 'ioctl'; readonly fd: Value; readonly request: number; readonly place?: 'unmapped' | 'read-only' | 'cut' } & Bytes)
  | {
      readonly do: 'mmap';
      readonly length: Value;
      readonly protection: number;
      readonly flags: number;
      readonly address?: Value;
      readonly fd?: Value;
      readonly offset?: Value;
    }
  /** A file in memory of so many bytes (memfd_create). */
  | { readonly do: 'memfd'; readonly length: Value; readonly flags: number }
  | { readonly do: 'munmap'; readonly address: Value; readonly length: Value }
  | { readonly do: 'fill'; readonly address: Value; readonly length: number; readonly byte: number }
  | { readonly do: 'load'; readonly address: Value; readonly length: number }
  /** Writes bytes to memory as a copy does: a bad address is an error. */
  | ({ readonly do: 'copy'; readonly address: Value } & Bytes)
  | ({ readonly do: 'store'; readonly address: Value } & Bytes)
  /** `room`: bytes of memory that are there for it. */
  | { readonly do: 'read'; readonly fd: Value; readonly length: number; readonly room?: number }
  | ({ readonly do: 'write'; readonly fd: Value; readonly room?: number } & Bytes)
  | { readonly do: 'pread'; readonly fd: Value; readonly offset: Value; readonly length: number }
  | ({ readonly do: 'pwrite'; readonly fd: Value; readonly offset: Value } & Bytes)
  /** Reads until no bit of `mask` is set: 0. All ones: 1. */
  | {
      readonly do: 'poll';
      readonly fd: Value;
      readonly offset: Value;
      readonly length: number;
      readonly order: ByteOrder;
      readonly mask: Value;
      /** Seconds between two looks, and at most in all. */
      readonly every: number;
      readonly seconds: number;
    }
  | { readonly do: 'limit'; readonly bytes: Value }
  /** The process's locked memory, system pages. */
  | { readonly do: 'locked' }
  /** `host`: the host's own driver; empty: none. */
  | { readonly do: 'bind'; readonly device: string; readonly driver: string }
  /** Writes a line to a file of the kernel's; as a setting it is put back when the program ends. */
  | { readonly do: 'attribute' | 'setting'; readonly path: string; readonly text: string }
  /** 1 where the device is there; bytes: its PE's two words of 8 bytes. `within`: seconds to wait for the PE to be as it should. */
  | { readonly do: 'pe_state'; readonly device: string; readonly within?: number }
  /** Takes the devices of a bus out of the system and finds them again; ENODEV where they are others then, or in other groups or PEs. */
  | { readonly do: 'replug'; readonly devices: readonly string[] }
  /** Errors that the kernel has handled since the program began. */
  | { readonly do: 'resets' }
  | { readonly do: 'sector'; readonly device: string; readonly length: number; readonly seconds: number }
) & {
  /** Also when an earlier step of the operation has failed. */
  readonly always?: true;
  /** The name under which later operations refer to this step; `Steps.name` is that of the operation. */
  readonly as?: string;
};

/** Steps of one process, one after another, to the first that fails. */
export interface Steps {
  /** `main`, one that was forked, or `#host`: one beside them, which holds nothing of theirs. */
  readonly by: string;
  readonly name?: string;
  /** Index of the step whose answer is the operation's; the last one unless told. */
  readonly value?: number;
  readonly steps: readonly Step[];
  /** Seconds after which it counts as hung. */
  readonly limit: number;
}

/** What the agent does as one operation. */
export type Instruction =
  | Steps
  | { readonly by: string; readonly fork: string; readonly name?: string; readonly limit: number }
  | { readonly by: string; readonly end: 'exit' | 'kill'; readonly limit: number }
  | { readonly log: true }
  /** Tells what it has so far, and waits. */
  | { readonly pause: true }
  /** One may be a pause: the other is under way in it. */
  | { readonly together: readonly [Instruction, Instruction]; readonly limit: number };
