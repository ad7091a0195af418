import { vfioScenario } from '../../harness/build/scenario-builder.js';
import { shortName } from '../../harness/build/negatives.js';
import type { Scenario } from '../../harness/scenario.js';
import { IOMMUFD_RULES_LIST } from '../../reference/iommufd/calls.js';
import type { AnyCall } from '../../reference/rules.js';
import { isIommufdCall, iommufdCall, type IommufdCallName } from '../../reference/uapi/iommufd.js';

type Sized = AnyCall & { readonly name: IommufdCallName };

/** Every call of /dev/iommu that has rules. */
const CALLS = IOMMUFD_RULES_LIST.filter((call): call is Sized => isIommufdCall(call.name));

/** From nothing in steps of four bytes to the whole structure, with the sizes beside those that count, and some beyond. */
function sizes(name: IommufdCallName): bigint[] {
  const { least, argument } = iommufdCall(name);
  const fields = Array.from({ length: Math.ceil(argument.bytes / 4) }, (_, i) => i * 4);
  const all = [...fields, least - 1, least, least + 1, argument.bytes - 1, argument.bytes, argument.bytes + 1, argument.bytes + 8, argument.bytes + 4096];
  return [...new Set(all)].sort((a, b) => a - b).map(BigInt);
}

/** Sizes that no memory of the program has. */
const ENORMOUS = [0x1_0000n, 0x7fff_ffffn, 0x8000_0000n, 0xffff_ffffn];

const every = CALLS.map((call) =>
  vfioScenario(
    { id: `iommufd/sizes/${shortName(call.name)}`, title: `${call.name} refuses every size that is too small with EINVAL, and takes every larger one whose additional bytes are zero`, clauses: [`${call.name}/size`], requires: call.sample.requires ?? [] },
    (p) => {
      const { fd, args, setup = [] } = call.sample;
      p.all(setup);
      for (const size of sizes(call.name)) p.iommufd(fd!, call.name, { ...args, size });
    },
  ),
);

const beyond = CALLS.map((call) =>
  vfioScenario(
    { id: `iommufd/sizes/beyond-${shortName(call.name)}`, title: `${call.name} looks at every byte beyond its structure, and is refused for any that is not zero`, clauses: [`${call.name}/beyond`], requires: call.sample.requires ?? [] },
    (p) => {
      const { fd, args, setup = [] } = call.sample;
      p.all(setup);
      for (const extra of [{ bytes: 1, byte: 0xff }, { bytes: 1, byte: 1 }, { bytes: 4096, byte: 0x80 }, { bytes: 8, byte: 0 }, { bytes: 4096, byte: 0 }]) p.iommufd(fd!, call.name, args, { beyond: extra });
      // What the size does not cover is not looked at.
      p.iommufd(fd!, call.name, { ...args, size: BigInt(iommufdCall(call.name).argument.bytes) }, { beyond: { bytes: 8, byte: 0xff } });
    },
  ),
);

const unreadable = CALLS.map((call) =>
  vfioScenario(
    { id: `iommufd/sizes/cut-${shortName(call.name)}`, title: `${call.name} is refused where memory ends before its size does, however large that is, and nothing is done`, clauses: [`${call.name}/cut`, `${call.name}/size`], requires: call.sample.requires ?? [] },
    (p) => {
      const { fd, args, setup = [] } = call.sample;
      p.all(setup);
      for (const size of [0n, 4n, BigInt(iommufdCall(call.name).least), 4096n, ...ENORMOUS]) if (size !== 8n) p.iommufd(fd!, call.name, { ...args, size }, { pointer: 'cut' });
      p.iommufd(fd!, call.name, args, { pointer: 'unmapped' });
      p.iommufd(fd!, call.name, args);
    },
  ),
);

export const scenarios: readonly Scenario[] = [...every, ...beyond, ...unreadable];
