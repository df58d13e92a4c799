// Is the server fair to many? As many clients begin at one moment, with a large file each, and
// meanwhile another process comes with small files, one after the other. What counts is that all
// finish, how much later than most the last one does, and how long the small ones have to wait.

import { setTimeout as delay } from 'node:timers/promises';
import { median } from './compare.ts';
import { type FileSubject, Receiver, Sender } from './file-processes.ts';

export const clients = 200;
const pauseMs = 100;
const aloneTimes = 20;

export interface Crowd {
  readonly finished: number;
  readonly firstMs: number;
  readonly medianMs: number;
  readonly lastMs: number;
  /** The small files: while nobody else is there, and beside the others. */
  readonly aloneMs: number;
  readonly besideMs: number;
  readonly besideMostMs: number;
}

export async function measureCrowd(
  { sender, ...subject }: FileSubject,
  files: { readonly large: string; readonly small: string },
): Promise<Crowd> {
  await using receiver = await Receiver.start({ sender, ...subject });
  await using crowd = new Sender(sender);
  await using latecomer = new Sender(sender);
  const alone: number[] = [];
  while (alone.length < aloneTimes) alone.push(await latecomer.send(files.small, receiver));
  const one = () => crowd.send(files.large, receiver);
  let isOver = false;
  const all = Promise.all(Array.from({ length: clients }, one)).finally(() => {
    isOver = true;
  });
  const beside: number[] = [];
  while (!isOver) {
    await delay(pauseMs);
    beside.push(await latecomer.send(files.small, receiver));
  }
  const tookMs = await all;
  return {
    finished: tookMs.length,
    firstMs: Math.min(...tookMs),
    medianMs: median(tookMs),
    lastMs: Math.max(...tookMs),
    aloneMs: median(alone),
    besideMs: median(beside),
    besideMostMs: Math.max(...beside),
  };
}
