import type { HostOperation, IommufdOperation, KvmOperation, Operation, Program } from './operations.js';
import { isReference, type Term } from './term.js';

/** Every term of an operation, in order. */
export function termsOf(operation: Operation): readonly Term[] {
  switch (operation.door) {
    case 'papr':
      return operation.op === 'property' ? [] : operation.args;
    case 'memory':
      return operation.op === 'store' ? operation.doublewords : [];
    case 'dma':
      return operation.fd === undefined ? [operation.iova] : [operation.iova, operation.fd];
    case 'vfio':
      return operation.op === 'open' ? [] : operation.op === 'ioctl' ? [operation.fd, ...Object.values(operation.args)] : [operation.fd];
    case 'iommufd':
      return iommufdTerms(operation);
    case 'kvm':
      return kvmTerms(operation);
    case 'user':
      return operation.op === 'file' ? [] : [...(operation.address === undefined ? [] : [operation.address]), ...(operation.op === 'store' ? operation.words : [])];
    case 'host':
      return hostTerms(operation);
    case 'platform':
      return operation.op === 'rescind-table' ? [operation.liobn] : [];
  }
}

function iommufdTerms(operation: IommufdOperation): readonly Term[] {
  if (operation.op === 'open') return [];
  if (operation.op === 'read') return [operation.fd];
  return [operation.fd, ...(operation.op === 'write' ? operation.words : Object.values(operation.args))];
}

function kvmTerms(operation: KvmOperation): readonly Term[] {
  switch (operation.op) {
    case 'open':
      return [];
    case 'guest':
      return [operation.vm];
    case 'hcall':
      return [operation.processor, ...operation.args];
    case 'map':
      return [operation.fd];
    case 'ioctl':
      return [operation.fd, ...Object.values(operation.args)];
  }
}

function hostTerms(operation: HostOperation): readonly Term[] {
  if (operation.op === 'together') return [...termsOf(operation.left), ...termsOf(operation.right)];
  if (operation.op === 'eeh-notify') return operation.serial === undefined ? [] : [operation.serial];
  return operation.op === 'limit' ? [operation.bytes] : [];
}

/** The first parts of the names an operation refers to: operations (`w1`) or machine parts (`pe0`). */
export const referredNames = (operation: Operation): string[] =>
  termsOf(operation)
    .filter(isReference)
    .map(({ from }) => from.slice(0, from.indexOf('.')));

/** The first name that a program uses before anything gives it; undefined where the program is whole. */
export function danglingName(program: Program, facts: ReadonlySet<string>): string | undefined {
  const known = new Set(facts);
  for (const operation of program.operations) {
    const missing = referredNames(operation).find((name) => !known.has(name));
    if (missing !== undefined) return missing;
    for (const name of namesOf(operation)) known.add(name);
  }
  return undefined;
}

/** The names that later operations can use. */
export function namesOf(operation: Operation): string[] {
  const own = operation.as === undefined ? [] : [operation.as];
  return operation.door === 'host' && operation.op === 'together' ? [...own, ...namesOf(operation.left), ...namesOf(operation.right)] : own;
}
