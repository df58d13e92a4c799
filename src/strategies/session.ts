// Stateful: the client carries an opaque credential, and the store is asked about it at every
// request. What the user is called, what is in the cart and whether the login still stands are
// known on the server's side only, so a logout holds from the moment it is acknowledged. The price
// is a question per request, to a store that every server must be able to ask.

import { type Credential, isSameText } from '../core/credential.ts';
import { OperatingError } from '../core/errors.ts';
import { touchIntervalMs } from '../core/limits.ts';
import { after, type MaybePromise } from '../core/maybe-promise.ts';
import { anonymous, type Recognition } from '../core/recognition.ts';
import { type EndReason, type Session, withoutSecrets } from '../core/session.ts';
import { anyFields, upcast } from '../core/session-schema.ts';
import { changeStored } from './change.ts';
import { isSentByItself, type SessionCookie, sessionCookie } from './cookie.ts';
import { bound } from './durable-endings.ts';
import {
  beforeProof,
  beginLogin,
  endLogin,
  endSession,
  formTokenBefore,
  isKept,
  listLogins,
  loginTerms,
  replaceCredential,
  useLogin,
} from './login.ts';
import { type Found, orUnknown, PresentedSessions } from './presented-session.ts';
import type {
  Begun,
  Changed,
  Changes,
  Issue,
  Left,
  Owner,
  Recogniser,
  Refreshed,
  RequestHeaders,
  Strategy,
  StrategyOptions,
} from './strategy.ts';

const noIssue: Issue = { headers: [], body: {} };

export const session: Strategy = {
  says: 'in a store on the server side, which is asked at every request',
  selfContained: false,
  claims: {
    identity: { holds: true, because: 'an id counts only with the secret issued with it' },
    revocation: { holds: true, because: 'the store is asked at every request' },
    'no-lost-update': { holds: true, because: 'the store changes field by field, in one step' },
    'fails-closed': { holds: true, because: 'without the answer of the store nobody is anybody' },
  },
  start: async (options) => bound((own) => new SessionRecogniser(own), options),
};

class SessionRecogniser implements Recogniser {
  readonly #options: StrategyOptions;
  readonly #cookie: SessionCookie;
  readonly #presented: PresentedSessions;

  constructor(options: StrategyOptions) {
    this.#options = options;
    this.#cookie = sessionCookie(options);
    this.#presented = new PresentedSessions(options, this.#cookie);
  }

  recognise(headers: RequestHeaders): MaybePromise<Recognition> {
    const presented = this.#cookie.credentialsIn(headers);
    if (typeof presented === 'string') return anonymous(presented);
    return orUnknown(() =>
      after(this.#presented.findAmong(presented), (found) =>
        typeof found === 'string' ? anonymous(found) : this.#recognised(found, presented.length),
      ),
    );
  }

  async begin(user: { id: string; name: string }, headers: RequestHeaders): Promise<Begun> {
    const { store, clock, lifetimes } = this.#options;
    await this.#endBy(this.#cookie.allIn(headers), 'replaced');
    const terms = await loginTerms(this.#options, user.id);
    const now = clock.now();
    const { credential, record } = await beginLogin(store, user, now, lifetimes, terms);
    return { ...this.#hand(credential, record), session: withoutSecrets(record) };
  }

  async change(session: Session, changes: Changes): Promise<Changed> {
    const fields = await changeStored(this.#options, session, changes);
    if (fields === undefined) return { outcome: 'gone' };
    return { outcome: 'ok', fields, issue: noIssue };
  }

  refresh = (headers: RequestHeaders) => this.#replace(headers, 'no-proof');

  stepUp = (own: Session, headers: RequestHeaders) => this.#replace(headers, 'proof', own.id);

  async leave(headers: RequestHeaders): Promise<Left> {
    const ended = await this.#endBy(this.#cookie.allIn(headers), 'logout');
    return { ...this.forget(), ended };
  }

  /** Answers those that were living. */
  async #endBy(all: readonly Credential[], reason: EndReason): Promise<readonly Session[]> {
    const ended = await Promise.all(all.map(({ id }) => this.#endOf(id, reason)));
    return ended.flat();
  }

  /**
   * Whatever the secret was: a refresh with one that is not good any more ends the session as well.
   * What is not there has expired, or been ended, and perhaps not durably.
   */
  async #endOf(id: string, reason: EndReason): Promise<readonly Session[]> {
    const { store } = this.#options;
    const stored = await (store.readPastCache?.(id, this.#now()) ?? store.read(id, this.#now()));
    const ending = stored
      ? endSession(this.#options, stored, reason)
      : store.revoke(id, reason, this.#now());
    return (await ending) && stored ? [withoutSecrets(stored)] : [];
  }

  async endAll({ userId }: Session): Promise<Issue> {
    await this.#options.store.revokeAll(userId, 'logout-everywhere', this.#now());
    return this.forget();
  }

  endOthers = ({ id, userId }: Session, reason: EndReason) =>
    this.#options.store.revokeAll(userId, reason, this.#now(), id);

  endUser = (userId: string, reason: EndReason) =>
    this.#options.store.revokeAll(userId, reason, this.#now());

  endOne = (owner: Owner, handle: string, reason: EndReason = 'ended-by-user') =>
    endLogin(this.#options, owner, handle, reason);

  list = (owner: Owner) => listLogins(this.#options, owner);

  stands = (session: Session) => isKept(this.#options, session);

  use = (session: Session) => useLogin(this.#options, session);

  forget = () => this.#cookie.takeBack;

  csrfToken(headers: RequestHeaders): string | undefined {
    const presented = isSentByItself(headers) ? this.#cookie.credentialsIn(headers) : [];
    const [first, second] = typeof presented === 'string' ? [] : presented;
    return second === undefined ? first?.formToken : undefined;
  }

  async csrfMatches(headers: RequestHeaders, token: string): Promise<boolean> {
    const own = this.csrfToken(headers);
    if (own !== undefined && isSameText(own, token)) return true;
    const found = isSentByItself(headers) ? await this.#presented.find(headers) : 'no-credential';
    if (typeof found === 'string') return false;
    const { credential, stored, isCurrent } = found;
    if (isSameText(credential.formToken, token)) return true;
    const before =
      isCurrent && this.#presented.isInGrace(stored) && formTokenBefore(credential, stored);
    return before ? isSameText(before, token) : false;
  }

  #recognised(found: Found, presentedCount: number): MaybePromise<Recognition> {
    const seen = this.#seenBy(found);
    if (seen === undefined) return anonymous('unknown-version');
    // Of several in one jar this one is to be left: setting it anew takes the place of others.
    const isAlone = presentedCount === 1 || !found.isCurrent;
    const recognition: Recognition = isAlone
      ? { kind: 'recognised', session: seen }
      : { kind: 'recognised', session: seen, headers: this.#hand(found.credential, seen).headers };
    if (!this.#isTouchDue(seen)) return recognition;
    return this.#touch(seen).then((lives) => (lives ? recognition : anonymous('not-found')));
  }

  /** The session as whoever presented the credential may see it, in the schema's version. */
  #seenBy({ stored, isCurrent }: Found): Session | undefined {
    const session = isCurrent ? withoutSecrets(stored) : beforeProof(withoutSecrets(stored));
    const { schema = anyFields } = this.#options;
    if (stored.dataVersion === schema.version) return session;
    const fields = upcast(schema, stored.dataVersion, stored.fields);
    // Its version stays that of the record, which is brought up with the next change.
    return fields && { ...session, fields };
  }

  async #replace(
    headers: RequestHeaders,
    proof: 'proof' | 'no-proof',
    id?: string,
  ): Promise<Refreshed> {
    const presented = await this.#presented.choose(headers);
    if (typeof presented === 'string') return { outcome: 'refused', reason: presented };
    if (presented.id !== (id ?? presented.id)) return { outcome: 'refused', reason: 'malformed' };
    const replaced = await replaceCredential(this.#options, presented, proof);
    if (replaced.outcome !== 'ok') return replaced;
    const { credential } = replaced;
    // Who keeps its credential is handed none: the client may hold the successor already.
    const issue = credential === presented ? noIssue : this.#hand(credential, replaced.session);
    return { outcome: 'ok', issue, session: replaced.session };
  }

  #hand(credential: Credential, { absoluteExpiresAt }: Session): Issue {
    return this.#cookie.hand(credential, absoluteExpiresAt - this.#now());
  }

  #now = () => this.#options.clock.now();

  #isTouchDue({ lastSeenAt }: Session): boolean {
    return this.#now() - lastSeenAt >= touchIntervalMs(this.#options.lifetimes.idleMs);
  }

  /**
   * Moves the idle limit. False when the session has ended under our hands. A store that can be
   * read and not be written has answered who this is: the next request tries again.
   */
  async #touch({ id }: Session): Promise<boolean> {
    const now = this.#now();
    try {
      return await this.#options.store.touch(id, now, now + this.#options.lifetimes.idleMs);
    } catch (failure) {
      if (failure instanceof OperatingError) return true;
      throw failure;
    }
  }
}
