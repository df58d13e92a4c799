// How a server recognises you from one request to the next. A strategy owns the credential: how it
// is made, how it travels, how it is checked, replaced and ended. It speaks in HTTP header fields
// and values only, so that any server can carry it; it keeps what must be kept in a SessionStore.

import type { Clock } from '../core/clock.ts';
import type { Lifetimes } from '../core/limits.ts';
import type { MaybePromise } from '../core/maybe-promise.ts';
import type { AnonymousReason, Recognition } from '../core/recognition.ts';
import type { EndReason, FieldChange, Fields, Session } from '../core/session.ts';
import type { Rerunnable, SessionSchema } from '../core/session-schema.ts';
import type { Claims } from '../core/verdict.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import type { RevocationLog } from '../revocations/revocation-log.ts';
import type { SessionLimit, SessionStore } from '../stores/store.ts';

/** Header fields as node:http gives them: names in lower case. */
export type RequestHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

/** What the client must be given: header fields of the answer, and members of its JSON body. */
export interface Issue {
  readonly headers: ReadonlyArray<readonly [name: string, value: string]>;
  readonly body: Readonly<Record<string, string | number>>;
}

/** What a login gives, and the session that it began. */
export interface Begun extends Issue {
  readonly session: Session;
}

export type Changes = readonly FieldChange[] | Rerunnable;

export type Changed =
  /** The change is durable in the strategy's sense; `issue` goes with the answer. */
  | { readonly outcome: 'ok'; readonly fields: Fields; readonly issue: Issue }
  /** The session ended meanwhile: nothing was written, and no credential may be set. */
  | { readonly outcome: 'gone' };

export interface Refusal {
  readonly outcome: 'refused';
  readonly reason: AnonymousReason;
}

export type Refreshed =
  | { readonly outcome: 'ok'; readonly issue: Issue; readonly session: Session }
  /** Nothing valid was presented; the reason is for the log. */
  | Refusal
  /** An old credential was presented: the session it belonged to has been ended. */
  | { readonly outcome: 'reuse'; readonly handle: string };

/** One login, as its owner sees it in a list. */
export interface SessionSummary {
  readonly handle: string;
  readonly createdAt: number;
  readonly lastSeenAt: number;
  readonly expiresAt: number;
}

/** What a client must be given to forget what it holds, and the sessions that this call ended. */
export interface Left extends Issue {
  readonly ended: readonly Session[];
}

/**
 * One strategy at work in one server. Every method may throw OperatingError `store-unavailable` or
 * `store-outcome-unknown`, except recognise, which answers `unknown` instead.
 */
export interface Recogniser {
  /**
   * Who sent a request with these header fields? Does no I/O for a request without credential, and
   * answers at once where nobody need be asked: it is what every request pays for.
   */
  recognise(headers: RequestHeaders): MaybePromise<Recognition>;

  /**
   * Begins a session for a user whose password was just verified. Ends every session that `leave`
   * would end: a credential from before the login never gains it (ASVS 7.2.4).
   *
   * @throws OperatingError `too-many-sessions` when the user may begin no more, and as `leave` does
   */
  begin(user: { id: string; name: string }, headers: RequestHeaders): Promise<Begun>;

  /**
   * Changes fields of the session's data, at once: nothing is saved behind the handler's back.
   *
   * @throws OperatingError `session-too-large`; and `session-conflict` when a change that depends
   *   on what it finds was overtaken too often
   */
  change(session: Session, changes: Changes): Promise<Changed>;

  /** Exchanges the presented credential for a fresh one. `refreshToken` is the body's member. */
  refresh(headers: RequestHeaders, refreshToken: string | undefined): Promise<Refreshed>;

  /**
   * Notes that the user has just proven again who they are (step-up, ASVS 7.5.3), and replaces the
   * credential: one from before never gains the freshness.
   *
   * @throws OperatingError `session-conflict` when a refresh was first: repeat it with its credential
   */
  stepUp(session: Session, headers: RequestHeaders): Promise<Refreshed>;

  /**
   * Ends every session that the header fields prove, though they may open none of them any more: by
   * an access token that has expired, a credential that was replaced (however often: to refresh
   * with an old one ends its session too), data of a newer version, or each of several cookies.
   * Idempotent; resolves when it is durable, also where an earlier call has ended them and was
   * answered `revocation-not-durable`.
   *
   * @throws OperatingError `invalid-request` for more cookies than any browser of ours has
   */
  leave(headers: RequestHeaders): Promise<Left>;

  /** Ends all sessions of the user and tells this client to forget its own. */
  endAll(session: Session): Promise<Issue>;

  /**
   * Ends all sessions of the user but this one (ASVS 7.4.3). Returns how many it ended.
   *
   * @throws OperatingError `session-ended` when a log of endings knows that this one was ended so
   */
  endOthers(session: Session, reason: EndReason): Promise<number>;

  /** Ends all sessions of a user that this server need not know. Returns how many it ended. */
  endUser(userId: string, reason: EndReason): Promise<number>;

  /** Ends one of the user's sessions by its handle. False when there is none such, durably. */
  endOne(owner: Owner, handle: string, reason?: EndReason): Promise<boolean>;

  /** The user's living sessions, oldest first. */
  list(owner: Owner): Promise<readonly SessionSummary[]>;

  /** Does it still stand? For whoever keeps something open for it; to ask is no use of it. */
  stands(session: Session): MaybePromise<boolean>;

  /**
   * Notes a use that presents no credential, of what is kept open and at work: the idle limit moves
   * as it does with a request. The session as it is then; undefined when it has ended.
   */
  use(session: Session): MaybePromise<Session | undefined>;

  /**
   * What a form of this client must carry to prove that it is ours (ASVS 3.5): bound to the
   * credential in these header fields, so it changes with the identity. Undefined without one, and
   * where no browser sends the credential by itself.
   */
  csrfToken(headers: RequestHeaders): string | undefined;

  /** Is it the one of these header fields, or, within the grace, of the credential before? */
  csrfMatches(headers: RequestHeaders, token: string): Promise<boolean>;

  /** What makes a client forget what it holds, where that is ended already. */
  forget(): Issue;
}

/** Whose sessions are meant; users ask with their own session, which may be all that is known. */
export type Owner = Pick<Session, 'userId'> & Partial<Session>;

export interface StrategyOptions {
  readonly store: SessionStore;
  readonly clock: Clock;
  readonly lifetimes: Lifetimes;
  /** Absent: as many as a user likes. */
  readonly sessionLimit?: SessionLimit;
  /** Where endings are kept apart from the sessions, too; absent: the store alone keeps them. */
  readonly revocations?: RevocationLog;
  /** The application's data; absent: any fields, of version 0. */
  readonly schema?: SessionSchema;
  /** The ring of keys that sign and verify; for strategies that sign. */
  readonly keys?: KeyRing;
  /** Keys that seal, as a JSON Web Key Set whose first seals; for strategies that seal. */
  readonly sealingKeys?: string;
  /** Names this service in what it signs (`iss` and `aud`). */
  readonly audience: string;
  /** False only for plain HTTP on loopback: cookies then go without Secure and `__Host-`. */
  readonly secureCookies: boolean;
  /** Of the session's cookie, without the prefix. Default: session. */
  readonly cookieName?: string;
}

export interface Strategy {
  /** One sentence: where the memory is, and who must be asked. */
  readonly says: string;
  /** True when a credential carries its session, and is accepted without asking the store. */
  readonly selfContained: boolean;
  /** What it cannot start without, beside the store. Absent: nothing. */
  readonly needs?: readonly ('keys' | 'sealingKeys' | 'revocations')[];
  /** What holds whatever the store, and what does not, with the reason. */
  readonly claims: Claims;
  start(options: StrategyOptions): Promise<Recogniser>;
}
