// What the page and the server say to each other: types alone, so that both sides are checked
// against one text. The page draws what the history says, live as in a replay; everything else here
// is what a history does not hold (process ids, what a server remembers now) and what a person may
// order. Orders are answered when they are done; what they caused is told by the events.

import type { HistoryEvent } from '../core/history.ts';
import type { Verdict } from '../core/verdict.ts';
import type { AnswerName } from '../scenarios/scenario.ts';
import type { StageTold } from './stage-told.ts';

/** One answer at work, in a cluster of its own: played with by hand, or an experiment under way. */
export interface LaneView {
  /** 'a' to 'd', from left to right. */
  readonly id: LaneId;
  readonly answer: AnswerName;
  /** One sentence: where the memory is. */
  readonly says: string;
  readonly policy: string;
  readonly state: 'starting' | 'ready' | 'done' | 'failed';
  /** Why it failed, and what to do. */
  readonly trouble?: string;
  /** Where curl finds it: the lane's own gateway. */
  readonly gatewayUrl: string;
  readonly servers: readonly ServerView[];
  /** Null where servers share nothing. */
  readonly store: StoreView | null;
  readonly clients: readonly ClientView[];
  /** Requests per second that are sent by themselves; 0 for none. */
  readonly perSecond: number;
  /** The experiment that is carried out here; null for one that is played with. */
  readonly experiment: ExperimentView | null;
  /** Names the run under `/lab/runs/`. */
  readonly run: string;
  /** What a person should know of it, and can do: it holds as much as it may. */
  readonly notice?: string;
}

export type LaneId = 'a' | 'b' | 'c' | 'd';

export interface ServerView {
  readonly name: string;
  /** 's2#3' is its third life. */
  readonly incarnation: number;
  readonly pid: number | null;
  readonly state: 'up' | 'paused' | 'down';
  /** The way from the gateway to it. */
  readonly link: LinkState;
  /** The way from it to the store; null where there is none. */
  readonly storeLink: LinkState | null;
  /** What is in its own memory: asked of the process, not guessed. The newest, at most 24. */
  readonly remembers: readonly Remembered[];
  readonly remembersInAll: number;
}

export type LinkState = 'whole' | 'slow' | 'cut' | 'refusing';

export interface Remembered {
  readonly handle: string;
  readonly user: string;
}

export interface StoreView {
  readonly kind: 'redis' | 'postgres';
  readonly state: LinkState;
  /** Of those who may log in. The newest, at most 24. */
  readonly remembers: readonly Remembered[];
  readonly remembersInAll: number;
}

/** One cookie jar. */
export interface ClientView {
  /** 'alice', or 'alice 2' for a second device, or 'mallory' who holds what was stolen. */
  readonly name: string;
  readonly user: string;
  /** The login it carries, as the history numbers them; null for none. */
  readonly sess: string | null;
  /** Whose credential it holds that is not its own. */
  readonly stolenFrom?: string;
}

export interface ExperimentView {
  readonly scenario: string;
  readonly title: string;
  readonly question: string;
  readonly chapter: string;
  readonly seed: string;
  /** Set when it is done. */
  readonly asExpected?: boolean;
  /** 'durability: expected VIOLATED, got HOLDS' */
  readonly surprises?: readonly string[];
}

/**
 * What a person may order, by `do`. `lane` absent: in every lane at once. `open` and `experiment`
 * are answered when the lanes begin to start; how far they are is told by events.
 */
export type Order =
  /** Replaces all lanes: one each, in the order of the answers. */
  | { readonly do: 'open'; readonly lanes: readonly LaneWish[] }
  /** Replaces all lanes by one experiment under each of these answers, started together. */
  | {
      readonly do: 'experiment';
      readonly scenario: string;
      readonly answers: readonly AnswerName[];
      readonly seed?: string;
    }
  | (InLane & { readonly do: 'log-in'; readonly client: string; readonly user: string })
  | (InLane & { readonly do: 'request'; readonly client: string; readonly server?: string })
  | (InLane & { readonly do: 'add-to-cart'; readonly client: string; readonly item: string })
  | (InLane & { readonly do: 'log-out' | 'log-out-everywhere'; readonly client: string })
  /** mallory copies what the client carries now; a request of mallory's then uses it. */
  | (InLane & { readonly do: 'steal'; readonly client: string })
  /** Clients that are logged in take turns; 0 ends it; at most 200. */
  | (InLane & { readonly do: 'stream'; readonly perSecond: number })
  | (InLane & {
      readonly do: 'kill' | 'pause' | 'resume' | 'restart' | 'start' | 'remove';
      readonly server: string;
    })
  | (InLane & { readonly do: 'add-server' })
  | (InLane & { readonly do: 'set-servers'; readonly servers: number })
  /** The way to a server, or from all servers to the store. */
  | (InLane & {
      readonly do: 'cut' | 'slow' | 'refuse' | 'heal';
      readonly link: { readonly server: string } | 'store';
    });

interface InLane {
  readonly lane?: LaneId;
}

export interface LaneWish {
  readonly answer: AnswerName;
  readonly policy: string;
  /** 1 to 100. */
  readonly servers: number;
}

export type Did =
  | {
      readonly ok: true;
      /** What happened, in a sentence: 's2 was killed (process 4711)'. */
      readonly did: string;
      /** What does the same on a command line. */
      readonly command: string;
    }
  | { readonly ok: false; readonly why: string };

/** What is told as it happens, by server-sent events; `event:` is `tell`, `data:` is JSON. */
export type Told =
  /** The first that a listener hears, and again whenever lanes are replaced. */
  | {
      readonly tell: 'all';
      readonly lanes: readonly LaneView[];
      /** Of each lane, what its whole history so far has made: what it tells next follows on it. */
      readonly stages: Readonly<Partial<Record<LaneId, StageTold>>>;
      readonly verdicts: Readonly<Partial<Record<LaneId, readonly Verdict[]>>>;
    }
  /** In the order in which they happened; gathered for at most 40 ms. */
  | { readonly tell: 'history'; readonly lane: LaneId; readonly events: readonly HistoryEvent[] }
  | { readonly tell: 'lane'; readonly lane: LaneView }
  /** As they form: at most four times a second. */
  | { readonly tell: 'verdicts'; readonly lane: LaneId; readonly verdicts: readonly Verdict[] };

/** What there is to choose from. */
export interface Choices {
  readonly answers: ReadonlyArray<{
    readonly name: AnswerName;
    readonly says: string;
    /** Why it cannot be had on this machine, and what to do. */
    readonly missing?: string;
  }>;
  readonly policies: ReadonlyArray<{ readonly name: string; readonly says: string }>;
  readonly scenarios: ReadonlyArray<{
    readonly name: string;
    readonly title: string;
    readonly question: string;
    readonly chapter: string;
    readonly servers: number;
    readonly answers: readonly AnswerName[];
  }>;
  /** Who may log in. */
  readonly people: readonly string[];
  /** What the lab begins with. */
  readonly first: readonly LaneWish[];
}

export interface RecordedRun {
  readonly id: string;
  readonly name: string;
  readonly scenario: string;
  readonly answer: string;
  readonly seed: string;
  readonly policy: string;
  /** With how many it began. */
  readonly servers: number;
  /** How many were begun, logins included. */
  readonly requests: number;
  /** When it began, in ISO 8601. */
  readonly at: string;
  readonly asExpected: boolean | null;
}

/**
 * GET  /lab/choices            Choices
 * GET  /lab/events             Told, as server-sent events
 * POST /lab/orders             Order -> Did
 * GET  /lab/runs               RecordedRun[], newest first
 * GET  /lab/runs/:id/history   NDJSON of HistoryEvent
 * GET  /lab/runs/:id/verdicts  Verdict[]
 * GET  /lab/runs/:id/report    the report, as a page
 * GET  /lab/chapters/:name     a chapter, as a page
 * GET  /lab/files/*            a file of the repository that a chapter leads to, as a page
 *
 * What is refused is a problem (RFC 9457). Where the page is open to others, orders need
 * `authorization: Bearer <token>`; the address that was printed carries it as `?token=<token>`.
 */
export const paths = {
  choices: '/lab/choices',
  events: '/lab/events',
  orders: '/lab/orders',
  runs: '/lab/runs',
  chapters: '/lab/chapters',
  files: '/lab/files',
} as const;
