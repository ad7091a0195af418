/** A table of Markdown. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** Text that a table cell shows as it is. */
export const escape = (text: string): string => text.replace(/[\\|`*_<>[\]]/g, '\\$&').replace(/\s*\n\s*/g, ' ');

/** The same as code. */
export const code = (text: string): string => `\`${text.replaceAll('`', "'").replaceAll('|', '\\|').replace(/\s*\n\s*/g, ' ')}\``;
