// Subjects beside one another: interleaved rounds, and each as a share of the first, the limit, in
// the same round, because a machine is not equally fast for a minute. CPU time per request is the
// figure to trust on a noisy machine; requests per second are shown beside it. Where `taskset`
// exists, the server gets one core for itself, and load and stores the other.

import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import type { Round } from './load.ts';
import { type Running, start } from './running.ts';
import type { Subject } from './subjects.ts';

/** Code that is not compiled yet would be compared otherwise. */
const warmUpSeconds = 3;

export interface Comparison {
  readonly title: string;
  /** The first is the limit. */
  readonly subjects: readonly Subject[];
  readonly measure: (subject: Running, seconds: number) => Promise<Round>;
  readonly rounds: number;
  readonly seconds: number;
  readonly json: boolean;
}

export interface Row {
  readonly name: string;
  readonly cpuMicros: number;
  readonly perSecond: number;
  /** Of the limit in the same round; medians over the rounds. */
  readonly shareByCpu: number;
  readonly shareByRate: number;
  readonly spread: readonly [least: number, most: number];
}

/** Whether this process, and what it starts, keeps to the second core. Call before starting any. */
export function keepToOneCore(): boolean {
  const can = availableParallelism() > 1 && spawnSync('taskset', ['--version']).status === 0;
  if (can) spawnSync('taskset', ['-a', '-p', '-c', '1', String(process.pid)]);
  return can;
}

/** Measures, prints the table, and answers its rows. */
export async function compare(comparison: Comparison, pin: boolean): Promise<readonly Row[]> {
  const { subjects, measure, rounds, seconds, json } = comparison;
  await using stack = new AsyncDisposableStack();
  const running: Running[] = [];
  for (const subject of subjects) running.push(stack.use(await start(subject, pin)));
  for (const each of running) await measure(each, warmUpSeconds);
  const measured = running.map((): Round[] => []);
  for (let round = 0; round < rounds; round += 1) {
    for (const [at, each] of running.entries()) {
      measured[at]?.push(await measure(each, seconds));
      process.stderr.write(`\rround ${round + 1} of ${rounds}, ${each.name}\u001b[K`);
    }
  }
  process.stderr.write('\r\u001b[K');
  const [limit = []] = measured;
  const rows = running.map(({ name }, at) => rowOf(name, measured[at] ?? [], limit));
  if (json) console.log(JSON.stringify({ rounds, seconds, pinned: pin, rows }, null, 2));
  else print(comparison, rows, pin);
  return rows;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function rowOf(name: string, own: readonly Round[], limit: readonly Round[]): Row {
  const byCpu = own.map((round, at) => (limit[at]?.cpuMicros ?? Number.NaN) / round.cpuMicros);
  const byRate = own.map((round, at) => round.perSecond / (limit[at]?.perSecond ?? Number.NaN));
  return {
    name,
    cpuMicros: median(own.map((round) => round.cpuMicros)),
    perSecond: median(own.map((round) => round.perSecond)),
    shareByCpu: median(byCpu),
    shareByRate: median(byRate),
    spread: [Math.min(...byCpu), Math.max(...byCpu)],
  };
}

const widths = [38, 15, 16, 15, 12, 8];

function line(cells: readonly string[]): string {
  const padded = cells.map((cell, at) => {
    const width = widths[at] ?? 0;
    return at === 0 ? cell.padEnd(width) : cell.padStart(width);
  });
  return padded.join('');
}

function print({ title, rounds, seconds }: Comparison, rows: readonly Row[], pin: boolean): void {
  const pinned = pin ? ' · server pinned to one core' : '';
  console.log(`${title} · ${rounds} interleaved rounds of ${seconds} s · medians${pinned}`);
  const head = ['CPU µs/request', 'share of limit', '(least-most)', 'requests/s', 'share'];
  console.log(line(['', ...head]));
  for (const { name, cpuMicros, shareByCpu, spread, perSecond, shareByRate } of rows) {
    const range = spread.map((each) => each.toFixed(2)).join('-');
    const shares = [cpuMicros.toFixed(1), shareByCpu.toFixed(2), range];
    console.log(line([name, ...shares, perSecond.toFixed(0), shareByRate.toFixed(2)]));
  }
}
