import { z } from 'zod';

/** What the agent says, as it comes. The agent is this package's own, but what runs it is the system under test. */
const number = z.string().regex(/^-?\d+$/).transform((text) => BigInt(text));
const bytes = z.string().regex(/^([0-9a-f]{2})*$/).transform((text): Uint8Array => Buffer.from(text, 'hex'));

/** The agent's first line. */
export const helloSchema = z.object({
  agent: z.number(),
  python: z.string(),
  /** uname -m and -r. */
  machine: z.string(),
  release: z.string(),
  /** Byte order of the host. */
  order: z.enum(['little', 'big']),
  /** Bytes of a system page. */
  page: z.number().int(),
  /** User id. */
  uid: z.number().int(),
  pid: z.number().int(),
  /** Changes with every boot of the host. */
  boot: z.string(),
});

/** A step's position among the operation's, its number, its bytes. */
const step = z.tuple([z.number().int(), number, bytes.nullable()]);
const alone = z.union([
  z.object({ steps: z.array(step).min(1) }),
  z.object({ log: z.array(z.tuple([z.number().int(), z.string()])) }),
  /** The process was ended, as it should be. */
  z.object({ ended: z.literal(true) }),
  /** There is no such process (any more). */
  z.object({ gone: z.string() }),
  /** It refers to a result that is not there. */
  z.object({ unknown: z.string() }),
  z.strictObject({}),
]);
const pair = z.object({ pair: z.tuple([alone, alone]) });

/** Why a program could not go on. */
const brokenSchema = z.union([
  /** A process died; `status` as wait(2) gives it. */
  z.object({ died: z.string(), status: z.number().int() }),
  /** A process does not answer: its state (`D`: waits in the kernel and cannot be interrupted), and where. */
  z.object({ hung: z.string(), state: z.string(), wchan: z.string().optional(), stack: z.string().optional() }),
]);

export const runSchema = z.object({
  answers: z.array(z.union([pair, alone])),
  /** There is more to come. */
  paused: z.literal(true).optional(),
  /** The operation after these answers is under way. */
  beside: z.boolean().optional(),
  broken: brokenSchema.nullish(),
  /** Kernel log of a program that was broken off. */
  log: z.array(z.tuple([z.number().int(), z.string()])).optional(),
  /** What is not as before the program. */
  after: z.string().nullish(),
  /** Devices that are not there any more. */
  gone: z.array(z.string()).optional(),
});

export const sessionSchema = z.object({
  busy: z.object({ device: z.string(), pid: z.number().int() }).optional(),
  /** Driver and driver_override of each device. */
  found: z.record(z.string(), z.tuple([z.string(), z.string()])).optional(),
  /** The kernel log can be read. */
  log: z.boolean().optional(),
});

export const forgetSchema = z.object({});

export const lookSchema = z.object({ seen: z.array(z.union([z.string(), z.boolean(), z.array(z.string()), z.null()])) });

export type Hello = z.infer<typeof helloSchema>;
export type StepAnswer = z.infer<typeof step>;
export type AloneAnswer = z.infer<typeof alone>;
export type Answer = z.infer<typeof pair> | AloneAnswer;
export type Broken = z.infer<typeof brokenSchema>;
export type RunAnswer = z.infer<typeof runSchema>;
