import type { Chooser } from '../chooser.js';
import type { Expected } from '../rules.js';
import { freeDescriptor, install } from '../vfio/files.js';
import type { IommufdFile, QueueFile } from '../vfio/host.js';
import type { IommufdContext } from './checks.js';

/** What a program gives for the descriptor that a call is to answer: so a refused call leaves none that could be closed. */
export const NO_DESCRIPTOR = 0xffff_ffffn;

/** The descriptor of a new queue, as the output of that position. The queue's file keeps the context alive. */
export function openQueue({ process, file }: IommufdContext, queue: Pick<QueueFile, 'kind' | 'queue'>, output: { readonly index: number; readonly name: string; readonly clause: string }, chooser: Chooser): Expected {
  const opener = file as IommufdFile;
  const value = chooser.adopt({
    ...output,
    choice: 'I20',
    canonical: BigInt(freeDescriptor(process)),
    permitted: (descriptor) => descriptor <= 0x7fff_ffffn && !process.files.has(Number(descriptor)),
    expects: 'a descriptor that is free',
  });
  opener.users += 1;
  install(process, { ...queue, opener, users: 0 } as QueueFile, Number(value));
  return { ...output, value };
}
