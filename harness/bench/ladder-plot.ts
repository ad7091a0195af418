import type { Rung } from '../../adapters/kvm-papr/ladder.js';
import { rungName, tcesPerSecond } from './kvm-bench.js';

const ROW = 22;
const LEFT = 330;
const DECADE = 90;
const TOP = 48;
/** The smallest power of ten that is drawn: TCEs per second. */
const LEAST = 3;
const COLOURS: Readonly<Record<Rung['table'], string>> = { 'without hardware': '#4477aa', 'of a VFIO window': '#228833', 'left to the monitor': '#cc6677' };

/** The ladder as a picture (SVG): a bar for each path and table, TCEs per second on a logarithmic scale, so that hosts can be compared. */
export function ladderPlot(system: string, rungs: readonly Rung[]): string {
  const decades = Math.max(...rungs.map((rung) => Math.ceil(Math.log10(tcesPerSecond(rung))))) - LEAST;
  const [width, height] = [LEFT + decades * DECADE + 120, TOP + rungs.length * ROW + 30];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="sans-serif" font-size="12">`,
    `<text x="10" y="20" font-size="14">TCEs per second: ${escape(system)}</text>`,
    ...Array.from({ length: decades + 1 }, (_, i) => gridLine(i, height)),
    ...rungs.map(bar),
    '</svg>',
    '',
  ].join('\n');
}

function gridLine(decade: number, height: number): string {
  const x = LEFT + decade * DECADE;
  return `<line x1="${x}" y1="${TOP - 6}" x2="${x}" y2="${height - 24}" stroke="#ccc"/><text x="${x}" y="${height - 8}" text-anchor="middle">10^${decade + LEAST}</text>`;
}

function bar(rung: Rung, row: number): string {
  const y = TOP + row * ROW;
  const length = Math.max(1, Math.round((Math.log10(tcesPerSecond(rung)) - LEAST) * DECADE));
  const label = `${rungName(rung)}, ${rung.table}`;
  return [
    `<text x="${LEFT - 8}" y="${y + 13}" text-anchor="end">${escape(label)}</text>`,
    `<rect x="${LEFT}" y="${y + 2}" width="${length}" height="${ROW - 6}" fill="${COLOURS[rung.table]}"/>`,
    `<text x="${LEFT + length + 6}" y="${y + 13}">${Math.round(tcesPerSecond(rung)).toLocaleString('en')}</text>`,
  ].join('');
}

const escape = (text: string): string => text.replace(/[<>&"]/g, (character) => `&#${character.charCodeAt(0)};`);
