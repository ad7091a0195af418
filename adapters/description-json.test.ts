import { describe, expect, it } from '@jest/globals';
import { descriptionFromJson, descriptionToJson, NotADescription } from './description-json.js';
import { ModelTarget, type ModelKind } from './model/model-target.js';

const KINDS: readonly ModelKind[] = ['model', 'model:pseries', 'model:powernv', 'model:powernv-plain', 'model:iommufd'];
const VARIANTS = KINDS.flatMap((kind) => new ModelTarget(undefined, kind).variants);
const throughText = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

describe('a description as JSON', () => {
  it.each(VARIANTS.map((variant) => [variant.fingerprint, variant] as const))('of %s comes back as it was', (_, variant) => {
    expect(descriptionFromJson(throughText(descriptionToJson(variant)))).toEqual(variant);
  });

  it("keeps the system, by which the ledger's entries are chosen", () => {
    const system = { name: 'linux', version: '6.12.1', platform: 'pseries' };
    expect(descriptionFromJson(throughText(descriptionToJson({ ...VARIANTS[0]!, system })))).toMatchObject({ system });
  });

  it.each([
    ['nothing', {}, 'schema'],
    ['a machine without memory', { ...(descriptionToJson(VARIANTS[0]!) as object), machine: { platform: 'pseries' } }, 'machine.memoryBytes'],
  ])('is not read of %s, and says where it is wrong', (_, value, where) => {
    expect(() => descriptionFromJson(value)).toThrow(NotADescription);
    expect(() => descriptionFromJson(value)).toThrow(where);
  });
});
