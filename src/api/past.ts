// What a listener who comes late has to know of a lane: what happened last, and before that what
// still matters, because a session that was made an hour ago is explained by its login. What is
// forgotten here is in the recorded history.

import type { HistoryEvent, Operation, RunHeader } from '../core/history.ts';

const keptMax = 2_000;
const lastingMax = 2_000;

const lastingOperations: ReadonlySet<Operation> = new Set(['login', 'logout', 'logout-everywhere']);

export class Past {
  #header: RunHeader | undefined;
  #events: HistoryEvent[] = [];
  /** Operations whose two lines are kept for long. */
  #lasting = new Set<number>();

  take(event: HistoryEvent): void {
    if (event.t === 'run') {
      this.#header = event;
      return;
    }
    if (event.t === 'invoke' && lastingOperations.has(event.f)) this.#lasting.add(event.i);
    this.#events.push(event);
    if (this.#events.length > 2 * keptMax + lastingMax) this.#forget();
  }

  /** The header first. */
  events(): readonly HistoryEvent[] {
    this.#forget();
    return this.#header === undefined ? [] : [this.#header, ...this.#events];
  }

  #forget(): void {
    const cut = Math.max(0, this.#events.length - keptMax);
    const lasts = (event: HistoryEvent) =>
      event.t === 'fault' || (event.t !== 'run' && this.#lasting.has(event.i));
    const older = this.#events.slice(0, cut).filter(lasts).slice(-lastingMax);
    this.#events = [...older, ...this.#events.slice(cut)];
    const kept = this.#events.flatMap((event) => ('i' in event ? [event.i] : []));
    this.#lasting = new Set(kept.filter((i) => this.#lasting.has(i)));
  }
}
