// One lane as the page knows it: what the lab tells of it, and the stage that its history makes.
// The text follows at most ten times a second, however much happens; what moves hears of every
// request.

import { type ReadonlySignal, signal } from '@preact/signals';
import type { LaneView } from '../../src/api/contract.ts';
import {
  type Arrived,
  advance,
  emptyStage,
  type Journey,
  type Stage,
} from '../../src/api/stage.ts';
import { heard, type StageTold } from '../../src/api/stage-told.ts';
import type { HistoryEvent } from '../../src/core/history.ts';
import type { Verdict } from '../../src/core/verdict.ts';

const textEveryMs = 100;

/** Who wants to see each request. */
export interface Watcher {
  begun(journey: Journey): void;
  arrived(arrived: Arrived, stage: Stage): void;
  /** The history begins anew, or jumps: nothing is on its way any more. */
  cleared(): void;
}

/** What a lane shows, live or recorded. */
export interface Shown {
  readonly view: ReadonlySignal<LaneView>;
  readonly stage: ReadonlySignal<Stage>;
  readonly verdicts: ReadonlySignal<readonly Verdict[]>;
  /** When the newest event was heard, on the page's clock. */
  readonly heardAt: number;
  watch(watcher: Watcher): () => void;
}

let made = 0;

export class LaneState implements Shown {
  /** Tells it from the lane that stood in its place before. */
  readonly number = made++;
  readonly view;
  readonly stage = signal<Stage>(emptyStage);
  readonly verdicts = signal<readonly Verdict[]>([]);
  heardAt = performance.now();
  #stage: Stage = emptyStage;
  #timer: ReturnType<typeof setTimeout> | null = null;
  readonly #watchers = new Set<Watcher>();

  constructor(view: LaneView) {
    this.view = signal(view);
  }

  /** What is known now, before the text follows. */
  get newest(): Stage {
    return this.#stage;
  }

  /** What there is already, at once: nothing moves. */
  begin(stage: StageTold | undefined): void {
    this.#stage = stage === undefined ? emptyStage : heard(stage);
    this.heardAt = performance.now();
    for (const watcher of this.#watchers) watcher.cleared();
    this.#show();
  }

  hear(events: readonly HistoryEvent[]): void {
    const before = this.#stage.arrivals;
    this.#stage = advance(this.#stage, events);
    this.heardAt = performance.now();
    tell(this.#watchers, events, this.#stage, before);
    this.#timer ??= setTimeout(() => this.#show(), textEveryMs);
  }

  watch(watcher: Watcher): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  #show(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.stage.value = this.#stage;
  }
}

/** Tells of the requests that these events began and ended; `before` had ended earlier. */
export function tell(
  watchers: Iterable<Watcher>,
  events: readonly HistoryEvent[],
  stage: Stage,
  before: number,
): void {
  const fresh = stage.arrived.slice(stage.arrived.length - (stage.arrivals - before));
  for (const watcher of watchers) {
    for (const event of events) {
      if (event.t === 'run') watcher.cleared();
      if (event.t === 'invoke') watcher.begun(journeyOf(event, stage));
    }
    for (const arrived of fresh) watcher.arrived(arrived, stage);
  }
}

function journeyOf(event: Extract<HistoryEvent, { t: 'invoke' }>, stage: Stage): Journey {
  return (
    stage.underWay.get(event.i) ?? {
      i: event.i,
      f: event.f,
      client: event.client,
      user: event.user,
      sess: event.sess,
      sessEndedAt: null,
      to: event.to,
      plannedAt: event.tPlan,
      startedAt: event.tInv,
    }
  );
}
