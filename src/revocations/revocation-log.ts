// The durable path of endings, apart from the sessions themselves: losing a login is a nuisance,
// losing a logout is a vulnerability. A log takes an ending, and resolves only when it cannot be
// lost as far as it promises; every server follows it and holds the endings that can still matter
// in memory, so that a credential is checked without asking anybody. A follower knows how old its
// view is. Past the bound it does not guess: it asks the log, or refuses.

import type { Session } from '../core/session.ts';
import type { Claims } from '../core/verdict.ts';

/** Enough of a session to judge it by. */
export type Judged = Pick<Session, 'id' | 'userId' | 'epoch'>;

/** The session that an ending of its user leaves alone. */
export type Spared = Pick<Session, 'id' | 'epoch'>;

/** One ending, as followers learn of it. */
export type Ending =
  | { readonly kind: 'session'; readonly sessionId: string }
  /** Every session of the user with a smaller epoch has ended, but for the one that is spared. */
  | {
      readonly kind: 'user';
      readonly userId: string;
      readonly epoch: number;
      readonly except?: string;
    };

export type Standing = 'stands' | 'ended' | 'stale';

export interface RevocationLog extends AsyncDisposable {
  /**
   * Ends one session; nothing of it can be accepted after `until` anyway (milliseconds since the
   * epoch of Unix), so the entry is kept until then. Idempotent.
   *
   * @throws OperatingError `revocation-not-durable` when it is not known to be durable
   */
  endSession(sessionId: string, until: number): Promise<void>;

  /**
   * Ends every session that the user has, by raising the user's epoch, but for the one that is
   * spared. Returns the new epoch; or 0 when the one to be spared was ended so itself, which the
   * log decides in the same step: then nothing happens, or it would come back by ending others.
   *
   * @throws OperatingError `revocation-not-durable`
   */
  endUser(userId: string, until: number, spared?: Spared): Promise<number>;

  /** The user's epoch, asked of the log itself: what a session that begins now is given. */
  epochOf(userId: string): Promise<number>;

  /** Does the session still stand, as far as this server knows? Does no I/O. */
  standing(session: Judged): Standing;

  /** The same, asked of the log itself. @throws OperatingError `store-unavailable` */
  ask(session: Judged): Promise<'stands' | 'ended'>;

  /** How old the view is, in milliseconds: every ending acknowledged before is in it. */
  ageMs(): number;

  /** Calls back for every ending that this server learns of, once or more. */
  follow(listener: (ending: Ending) => void): Disposable;
}

export interface RevocationOptions {
  /** Connection URL; ignored by logs that need none. */
  readonly url?: string;
  /** How long any question may take, in milliseconds. */
  readonly timeoutMs: number;
  /** Past this age of the view, `standing` answers 'stale'. In milliseconds. */
  readonly stalenessMs: number;
  /** For Redis: how many replicas must have an ending before it is acknowledged (WAIT). */
  readonly replicas?: number;
}

export interface Revocations {
  /** One sentence: where endings are kept. */
  readonly says: string;
  /** What can still be lost, and when, in one sentence. */
  readonly lossWindow: string;
  readonly shared: boolean;
  readonly claims: Claims;
  /** Connects, makes its tables if it has any, has a first view, and follows. */
  open(options: RevocationOptions): Promise<RevocationLog>;
}
