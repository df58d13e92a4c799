// Where a session lives between two requests. Four verbs change it, and none of them is an upsert:
// what was revoked or never created cannot come back by writing to it. A fifth, rotate, replaces
// the secret under the same lock. Outcomes that a caller must expect are values; when a store does
// not answer it throws OperatingError `store-unavailable` (surely not done) or
// `store-outcome-unknown` (perhaps done), within its time limit.

import type { MaybePromise } from '../core/maybe-promise.ts';
import type { EndReason, FieldChange, Fields, Session, StoredSession } from '../core/session.ts';
import type { Claims } from '../core/verdict.ts';
import type { BreakerState } from './breaker.ts';

/** How many sessions one user may have at once, and what happens to one more (ASVS 5.0 7.1.2). */
export interface SessionLimit {
  readonly sessionsMax: number;
  readonly atLimit: 'end-oldest' | 'refuse';
}

export type Created =
  /** Written. `ended` are the ids of the sessions that had to end to make room. */
  | { readonly outcome: 'ok'; readonly ended: readonly string[] }
  /** The id was used before. Nothing was written. */
  | { readonly outcome: 'taken' }
  /** The user has as many sessions as the limit allows. Nothing was written. */
  | { readonly outcome: 'full' };

export interface UpdateOptions {
  /** Only at this revision. */
  readonly expected?: number;
  /** Only on data in this version of the schema, whose names of fields the changes use. */
  readonly madeFor?: number;
  /** The changes bring the fields to this version of the schema. */
  readonly dataVersion?: number;
}

export type Updated =
  | { readonly outcome: 'ok'; readonly revision: number; readonly fields: Fields }
  /** The session is at another revision than was expected, or its data in another version. */
  | { readonly outcome: 'conflict'; readonly revision: number }
  /** Revoked, expired or never created. Nothing was written. */
  | { readonly outcome: 'gone' };

export interface Rotation {
  /** The hash of the secret that the client presented. */
  readonly presentedHash: string;
  readonly nextHash: string;
  /** The next secret, sealed with the presented one: see StoredSession. */
  readonly sealedNext: string;
  readonly now: number;
  readonly graceMs: number;
}

export type Rotated =
  /** The presented secret was the current one; it is now the previous one. */
  | { readonly outcome: 'rotated'; readonly session: Session }
  /**
   * The presented secret was the previous one, within the grace (a reply was lost, or two tabs
   * were at it): nothing was written, and `sealedSecret` holds the current secret for its owner.
   */
  | { readonly outcome: 'absorbed'; readonly session: Session; readonly sealedSecret: string }
  /** Any other secret: somebody used an old credential. The session was revoked. */
  | { readonly outcome: 'reuse'; readonly handle: string }
  | { readonly outcome: 'gone' };

export interface SessionStore extends AsyncDisposable {
  /**
   * Writes a new session, unless the id was ever used. With a limit, the user's living sessions at
   * `createdAt` are counted in the same step, so that logins at once cannot exceed it.
   */
  create(session: StoredSession, limit?: SessionLimit): Promise<Created>;

  /**
   * The session, or undefined when it was revoked, has expired at `now`, or never was. At once, if
   * it is in this process.
   */
  read(id: string, now: number): MaybePromise<StoredSession | undefined>;

  /**
   * As `read`, but it knows all that was acknowledged before, wherever. For whoever would refuse
   * somebody because of what was read. Absent where `read` itself does.
   */
  readPastCache?(id: string, now: number): Promise<StoredSession | undefined>;

  /**
   * Applies the changes as one step, to exactly the named fields. Every acknowledged increment
   * counts, however many run at once.
   */
  update(
    id: string,
    changes: readonly FieldChange[],
    now: number,
    options?: UpdateOptions,
  ): Promise<Updated>;

  /**
   * Notes a use: sets `lastSeenAt` and `idleExpiresAt`, unless they are later already, and when the
   * user has just proven again who they are, `authenticatedAt` likewise. Carries no data and leaves
   * the revision alone. False when the session is gone.
   */
  touch(
    id: string,
    lastSeenAt: number,
    idleExpiresAt: number,
    authenticatedAt?: number,
  ): Promise<boolean>;

  /** Replaces the secret, in one step, under the lock that revoke takes. 'gone' is as durable. */
  rotate(id: string, rotation: Rotation): Promise<Rotated>;

  /**
   * Ends the session and leaves a tombstone until its absolute limit, so that nothing in flight
   * revives it; also one that has expired at `now`, as what is in flight may be judged by an
   * earlier time. Idempotent: true when it was living, false when it was gone already, which is
   * answered only when that is as durable as an ending must be.
   */
  revoke(id: string, reason: EndReason, now: number): Promise<boolean>;

  /** Ends every session of the user that exists when this runs. Returns how many were living. */
  revokeAll(
    userId: string,
    reason: EndReason,
    now: number,
    /** The id of a session that is spared: the user's own, after a change of password. */
    except?: string,
  ): Promise<number>;

  /** The user's living sessions, oldest first. */
  list(userId: string, now: number): Promise<readonly Session[]>;

  /** The sessions that live in the memory of this process alone; absent where none do. */
  held?(now: number): readonly Session[];

  /** Rejects, as any verb does, when the store does not answer. For readiness. */
  ping(): Promise<void>;

  /** Whether the store is asked at all just now; absent where nothing is asked. For metrics. */
  breaker?(): BreakerState;
}

export interface StoreOptions {
  /** Connection URL; ignored by stores that need none. */
  readonly url?: string;
  /** How long any verb may take, in milliseconds. */
  readonly timeoutMs: number;
  /** Told of each record that could not be decoded: it is no session, and has been ended. */
  readonly onUndecodable?: () => void;
  /**
   * How many replicas must have an ending before it is acknowledged (Redis: WAIT); 0, the default,
   * waits for none. Too few in time is OperatingError `revocation-not-durable`.
   */
  readonly replicas?: number;
}

export interface Store {
  /** One sentence: where the memory is. */
  readonly says: string;
  /** The service that has to be there for it. */
  readonly needs: 'nothing' | 'postgres' | 'redis';
  /** True when all servers see the same sessions. */
  readonly shared: boolean;
  /** True when sessions outlive the process that made them. */
  readonly survivesRestart: boolean;
  /** What holds on N servers without affinity, and what does not, with the reason. */
  readonly claims: Claims;
  /** Connects, makes its tables if it has any, and is ready. */
  open(options: StoreOptions): Promise<SessionStore>;
}
