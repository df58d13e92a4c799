// A recorded run at one moment of it: the same fold as of a live lane, over as many events as the
// slider says. Going forward in small steps moves what moved; going back, or far, only shows it.

import { computed, type ReadonlySignal, signal } from '@preact/signals';
import { advance, emptyStage, type Stage } from '../../../src/api/stage.ts';
import type { HistoryEvent } from '../../../src/core/history.ts';
import type { Verdict } from '../../../src/core/verdict.ts';
import { type Shown, tell, type Watcher } from '../lane-state.ts';
import { castOf, recordedView } from './recorded-view.ts';

/** More events than this at once are a jump. */
const smallStep = 40;
const milestoneEvery = 5_000;

export class ReplayState implements Shown {
  readonly view;
  readonly stage = signal<Stage>(emptyStage);
  readonly verdicts: ReadonlySignal<readonly Verdict[]>;
  readonly heardAt = 0;
  /** How many events have happened. */
  readonly position = signal(0);
  readonly #events: readonly HistoryEvent[];
  /** The positions after which something is different to see: a request ended, or a fault. */
  readonly #stops: readonly number[];
  /** The stages after so many events each: no way back is long, wherever one goes. */
  readonly #milestones: Stage[] = [emptyStage];
  readonly #watchers = new Set<Watcher>();

  constructor(id: string, events: readonly HistoryEvent[], verdicts: readonly Verdict[]) {
    this.#events = events;
    this.#stops = events.flatMap((event, n) =>
      event.t === 'invoke' || event.t === 'run' ? [] : [n + 1],
    );
    this.verdicts = signal(verdicts);
    const cast = castOf(events);
    this.view = computed(() => recordedView(id, this.stage.value, cast));
    this.seek(1);
  }

  get length(): number {
    return this.#events.length;
  }

  /** How many stops there are, and how many were passed. */
  get stops(): number {
    return this.#stops.length;
  }

  readonly passed = computed(() => {
    const after = this.#stops.findIndex((stop) => stop > this.position.value);
    return after < 0 ? this.#stops.length : after;
  });

  seek(position: number): void {
    const to = Math.max(1, Math.min(this.#events.length, position));
    const from = this.position.peek();
    if (to === from) return;
    this.position.value = to;
    if (to < from || to - from > smallStep) {
      this.stage.value = this.#stageAt(to);
      for (const watcher of this.#watchers) watcher.cleared();
      return;
    }
    const before = this.stage.peek();
    const news = this.#events.slice(from, to);
    this.stage.value = advance(before, news);
    tell(this.#watchers, news, this.stage.peek(), before.arrivals);
  }

  #stageAt(position: number): Stage {
    const passed = Math.floor(position / milestoneEvery);
    for (let n = this.#milestones.length; n <= passed; n += 1) {
      const way = this.#events.slice((n - 1) * milestoneEvery, n * milestoneEvery);
      this.#milestones.push(advance(this.#milestones[n - 1] ?? emptyStage, way));
    }
    const rest = this.#events.slice(passed * milestoneEvery, position);
    return advance(this.#milestones[passed] ?? emptyStage, rest);
  }

  /** To the n-th stop; 0 is the beginning. */
  goTo(stop: number): void {
    this.seek(stop <= 0 ? 1 : (this.#stops[stop - 1] ?? this.#events.length));
  }

  /** When the event at a position happened, in milliseconds since the run began. */
  timeAt(position: number): number {
    const event = this.#events[Math.min(position, this.#events.length - 1)];
    if (event === undefined || event.t === 'run') return 0;
    if (event.t === 'fault') return event.at;
    return event.t === 'invoke' ? event.tInv : event.tEnd;
  }

  watch(watcher: Watcher): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }
}
