/** Fragments of a kernel's configuration: one option a line, as in `.config`, with comments. */

import { UsageError } from '../../target.js';

/** What a kernel is to be built with. */
export interface Option {
  /** Without `CONFIG_`. */
  readonly name: string;
  /** As in `.config`: `y`, `n`, `32`, `"text"`. */
  readonly value: string;
  /** A tree that does not offer it is as good. */
  readonly optional: boolean;
}

/** A comment of one word: the next option is one that not every tree offers. */
const OPTIONAL_MARK = '# optional';
const SET = /^CONFIG_(\w+)=(.+)$/;
const NOT_SET = /^# CONFIG_(\w+) is not set$/;

/** @param file for messages. @throws UsageError naming the line that is no option */
export function parseFragment(text: string, file: string): Option[] {
  const options: Option[] = [];
  let optional = false;
  for (const [i, line] of text.split('\n').entries()) {
    const option = parseLine(line.trim());
    if (option !== undefined) options.push({ ...option, optional });
    else if (line.trim() !== '' && !line.startsWith('#')) {
      throw new UsageError(`expected CONFIG_NAME=value, but line ${i + 1} of '${file}' is '${line}'; correct it`);
    }
    optional = line.trim() === OPTIONAL_MARK;
  }
  return options;
}

function parseLine(line: string): Pick<Option, 'name' | 'value'> | undefined {
  const [, name, value] = SET.exec(line) ?? [];
  if (name !== undefined && value !== undefined) return { name, value };
  const off = NOT_SET.exec(line)?.[1];
  return off === undefined ? undefined : { name: off, value: 'n' };
}

/** One option a name: of several the last one holds. */
export function merged(...fragments: readonly (readonly Option[])[]): Option[] {
  return [...new Map(fragments.flat().map((option) => [option.name, option])).values()];
}

/** As the kernel's build reads it, without comments. */
export const fragmentText = (options: readonly Option[]): string => options.map(({ name, value }) => `CONFIG_${name}=${value}\n`).join('');

/**
 * Options that a tree has not taken as they were asked for: it does not know them, or they depend on something it lacks.
 *
 * @param config the text of `.config`
 */
export function unmet(options: readonly Option[], config: string): Option[] {
  const taken = new Map(parseFragment(config, '.config').map(({ name, value }) => [name, value]));
  return options.filter(({ name, value }) => (taken.get(name) ?? 'n') !== value);
}
