// Judges a history: one pass, constant work for each event, memory bounded by sessions, their
// credentials and the operations under way. Events come in the order in which they happened. An
// operation without a completion (the lab was killed) may have happened; what cannot be read is
// skipped. The same code serves a finished file and a run that is still going on.

import type { HistoryEvent, RunHeader } from '../core/history.ts';
import { properties, type Verdict } from '../core/verdict.ts';
import { type Begun, SessionLedger } from './engine/ledger.ts';
import { headerIn, isWellFormed } from './engine/reading.ts';
import * as checkers from './index.ts';

export interface Judging {
  take(event: HistoryEvent): void;
  /** What can be said so far; one verdict for each checker, in the order of `properties`. */
  verdicts(): Verdict[];
}

const order = Object.keys(properties);

/** Judges events as they happen. The header may come from elsewhere than the history. */
export function startJudging(run: RunHeader): Judging {
  const header = headerIn(run);
  const ledger = new SessionLedger(header);
  const checkings = Object.values(checkers)
    .sort((a, b) => order.indexOf(a.property) - order.indexOf(b.property))
    .map((checker) => checker.start(header));
  const open = new Map<number, Begun>();

  return {
    take(event) {
      if (!isWellFormed(event)) return;
      if (event.t === 'invoke') {
        if (open.has(event.i)) return;
        open.set(event.i, ledger.begin(event));
        for (const checking of checkings) checking.invoke?.(event);
      } else if (event.t === 'fault') {
        if (event.target === 'nothing') return;
        for (const checking of checkings) checking.fault?.(event);
      } else if (event.t !== 'run') {
        const begun = open.get(event.i);
        if (begun === undefined) return;
        open.delete(event.i);
        const observation = ledger.complete(begun, event);
        for (const checking of checkings) checking.observe(observation);
      }
    },
    verdicts: () => checkings.map((checking) => checking.verdict()),
  };
}

/** Judges a whole history, whose first line is its header. */
export function judge(events: Iterable<HistoryEvent>): Verdict[] {
  let judging: Judging | undefined;
  for (const event of events) {
    judging ??= startJudging(headerIn(event));
    judging.take(event);
  }
  return (judging ?? startJudging(headerIn(undefined))).verdicts();
}
