// What the stage shows, as a fold over a history: live, and for a recorded run up to any moment of
// it. The same events give the same stage. Its memory is bounded, however long a run is: what is
// counted stays counted, what is listed is forgotten when it is old. No clock, no page, no process.

import type { HistoryEvent, Operation, RunHeader } from '../core/history.ts';
import { Fold } from './fold.ts';
import { type Latencies, noLatencies } from './latency.ts';

/** A request on its way. Times are milliseconds since the run began. */
export interface Journey {
  readonly i: number;
  readonly f: Operation;
  readonly client: string;
  readonly user: string;
  /** The login whose credential is presented. */
  readonly sess: string | null;
  /** When that had ended, as was known when the request was sent. */
  readonly sessEndedAt: number | null;
  /** 'gateway', or the server asked directly. */
  readonly to: string;
  readonly item?: string;
  readonly plannedAt: number;
  readonly startedAt: number;
}

/**
 * known: served as who they are. nobody: taken for nobody (401). another: taken for somebody else.
 * refused: not done, and told so (503 when the store is out). lost: no answer; nobody knows.
 */
export type Fate = 'known' | 'nobody' | 'another' | 'refused' | 'lost';

export const marks = [
  'known',
  'barred',
  'nobody',
  'intruded',
  'another',
  'refused',
  'lost',
  'login',
] as const;
/**
 * How a request counts: by its fate, but for three. login: nobody had to be remembered for it.
 * intruded: known, though what it presented had ended or was forged. barred: refused for just that.
 */
export type Mark = (typeof marks)[number];

/** A request that has its answer, or will have none. */
export interface Arrived extends Journey {
  readonly fate: Fate;
  /** 's2': who answered; null when no server did. */
  readonly server: string | null;
  readonly incarnation: number | null;
  readonly status: number | null;
  /** Problem code or network error code. */
  readonly problem: string | null;
  /** The login that it began. */
  readonly began: string | null;
  readonly endedAt: number;
  /** From the planned start on, so that waiting for a turn counts. */
  readonly tookMs: number;
  /** Whether it is as it must be: refusing an ended session is right. Null: it cannot be said. */
  readonly right: boolean | null;
  /** Why it is so, in a sentence: 's2 has no session alice.1: it was made on s1'. */
  readonly why: string;
}

export interface SessionSeen {
  /** 'alice.1', as the history numbers logins. */
  readonly name: string;
  readonly user: string;
  readonly client: string;
  /** Who made it. */
  readonly server: string | null;
  readonly incarnation: number | null;
  readonly madeAt: number;
  /** When its credential was last issued. */
  readonly issuedAt: number;
  readonly lastKnownAt: number;
  /**
   * alive: known whenever it was asked for. flapping: known by some and refused by others. lost:
   * refused, also by who made it, or that one is gone. ended: by a logout that was acknowledged.
   */
  readonly state: 'alive' | 'flapping' | 'lost' | 'ended';
  readonly knownTimes: number;
  readonly refusedTimes: number;
  readonly endedAt: number | null;
  /** For how long after its end it was still accepted: the lag of revocation; null: never. */
  readonly acceptedAfterEndMs: number | null;
}

export type Tally = Readonly<Record<Mark, number>>;

export interface ServerSeen {
  readonly name: string;
  /** The latest that answered. */
  readonly incarnation: number;
  /** As the faults of the history tell it. */
  readonly state: 'up' | 'paused' | 'down' | 'removed';
  /** When its memory was lost last, and how; null: never. */
  readonly forgotAt: number | null;
  readonly tally: Tally;
}

/** A fault: a band behind the curves. */
export interface Trouble {
  readonly kind: string;
  readonly target: string;
  readonly from: number;
  /** Null while it lasts. */
  readonly to: number | null;
}

/** What ended within one second of the run. */
export interface Second {
  /** Whole seconds since the run began. */
  readonly at: number;
  readonly tally: Tally;
  /** For `quantile` of latency.ts. */
  readonly latencies: Latencies;
  /** Sessions at the end of it. */
  readonly sessions: SessionCounts;
}

export interface SessionCounts {
  readonly alive: number;
  readonly flapping: number;
  readonly lost: number;
  readonly ended: number;
}

export interface Stage {
  readonly run: RunHeader | null;
  /** The latest moment that the history tells of. */
  readonly now: number;
  /** How many events made this stage. */
  readonly events: number;
  readonly underWay: ReadonlyMap<number, Journey>;
  /** Those that ended last, oldest first; `arrivals` is how many ended in all. */
  readonly arrived: readonly Arrived[];
  readonly arrivals: number;
  readonly sessions: ReadonlyMap<string, SessionSeen>;
  readonly sessionCounts: SessionCounts;
  readonly servers: ReadonlyMap<string, ServerSeen>;
  readonly troubles: readonly Trouble[];
  readonly tally: Tally;
  readonly latencies: Latencies;
  /** The last ten minutes, oldest first; seconds in which nothing ended are left out. */
  readonly seconds: readonly Second[];
}

export const noTally: Tally = {
  ...{ known: 0, barred: 0, nobody: 0, intruded: 0, another: 0, refused: 0, lost: 0, login: 0 },
};

export const emptyStage: Stage = {
  run: null,
  now: 0,
  events: 0,
  underWay: new Map(),
  arrived: [],
  arrivals: 0,
  sessions: new Map(),
  sessionCounts: { alive: 0, flapping: 0, lost: 0, ended: 0 },
  servers: new Map(),
  troubles: [],
  tally: noTally,
  latencies: noLatencies,
  seconds: [],
};

export function markOf({ f, fate, right }: Pick<Arrived, 'f' | 'fate' | 'right'>): Mark {
  if (fate === 'known' && f === 'login') return 'login';
  if (fate === 'known' && right === false) return 'intruded';
  return fate === 'nobody' && right === true ? 'barred' : fate;
}

/** Those who had a right to be known. */
export function entitled({ known, nobody, another, refused, lost }: Tally): number {
  return known + nobody + another + refused + lost;
}

/** The stage after more events; the one given stays as it is. A header begins a new stage. */
export function advance(stage: Stage, events: readonly HistoryEvent[]): Stage {
  const fold = new Fold(stage);
  for (const event of events) fold.take(event);
  return fold.stage();
}
