// Measured lags, told to a person: a line of numbers for each answer and path, then the same as a
// picture. Pure text out of results.

import { styleText } from 'node:util';
import type { LagResult, MeasuredName, Path } from './revocation-lag.ts';

export interface LagRow {
  readonly answer: MeasuredName;
  readonly path: Path;
  /** Or why there is none. */
  readonly result: LagResult | string;
}

const marks = {
  within: ['green', '✓ within'],
  'beyond as designed': ['yellow', '✗ beyond, as designed'],
  beyond: ['red', '✗ BEYOND'],
} as const;

/** Upper ends in milliseconds; zero is for the credentials that were never accepted again. */
const spans = [0, 1, 5, 20, 50, 200, 1_000, 2_000, 5_000, Number.POSITIVE_INFINITY];
const spanWidth = 6;
const heights = '▁▂▃▄▅▆▇█';

export function lagReport(rows: readonly LagRow[]): string {
  const measured = rows.map(({ result }) => result).filter((each) => typeof each !== 'string');
  const [first] = measured;
  if (first === undefined) return rows.map(lagLine).join('\n');
  const title = 'After an acknowledged logout: how long the dead credential is accepted somewhere';
  const scale = `${first.servers} servers · ${first.lagsMs.length} logouts per line · milliseconds`;
  const drawn = rows.filter(({ result }) => typeof result !== 'string');
  return [
    styleText('bold', title),
    styleText('dim', `  ${scale}`),
    styleText('dim', numbersHead),
    ...rows.map(lagLine),
    '',
    styleText('bold', 'The same as a picture: how many logouts (logarithmic) had which lag'),
    styleText('dim', line('', '', spans.map(spanName), spanWidth)),
    ...drawn.map(picture),
    ...legend(measured),
  ].join('\n');
}

const columns = [9, 9, 8, 8, 8, 8, 8];
const numbersHead = numbersLine('answer', 'path', [
  ...['accepted', 'share', 'p50', 'p99', 'max', '503s', 'bound'],
]);

/** The numbers of one measurement. */
export function lagLine({ answer, path, result }: LagRow): string {
  if (typeof result === 'string') {
    return styleText('dim', `${line(answer, path, [], 0)}  – ${result}`);
  }
  const { lagsMs, late, unavailable, boundMs, verdict } = result;
  const [colour, word] = marks[verdict];
  const share = `${((100 * late) / lagsMs.length).toFixed(2)} %`;
  const lags = [0.5, 0.99, 1].map((part) => quantile(lagsMs, part).toFixed(1));
  const cells = [String(late), share, ...lags, String(unavailable), String(boundMs)];
  return `${numbersLine(answer, path, cells)}  ${styleText(colour, word)}`;
}

/** The least lag that so large a part of the logouts does not exceed. */
function quantile(ascending: readonly number[], part: number): number {
  return ascending[Math.max(0, Math.ceil(part * ascending.length) - 1)] ?? 0;
}

function numbersLine(answer: string, path: string, cells: readonly string[]): string {
  const padded = cells.map((cell, index) => cell.padStart(columns[index] ?? 0));
  return line(answer, path, padded, 0);
}

function line(answer: string, path: string, cells: readonly string[], width: number): string {
  const end = cells.map((cell) => cell.padStart(width)).join('');
  return `  ${answer.padEnd(28)}${path.padEnd(7)}${end}`;
}

function picture({ answer, path, result }: LagRow): string {
  if (typeof result === 'string') return '';
  const { lagsMs, late, verdict } = result;
  const lags = lagsMs.slice(lagsMs.length - late);
  const counts = spans.map((to, index) => {
    const from = spans[index - 1];
    if (from === undefined) return lagsMs.length - late;
    return lags.filter((lag) => from <= lag && lag < to).length;
  });
  const cells = counts.map((count) => bar(count, lagsMs.length).padStart(spanWidth));
  return styleText(marks[verdict][0], line(answer, path, cells, spanWidth));
}

function bar(count: number, of: number): string {
  const height = Math.ceil((heights.length * Math.log1p(count)) / Math.log1p(of));
  return count === 0 ? '·' : (heights[height - 1] ?? '').repeat(4);
}

function spanName(to: number): string {
  if (to === 0) return 'none';
  if (to === Number.POSITIVE_INFINITY) return '5 s+';
  return to < 1_000 ? `<${to}` : `<${to / 1_000} s`;
}

function legend(results: readonly LagResult[]): string[] {
  const designed = results.some(({ verdict }) => verdict === 'beyond as designed');
  const cut = results.some(({ path }) => path === 'cut');
  return [
    '',
    '  accepted: after the logout was acknowledged, by any server, at least once',
    ...(designed
      ? ['  as designed: only expiry ends it everywhere (bound: its lifetime, short for this)']
      : []),
    ...(cut ? ['  cut: the last server is cut off, in silence, from what all servers share'] : []),
    '  503s: requests that a server refused to decide',
  ];
}
