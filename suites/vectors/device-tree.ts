import { scenario } from '../../harness/build/scenario-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import type { PropertyRead } from '../../reference/doors/operations.js';

const read = (pe: string, name: PropertyRead['name']): PropertyRead => ({ door: 'papr', op: 'property', pe, name });

const WINDOW = ['ibm,dma-window/layout', 'ibm,dma-window/below-4g', 'ibm,dma-window/size'];

/** Vectors 41, 42, 46–48. */
export const deviceTreeVectors: readonly Scenario[] = [
  scenario(
    { id: 'vectors/device-tree/dma-window', title: 'Vector 41: ibm,dma-window of the first host bridge', clauses: WINDOW },
    (p) => p.do(read('pe0', 'ibm,dma-window')),
  ),
  scenario(
    { id: 'vectors/device-tree/dma-window-of-second', title: 'Vector 42: ibm,dma-window of the second host bridge', clauses: WINDOW },
    (p) => p.do(read('pe1', 'ibm,dma-window')),
  ),
  scenario(
    {
      id: 'vectors/device-tree/ddw-applicable',
      title: 'Vector 46: ibm,ddw-applicable has three tokens',
      clauses: ['ibm,ddw-applicable/layout'],
      requires: ['ddw'],
    },
    (p) => p.do(read('pe0', 'ibm,ddw-applicable')),
  ),
  scenario(
    {
      id: 'vectors/device-tree/ddw-extensions',
      title: 'Vector 47: ibm,ddw-extensions has as many cells as it says',
      clauses: ['ibm,ddw-extensions/layout'],
      requires: ['ddw'],
    },
    (p) => p.do(read('pe0', 'ibm,ddw-extensions')),
  ),
  scenario(
    {
      id: 'vectors/device-tree/short-extensions',
      title: 'Vector 48: where extension 3 is absent the query has 5 outputs, and one with 6 is refused',
      clauses: ['ibm,query-pe-dma-window/six-outputs', 'ibm,query-pe-dma-window/windows', 'ibm,ddw-extensions/layout'],
    },
    (p) => p.do(read('old0', 'ibm,ddw-extensions')).query('old0', 6).query('old0', 5),
  ),
];
