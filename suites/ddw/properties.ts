import type { PropertyRead } from '../../reference/doors/operations.js';
import type { ProgramBuilder } from '../../harness/build/program-builder.js';
import { scenario } from '../../harness/build/scenario-builder.js';
import type { Scenario } from '../../harness/scenario.js';

type Property = PropertyRead['name'];

const read = (p: ProgramBuilder, pe: string, name: Property): ProgramBuilder => p.do({ door: 'papr', op: 'property', pe, name });

const PES = [
  { pe: 'pe0', text: 'an ordinary PE' },
  { pe: 'pe1', text: 'a second PE' },
  { pe: 'vf0', text: 'a PE with a single window' },
  { pe: 'old0', text: 'a PE without DDW extensions' },
  { pe: 'lim0', text: 'a PE with limited addressing' },
  { pe: 'wide0', text: 'a PE with every page size' },
  { pe: 'plain0', text: 'a PE without DDW' },
] as const;

const PROPERTIES: readonly { readonly name: Property; readonly says: string; readonly clauses: readonly string[] }[] = [
  {
    name: 'ibm,dma-window',
    says: 'describes one window below 4 GiB, large enough',
    clauses: ['ibm,dma-window/layout', 'ibm,dma-window/below-4g', 'ibm,dma-window/size'],
  },
  { name: 'ibm,ddw-applicable', says: 'names three calls, or is absent', clauses: ['ibm,ddw-applicable/layout'] },
  { name: 'ibm,ddw-extensions', says: 'lists as many extensions as it counts, or is absent', clauses: ['ibm,ddw-extensions/layout'] },
];

const each = PES.flatMap(({ pe, text }) =>
  PROPERTIES.map(({ name, says, clauses }) =>
    scenario({ id: `ddw/properties/${pe}/${name.slice(4)}`, title: `The property ${name} of ${text} ${says}`, clauses }, (p) => {
      read(p, pe, name);
    }),
  ),
);

/** The device tree's properties on windows. */
export const scenarios: readonly Scenario[] = [
  ...each,
  scenario(
    {
      id: 'ddw/properties/after-changes',
      title: 'Windows that come and go leave the properties well-formed',
      clauses: PROPERTIES.flatMap(({ clauses }) => clauses),
    },
    (p) => {
      const readAll = (): void => PROPERTIES.forEach(({ name }) => read(p, 'pe0', name));
      p.remove(p.defaultWindow());
      readAll();
      p.create(16, 28);
      readAll();
      p.reset();
      readAll();
    },
  ),
  scenario(
    {
      id: 'ddw/properties/after-reboot',
      title: 'After a reboot with the default window removed the properties describe it again',
      clauses: PROPERTIES.flatMap(({ clauses }) => clauses),
    },
    (p) => {
      p.remove(p.defaultWindow()).reboot();
      for (const { name } of PROPERTIES) read(p, 'pe0', name);
    },
  ),
];
