// What must stay true. A checker is a fold over the history: it starts from the run's header, sees
// each event with what the engine knows at that moment, and ends in a verdict. It reads no clock
// and asks nobody. The engine (engine.ts) does the must / may bookkeeping once for all of them.

import type { Completion, FaultEvent, Invocation, RunHeader } from '../core/history.ts';
import type { PropertyName, Verdict } from '../core/verdict.ts';

/**
 * What a credential may expect at an observation. LIVE: its login was acknowledged before the
 * observation began, and nothing that could have ended it was begun before it completed. DEAD: its
 * end was acknowledged before, or it must have expired, or it was never issued. AMBIGUOUS: neither;
 * counted, never judged.
 */
export type Standing = 'live' | 'dead' | 'ambiguous';

/** An operation that has completed, with what the engine knows about it. */
export interface Observation {
  readonly invocation: Invocation;
  readonly completion: Completion;
  /** Of the credential that was presented; undefined when none was. */
  readonly standing: Standing | undefined;
  /** For a dead credential: when its end was acknowledged or its expiry was certain. */
  readonly deadSince: number | undefined;
  /** Whose session it is; undefined for a credential that was never issued. */
  readonly owner: string | undefined;
}

export interface Checking {
  observe(observation: Observation): void;
  fault?(event: FaultEvent): void;
  verdict(): Verdict;
}

export interface Checker {
  readonly property: PropertyName;
  /** Where to read on, relative to the repository. */
  readonly chapter: string;
  start(run: RunHeader): Checking;
}
