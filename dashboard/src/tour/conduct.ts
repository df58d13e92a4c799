// Carries out a step of the tour: sets the stage, does one thing after the other at a pace at which
// people can follow, and counts how the requests of the second part ended.

import { effect } from '@preact/signals';
import type { LaneWish, Order } from '../../../src/api/contract.ts';
import { marks, noTally, type Tally } from '../../../src/api/stage.ts';
import { choices, lanes } from '../live.ts';
import { give } from '../orders.ts';
import type { Act, Measured, TourLane, TourStep } from '../tour.ts';

const startMsMax = 60_000;

/** Orders that send a request. */
const sends: ReadonlySet<Order['do']> = new Set(['log-in', 'request', 'log-out']);

/** What went wrong, in words for people. */
export class Interrupted extends Error {}

/** Resolves when all lanes of the step stand. */
export async function setStage(step: TourStep, signal: AbortSignal): Promise<void> {
  const before = newestLane();
  await until(() => choices.value !== null, signal);
  await ordered({ do: 'open', lanes: step.lanes.map(wishOf) });
  await until(() => {
    const all = lanes.value;
    if (all.length !== step.lanes.length || newestLane() <= before) return false;
    const failed = all.find(({ view }) => view.value.state === 'failed');
    if (failed) throw new Interrupted(failed.view.value.trouble ?? 'A lane failed.');
    return all.every(({ view }) => view.value.state === 'ready');
  }, signal);
}

/** @param onAct Hears what is being done. */
export async function conduct(
  step: TourStep,
  onAct: (says: string) => void,
  signal: AbortSignal,
): Promise<Measured> {
  for (const act of step.before) await perform(act, onAct, signal);
  // An order may be answered before what it caused is told.
  const sent = step.before.filter(({ order }) => sends.has(order.do)).length;
  await until(() => lanes.value.every(({ stage }) => stage.value.arrivals >= sent), signal);
  const before = lanes.value.map((lane) => lane.newest.tally);
  for (const act of step.acts) await perform(act, onAct, signal);
  const expected = step.acts.length;
  const since = () =>
    lanes.value.map((lane, n) => {
      void lane.stage.value;
      return minus(lane.newest.tally, before[n] ?? noTally);
    });
  await until(() => since().every((tally) => total(tally) >= expected), signal);
  const measured: Record<TourLane['answer'], Tally> = {
    ...{ token: noTally, memory: noTally, shared: noTally },
  };
  for (const [n, tally] of since().entries()) {
    const lane = step.lanes[n];
    if (lane !== undefined) measured[lane.answer] = tally;
  }
  return measured;
}

function wishOf({ answer, policy, servers }: TourLane): LaneWish {
  const hasRedis = choices.value?.answers.some(
    ({ name, missing }) => name === 'redis' && missing === undefined,
  );
  const shared = hasRedis ? 'redis' : 'postgres';
  return { answer: answer === 'shared' ? shared : answer, policy, servers };
}

async function perform(
  { order, says, thenMs = 0 }: Act,
  onAct: (says: string) => void,
  signal: AbortSignal,
): Promise<void> {
  onAct(says);
  await ordered(order as Order);
  await new Promise((resolve) => setTimeout(resolve, thenMs));
  signal.throwIfAborted();
}

async function ordered(order: Order): Promise<void> {
  const did = await give(order);
  if (!did.ok) throw new Interrupted(did.why);
}

function newestLane(): number {
  return Math.max(-1, ...lanes.value.map(({ number }) => number));
}

/** Resolves when the condition, which reads signals, is true. */
function until(condition: () => boolean, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const tooLate = AbortSignal.any([signal, AbortSignal.timeout(startMsMax)]);
    let stop: (() => void) | undefined;
    const end = (settle: () => void) => {
      queueMicrotask(() => stop?.());
      settle();
    };
    tooLate.addEventListener('abort', () =>
      end(() => reject(signal.aborted ? signal.reason : new Interrupted('That took too long.'))),
    );
    stop = effect(() => {
      try {
        if (condition()) end(resolve);
      } catch (error) {
        end(() => reject(error));
      }
    });
  });
}

function minus(tally: Tally, before: Tally): Tally {
  const rest = marks.map((mark) => [mark, tally[mark] - before[mark]] as const);
  return { ...noTally, ...Object.fromEntries(rest) };
}

function total(tally: Tally): number {
  return marks.reduce((sum, mark) => sum + tally[mark], 0);
}
