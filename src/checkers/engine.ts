// Judges a history: one pass, constant work for each event, memory bounded by sessions, their
// credentials and the operations under way. Events come in the order in which they happened. An
// operation without a completion (the lab was killed) may have happened; what cannot be read is
// skipped. The same code serves a finished file and a run that is still going on.

import type { Completion, HistoryEvent, Invocation, RunHeader } from '../core/history.ts';
import { operations } from '../core/history.ts';
import { lifetimes } from '../core/limits.ts';
import { properties, type Verdict } from '../core/verdict.ts';
import { type Begun, SessionLedger } from './engine/ledger.ts';
import * as checkers from './index.ts';

export interface Judging {
  take(event: HistoryEvent): void;
  /** What can be said so far; one verdict for each checker, in the order of `properties`. */
  verdicts(): Verdict[];
}

const order = Object.keys(properties);

const nameless: RunHeader = {
  t: 'run',
  id: '',
  scenario: '',
  answer: '',
  seed: '',
  servers: [],
  policy: '',
  lifetimes,
  selfContained: false,
};

/** Judges events as they happen. The header may come from elsewhere than the history. */
export function startJudging(run: RunHeader): Judging {
  const header = { ...nameless, ...run, lifetimes: { ...lifetimes, ...run.lifetimes } };
  const ledger = new SessionLedger(header);
  const checkings = Object.values(checkers)
    .sort((a, b) => order.indexOf(a.property) - order.indexOf(b.property))
    .map((checker) => checker.start(header));
  const open = new Map<number, Begun>();

  return {
    take(event) {
      if (isInvocation(event)) {
        if (open.has(event.i)) return;
        open.set(event.i, ledger.begin(event));
        for (const checking of checkings) checking.invoke?.(event);
      } else if (isCompletion(event)) {
        const begun = open.get(event.i);
        if (begun === undefined) return;
        open.delete(event.i);
        const observation = ledger.complete(begun, event);
        for (const checking of checkings) checking.observe(observation);
      } else if (event?.t === 'fault' && event.target !== 'nothing') {
        for (const checking of checkings) checking.fault?.(event);
      }
    },
    verdicts: () => checkings.map((checking) => checking.verdict()),
  };
}

/** Judges a whole history, whose first line is its header. */
export function judge(events: Iterable<HistoryEvent>): Verdict[] {
  let judging: Judging | undefined;
  for (const event of events) {
    judging ??= startJudging(event?.t === 'run' ? event : nameless);
    judging.take(event);
  }
  return (judging ?? startJudging(nameless)).verdicts();
}

function isInvocation(event: HistoryEvent): event is Invocation {
  return event?.t === 'invoke' && operations.includes(event.f) && Number.isFinite(event.tInv);
}

function isCompletion(event: HistoryEvent): event is Completion {
  return /^(ok|fail|info)$/.test(event?.t) && Number.isFinite((event as Completion).tEnd);
}
