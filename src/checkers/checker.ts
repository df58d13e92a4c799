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

/** An operation and its answer. */
export interface Exchange {
  readonly invocation: Invocation;
  readonly completion: Completion;
}

/** A login that was acknowledged, and what ended it. */
export interface KnownSession {
  /** As the lab names logins, e.g. 'c3.1'. */
  readonly name: string;
  readonly user: string;
  readonly login: Exchange;
  /** The first acknowledged operation that ended it. */
  readonly end: Exchange | undefined;
}

/** An operation that has completed, with what the engine knows about it. */
export interface Observation extends Exchange {
  /**
   * Whom the server took the bearer for. Undefined when the answer does not show it: no answer, an
   * outage, a login (which recognises nobody), a logout (which answers 204 to everybody).
   */
  readonly tookFor: 'somebody' | 'nobody' | undefined;
  /** Of the credential that was presented; undefined when none was. */
  readonly standing: Standing | undefined;
  /** For a dead credential: when its end was acknowledged or its expiry was certain. */
  readonly deadSince: number | undefined;
  /** For a dead credential: which of the three ways. */
  readonly deadBy: 'end' | 'expiry' | 'forgery' | undefined;
  /** True when policy may have expired the credential by the time of the answer, or has. */
  readonly mayHaveExpired: boolean;
  /** Whose session it is; undefined for a credential that was never issued. */
  readonly owner: string | undefined;
  /** The session of the credential; undefined when it is not known. */
  readonly session: KnownSession | undefined;
  /** The earlier login that was given the very credential that this answer issued. */
  readonly issuedBefore: KnownSession | undefined;
}

export interface Checking {
  /** An operation begins; its observation follows, unless the history ends before. */
  invoke?(invocation: Invocation): void;
  observe(observation: Observation): void;
  fault?(event: FaultEvent): void;
  /** May be asked for at any time, and again later. */
  verdict(): Verdict;
}

export interface Checker {
  readonly property: PropertyName;
  /** Where to read on, relative to the repository. */
  readonly chapter: string;
  start(run: RunHeader): Checking;
}
