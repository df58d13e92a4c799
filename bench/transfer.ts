// What does a transfer cost beside a bare stream of the same bytes to a file, with the same hashing
// on both sides? And is it fair to many at once? The file that is sent is sparse, so that the disk
// has the receiver's writing alone. Rounds are interleaved, and each is compared with the limit in
// the same round. Memory is what sender and receiver took on since they were ready, at most.

import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { median } from './compare.ts';
import { bare, type FileSubject, ours, Receiver, Sender, type Use } from './file-processes.ts';
import type { How } from './requests.ts';
import { type Crowd, clients, measureCrowd } from './transfer-crowd.ts';

const mebibyte = 1024 ** 2;
/** Code that is not compiled yet would be compared otherwise. */
const warmUpBytes = 64 * mebibyte;
const largeBytes = 16 * mebibyte;
const smallBytes = 64 * 1024;
const sampleMs = 200;

type Question = Omit<How, 'seconds'> & { readonly bytes: number };

type BothSides = readonly [sender: number, receiver: number];

interface Round {
  readonly ms: number;
  readonly cpuMs: BothSides;
  readonly grownBytes: BothSides;
}

interface Row {
  readonly name: string;
  readonly perSecondMiB: number;
  /** Of the limit in the same round; medians over the rounds. */
  readonly share: number;
  readonly spread: readonly [least: number, most: number];
  readonly cpuMs: BothSides;
  readonly grownMiB: BothSides;
}

/** Reads '10GiB'; without a unit, bytes. */
export function bytesIn(text: string): number {
  const [, number, unit = ''] = /^(\d+)([KMG]iB)?$/.exec(text) ?? [];
  if (number === undefined) throw new Error(`${text} is no size like 512MiB`);
  return Number(number) * 1024 ** ['', 'KiB', 'MiB', 'GiB'].indexOf(unit);
}

export async function compareTransfers(question: Question): Promise<void> {
  const { only, json, bytes, rounds } = question;
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'sessionlab-bench-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const isWanted = (name: string) => only.length === 0 || only.some((word) => name.includes(word));
  const own = await ours(folder);
  const fsynced = bare(folder, 'bare stream, fsync at the end', { FSYNC: 'true' });
  const subjects = [bare(folder, 'bare stream'), fsynced, own].filter(({ name }) => isWanted(name));
  const files = {
    measured: await sparseFile(folder, bytes),
    warmUp: await sparseFile(folder, warmUpBytes),
    large: await sparseFile(folder, largeBytes),
    small: await sparseFile(folder, smallBytes),
  };
  const rows = subjects.length === 0 ? [] : await measureAll(subjects, files, question);
  const crowd = isWanted('crowd') ? await measureCrowd(own, files) : undefined;
  if (json) console.log(JSON.stringify({ bytes, rounds, rows, crowd }, null, 2));
  else print(question, rows, crowd);
}

async function sparseFile(folder: string, bytes: number): Promise<string> {
  const path = join(folder, `${bytes}-bytes`);
  await writeFile(path, '');
  await truncate(path, bytes);
  return path;
}

async function measureAll(
  subjects: readonly FileSubject[],
  files: { readonly measured: string; readonly warmUp: string },
  { bytes, rounds }: Question,
): Promise<readonly Row[]> {
  await using stack = new AsyncDisposableStack();
  const pairs: Pair[] = [];
  for (const subject of subjects) {
    const receiver = stack.use(await Receiver.start(subject));
    const sender = stack.use(new Sender(subject.sender));
    const fresh = await usesOf(sender, receiver);
    await sender.send(files.warmUp, receiver);
    pairs.push({ sender, receiver, fresh });
  }
  const measured = subjects.map((): Round[] => []);
  for (let round = 0; round < rounds; round += 1) {
    for (const [at, pair] of pairs.entries()) {
      // What one has left to be written to the disk does not slow the next one down.
      spawnSync('sync');
      process.stderr.write(`\rround ${round + 1} of ${rounds}, ${subjects[at]?.name}\u001b[K`);
      measured[at]?.push(await measure(pair, files.measured));
    }
  }
  process.stderr.write('\r\u001b[K');
  const [limit = []] = measured;
  return subjects.map(({ name }, at) => rowOf(name, measured[at] ?? [], limit, bytes));
}

type Uses = readonly [sender: Use, receiver: Use];

interface Pair {
  readonly sender: Sender;
  readonly receiver: Receiver;
  /** What both had used before they did anything. */
  readonly fresh: Uses;
}

function usesOf(sender: Sender, receiver: Receiver): Promise<Uses> {
  return Promise.all([sender.use(), receiver.use()]);
}

async function measure({ sender, receiver, fresh }: Pair, path: string) {
  const look = () => usesOf(sender, receiver);
  const before = await look();
  const seen: Uses[] = [];
  let isOver = false;
  const sent = sender.send(path, receiver).finally(() => {
    isOver = true;
  });
  do {
    await Promise.race([sent, delay(sampleMs)]);
    seen.push(await look());
  } while (!isOver);
  const ms = await sent;
  const after = await look();
  const grown = (at: 0 | 1) =>
    Math.max(...seen.map((uses) => uses[at].rssBytes)) - fresh[at].rssBytes;
  const cpuMs = (at: 0 | 1) => (after[at].cpuMicros - before[at].cpuMicros) / 1_000;
  return { ms, cpuMs: [cpuMs(0), cpuMs(1)], grownBytes: [grown(0), grown(1)] } as const;
}

function rowOf(name: string, own: readonly Round[], limit: readonly Round[], bytes: number): Row {
  const shares = own.map(({ ms }, at) => (limit[at]?.ms ?? Number.NaN) / ms);
  const grown = (at: 0 | 1) => Math.max(...own.map((round) => round.grownBytes[at])) / mebibyte;
  const cpuMs = (at: 0 | 1) => median(own.map((round) => round.cpuMs[at]));
  return {
    name,
    perSecondMiB: bytes / mebibyte / (median(own.map(({ ms }) => ms)) / 1_000),
    share: median(shares),
    spread: [Math.min(...shares), Math.max(...shares)],
    cpuMs: [cpuMs(0), cpuMs(1)],
    grownMiB: [grown(0), grown(1)],
  };
}

function print({ bytes, rounds }: Question, rows: readonly Row[], crowd: Crowd | undefined): void {
  if (rows.length > 0) {
    const size = (bytes / mebibyte).toLocaleString('en');
    console.log(`${size} MiB over loopback, SHA-256 on both sides · ${rounds} interleaved rounds`);
    console.log('CPU time and memory: of the sender, and of the receiver');
    console.log(line('', ['MiB/s', 'share', '(least-most)', 'CPU ms', 'memory MiB']));
  }
  for (const { name, perSecondMiB, share, spread, cpuMs, grownMiB } of rows) {
    const range = spread.map((each) => each.toFixed(2)).join('-');
    const cpu = cpuMs.map((each) => each.toFixed(0)).join(' ');
    const memory = grownMiB.map((each) => `+${each.toFixed(0)}`).join(' ');
    console.log(line(name, [perSecondMiB.toFixed(0), share.toFixed(2), range, cpu, memory]));
  }
  if (crowd === undefined) return;
  const { finished, firstMs, medianMs, lastMs, aloneMs, besideMs, besideMostMs } = crowd;
  console.log(
    `${clients} clients at once, ${largeBytes / mebibyte} MiB each: ${finished} finished`,
  );
  const times = [firstMs, medianMs, lastMs].map((ms) => `${(ms / 1_000).toFixed(2)} s`).join(', ');
  const ratio = (lastMs / medianMs).toFixed(2);
  console.log(`  first, median, last after ${times}; last/median ${ratio}`);
  const small = `${smallBytes / 1024} KiB alone ${aloneMs.toFixed(0)} ms`;
  const beside = `beside them ${besideMs.toFixed(0)} ms, at most ${besideMostMs.toFixed(0)} ms`;
  console.log(`  ${small}, ${beside}`);
}

function line(name: string, cells: readonly string[]): string {
  const widths = [8, 8, 14, 12, 12];
  return name.padEnd(32) + cells.map((cell, at) => cell.padStart(widths[at] ?? 0)).join('');
}
