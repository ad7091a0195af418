import { z } from 'zod';
import { machineSchema } from '../reference/description.js';
import { toJson } from '../reference/doors/json.js';
import type { TargetDescription } from './target.js';

const SCHEMA = 'papr-conformance/machine/1';

const descriptionSchema = z.strictObject({
  schema: z.literal(SCHEMA),
  name: z.string(),
  fingerprint: z.string(),
  system: z.strictObject({ name: z.string(), version: z.string(), platform: z.string().optional() }).optional(),
  capabilities: z.array(z.string()).transform((names) => new Set(names)),
  disposable: z.boolean(),
  machine: z.preprocess(withWords, machineSchema),
});

/** What is wrong with a value that should be a target's description. */
export class NotADescription extends Error {}

/** The description of a target, as a run keeps it beside its traces: plain JSON, 64-bit values as `"0x…"`. */
export function descriptionToJson({ name, fingerprint, system, capabilities, disposable, machine }: TargetDescription): unknown {
  return toJson({ schema: SCHEMA, name, fingerprint, system, capabilities: [...capabilities].sort(), disposable, machine });
}

/** Reads it back. @throws NotADescription with the first thing that is wrong, and where. */
export function descriptionFromJson(value: unknown): TargetDescription {
  const parsed = descriptionSchema.safeParse(value);
  if (parsed.success) {
    const { schema: _schema, ...description } = parsed.data;
    return description as TargetDescription;
  }
  const [issue] = parsed.error.issues;
  throw new NotADescription(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not a description'}`);
}

/** A machine has no names that look like a 64-bit value. */
function withWords(value: unknown): unknown {
  if (typeof value === 'string' && /^0x[0-9a-f]+$/.test(value)) return BigInt(value);
  if (Array.isArray(value)) return value.map(withWords);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, withWords(field)]));
}
