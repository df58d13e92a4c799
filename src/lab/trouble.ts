// Plays the faults of a scenario at their moments and records when each began and ended. Every cure
// is structural: it runs when its block is left, also because something else failed.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault, StagePort } from '../faults/fault.ts';
import * as faults from '../faults/index.ts';
import type { FaultStep } from '../scenarios/scenario.ts';
import type { Recorder } from './recorder.ts';

export interface Scene {
  readonly stage: StagePort;
  readonly recorder: Recorder;
  /** When the users started, on the recorder's clock. */
  readonly startedAt: number;
  /** Settles when the users are done: faults without a length end then. */
  readonly usersDone: Promise<unknown>;
  readonly signal: AbortSignal;
}

/** Resolves when every fault is cured; rejects when one could not be injected or cured. */
export async function makeTrouble(steps: readonly FaultStep[], scene: Scene): Promise<void> {
  const played = await Promise.allSettled(steps.map((step) => play(step, scene)));
  for (const each of played) if (each.status === 'rejected') throw each.reason;
}

async function play(step: FaultStep, scene: Scene): Promise<void> {
  const { stage, recorder, startedAt, usersDone, signal } = scene;
  const waitMs = startedAt + step.atMs - recorder.now();
  await sleep(Math.max(0, waitMs), undefined, { signal });
  const fault: Fault = faults[step.fault];
  const options = step.options ?? {};
  const event = { kind: step.fault, target: fault.target(stage, options) };
  recorder.fault({ ...event, phase: 'begin' });
  {
    await using cure = await fault.inject(stage, options);
    if (cure !== undefined && step.forMs === undefined) await usersDone;
    else if (cure !== undefined) await sleep(step.forMs, undefined, { signal });
  }
  recorder.fault({ ...event, phase: 'end' });
}
