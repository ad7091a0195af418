import { availableParallelism } from 'node:os';
import { buildKernel } from '../../adapters/lab/index.js';

/** What a user may say about a kernel to build. */
export interface LabKernelOptions {
  readonly mock?: true;
  readonly page: '4k' | '64k';
  readonly source?: string;
  readonly config?: string;
  readonly jobs?: number;
}

/** `lab kernel`: the path of its vmlinux. All else goes to the standard error, so that a shell can take the path from it. */
export async function labKernel({ mock, page, source, config, jobs }: LabKernelOptions): Promise<string> {
  const since = performance.now();
  const { vmlinux, without, log } = await buildKernel({
    mock: mock === true,
    page,
    jobs: jobs === undefined || jobs === 0 ? availableParallelism() : jobs,
    ...(source === undefined ? {} : { source }),
    ...(config === undefined ? {} : { config }),
    progress: (line) => console.error(line),
  });
  const lacking = without.length === 0 ? '' : `; the tree does not offer ${without.join(', ')}`;
  console.error(`ready after ${Math.round((performance.now() - since) / 1000)} s${lacking}; the build's output is in ${log}`);
  return vmlinux;
}
