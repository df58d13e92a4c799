// How much does each answer cost? `npm run bench` asks the authenticated `GET /dashboard` of every
// subject in interleaved rounds and compares each with the limit, `node:http` answering a constant,
// in the same run. CPU time per request is the figure to trust on a noisy machine; requests per
// second are shown beside it. Where `taskset` exists, the server gets one core for itself.

import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { openBacking } from '../src/backing/backing.ts';
import { measure, type Round } from './load.ts';
import { type Running, start } from './running.ts';
import { type Services, subjects } from './subjects.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    seconds: { type: 'string', default: '2' },
    only: { type: 'string', multiple: true },
    json: { type: 'boolean', default: false },
  },
});
const [rounds, seconds] = [Number(values.rounds), Number(values.seconds)];
const limit = 'node:http, a constant';

const pin = availableParallelism() > 1 && spawnSync('taskset', ['--version']).status === 0;
if (pin) spawnSync('taskset', ['-a', '-p', '-c', '1', String(process.pid)]);

await using backing = await openBacking();
const services: Services = {
  databaseUrl: await backing.createDatabase('bench'),
  redisUrl: backing.redisUrl,
};
await using stack = new AsyncDisposableStack();
const running: Running[] = [];
for (const subject of subjects(services)) {
  const wanted = values.only?.some((word) => subject.name.includes(word)) ?? true;
  if (wanted || subject.name === limit) running.push(stack.use(await start(subject, pin)));
}

const measured = new Map<string, Round[]>(running.map(({ name }) => [name, []]));
for (const each of running) await measure(each, 1);
for (let round = 0; round < rounds; round += 1) {
  for (const each of running) measured.get(each.name)?.push(await measure(each, seconds));
  process.stderr.write(`\rround ${round + 1} of ${rounds}`);
}
process.stderr.write('\r\u001b[K');

interface Row {
  readonly name: string;
  readonly cpuMicros: number;
  readonly perSecond: number;
  /** Of the limit in the same round; medians over the rounds. */
  readonly shareByCpu: number;
  readonly shareByRate: number;
  readonly spread: readonly [least: number, most: number];
}

function rowOf(name: string): Row {
  const own = measured.get(name) ?? [];
  const base = measured.get(limit) ?? [];
  const byCpu = own.map((round, at) => (base[at]?.cpuMicros ?? Number.NaN) / round.cpuMicros);
  const byRate = own.map((round, at) => round.perSecond / (base[at]?.perSecond ?? Number.NaN));
  return {
    name,
    cpuMicros: median(own.map((round) => round.cpuMicros)),
    perSecond: median(own.map((round) => round.perSecond)),
    shareByCpu: median(byCpu),
    shareByRate: median(byRate),
    spread: [Math.min(...byCpu), Math.max(...byCpu)],
  };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

const rows = running.map(({ name }) => rowOf(name));
if (values.json) console.log(JSON.stringify({ rounds, seconds, pinned: pin, rows }, null, 2));
else print();

function print(): void {
  console.log(
    `GET /dashboard, authenticated · ${rounds} interleaved rounds of ${seconds} s · medians${pin ? ' · server pinned to one core' : ''}`,
  );
  console.log(
    `${''.padEnd(38)}${'CPU µs/request'.padStart(15)}${'share of limit'.padStart(16)}${'(least-most)'.padStart(15)}${'requests/s'.padStart(12)}${'share'.padStart(8)}`,
  );
  for (const row of rows) {
    const spread = row.spread.map((each) => each.toFixed(2)).join('-');
    console.log(
      `${row.name.padEnd(38)}${row.cpuMicros.toFixed(1).padStart(15)}${row.shareByCpu.toFixed(2).padStart(16)}${spread.padStart(15)}${row.perSecond.toFixed(0).padStart(12)}${row.shareByRate.toFixed(2).padStart(8)}`,
    );
  }
  const [ours, theirs] = ['sessionlab, redis', 'express-session, connect-redis'].map((name) =>
    rows.find((row) => row.name === name),
  );
  if (ours && theirs) {
    const byCpu = theirs.cpuMicros / ours.cpuMicros;
    const byRate = ours.perSecond / theirs.perSecond;
    console.log(
      `${ours.name} to ${theirs.name}: ${byCpu.toFixed(2)} by CPU, ${byRate.toFixed(2)} by requests/s`,
    );
  }
  if (services.redisUrl === undefined) console.log(`Redis: NOT TESTED. ${backing.redisHint}`);
}
