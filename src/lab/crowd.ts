// All virtual users of a run, carrying out their plans. The model is open: each operation starts at
// its planned moment, whoever else is waiting for an answer; only within a lane one operation waits
// for the one before, and the history tells how late it was.

import { setTimeout as sleep } from 'node:timers/promises';
import type { ClientPlan, Step } from '../workloads/workload.ts';
import { Client } from './client.ts';
import type { Doors } from './cluster.ts';
import type { Recorder } from './recorder.ts';

export interface CrowdOptions {
  readonly doors: Doors;
  readonly recorder: Recorder;
  readonly password: string;
}

export class Crowd implements AsyncDisposable {
  readonly clients: readonly Client[];
  readonly #plans: readonly ClientPlan[];
  readonly #recorder: Recorder;

  constructor(plans: readonly ClientPlan[], options: CrowdOptions) {
    this.#plans = plans;
    this.#recorder = options.recorder;
    const files = new Map<string, string>();
    this.clients = plans.map(
      ({ client: name, user }, number) => new Client({ ...options, name, user, number, files }),
    );
  }

  /** Resolves when everybody is done. `startedAt` is a moment on the recorder's clock. */
  async work(startedAt: number, signal: AbortSignal): Promise<void> {
    const visits = this.clients.map(async (client, index) => {
      const follow = (steps: readonly Step[], lane: number) =>
        this.#follow(client, steps, lane, startedAt, signal);
      const [first = [], ...others] = this.#plans[index]?.lanes ?? [];
      await follow(first.slice(0, 1), 0);
      await Promise.all([first.slice(1), ...others].map(follow));
    });
    await Promise.all(visits);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.clients.map((client) => client[Symbol.asyncDispose]()));
  }

  async #follow(
    client: Client,
    steps: readonly Step[],
    lane: number,
    startedAt: number,
    signal: AbortSignal,
  ): Promise<void> {
    for (const step of steps) {
      const tPlan = Math.round((startedAt + step.atMs) * 1_000) / 1_000;
      const waitMs = tPlan - this.#recorder.now();
      if (waitMs > 0) await sleep(waitMs, undefined, { signal });
      signal.throwIfAborted();
      await client.perform(step, lane, tPlan);
    }
  }
}
