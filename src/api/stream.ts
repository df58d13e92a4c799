// Requests that are sent by themselves, so many a second. The model is open: each has its planned
// moment, whoever waits for an answer, so that a slow server cannot slow down who measures it. When
// too many wait, turns are let go: nobody is helped by a heap of them.

import type { Recorder } from '../lab/recorder.ts';

const underWayMax = 500;
const wakeEveryMs = 5;
/** A machine that was asleep does not catch up. */
const lateMsMax = 1_000;

export class Stream {
  readonly #recorder: Pick<Recorder, 'now'>;
  readonly #send: (tPlan: number) => Promise<unknown> | undefined;
  #perSecond = 0;
  #next = 0;
  #underWay = 0;
  #timer: NodeJS.Timeout | undefined;
  /** How many turns there have been. */
  turns = 0;

  constructor(
    recorder: Pick<Recorder, 'now'>,
    send: (tPlan: number) => Promise<unknown> | undefined,
  ) {
    this.#recorder = recorder;
    this.#send = send;
  }

  set(perSecond: number): void {
    this.#perSecond = perSecond;
    clearInterval(this.#timer);
    this.#timer = undefined;
    if (perSecond === 0) return;
    this.#next = this.#recorder.now();
    this.#timer = setInterval(() => this.#sendDue(), Math.max(wakeEveryMs, 500 / perSecond));
  }

  #sendDue(): void {
    const now = this.#recorder.now();
    this.#next = Math.max(this.#next, now - lateMsMax);
    for (; this.#next <= now; this.#next += 1_000 / this.#perSecond) {
      this.turns += 1;
      if (this.#underWay >= underWayMax) continue;
      this.#underWay += 1;
      const sent = this.#send(Math.round(this.#next * 1_000) / 1_000);
      void Promise.resolve(sent).finally(() => {
        this.#underWay -= 1;
      });
    }
  }
}
