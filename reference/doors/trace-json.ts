import { z } from 'zod';
import { NotAProgram, programFromJson, signed, word } from './json.js';
import type { Observation, Trace } from './observation.js';

/* Traces as a run keeps them, read back: what `toJson` writes of observations. */

const bytes = z
  .string()
  .regex(/^([0-9a-f]{2})*$/, 'bytes in hexadecimal')
  .transform((text) => new Uint8Array(Buffer.from(text, 'hex')));
const ticks = { ticks: word.optional() };

const observation: z.ZodType = z.lazy(() =>
  z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('hcall'), status: signed, registers: z.array(word), ...ticks }),
    z.strictObject({ kind: z.literal('rtas'), hcall: signed, rets: z.array(z.number().int()) }),
    z.strictObject({ kind: z.literal('syscall'), result: signed, fields: z.record(z.string(), word).optional() }),
    z.strictObject({ kind: z.literal('handed'), registers: z.array(word), ...ticks }),
    z.strictObject({ kind: z.literal('bytes'), bytes }),
    z.strictObject({ kind: z.literal('values'), values: z.record(z.string(), signed) }),
    z.strictObject({ kind: z.literal('lines'), lines: z.array(z.string()) }),
    z.strictObject({ kind: z.literal('pair'), left: observation, right: observation }),
    z.strictObject({ kind: z.literal('done') }),
    z.strictObject({ kind: z.literal('crashed'), message: z.string() }),
    z.strictObject({ kind: z.literal('not-run') }),
  ]),
);

/** What is wrong with a value that should be a trace. */
export class NotATrace extends Error {}

/** Reads the program and the observations of a trace. @throws NotATrace with the first thing that is wrong, and where. */
export const traceFromJson = (value: { readonly program?: unknown; readonly observations?: unknown }): Trace => ({
  program: programOf(value.program),
  observations: observationsFromJson(value.observations),
});

/** Reads what was observed. @throws NotATrace */
export function observationsFromJson(value: unknown): readonly Observation[] {
  const observations = z.array(observation).safeParse(value);
  if (observations.success) return observations.data as Observation[];
  const [issue] = observations.error.issues;
  throw new NotATrace(`${['observations', ...(issue?.path ?? [])].join('.')}: ${issue?.message ?? 'not observations'}`);
}

function programOf(value: unknown): Trace['program'] {
  try {
    return programFromJson(value);
  } catch (error) {
    if (error instanceof NotAProgram) throw new NotATrace(`program: ${error.message}`);
    throw error;
  }
}
