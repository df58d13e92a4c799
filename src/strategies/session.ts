// Stateful: the client carries an opaque credential, and the store is asked about it at every
// request. What the user is called, what is in the cart and whether the login still stands are
// known on the server's side only, so a logout holds from the moment it is acknowledged. The price
// is a question per request, to a store that every server must be able to ask.

import type { Clock } from '../core/clock.ts';
import { Credential } from '../core/credential.ts';
import { OperatingError } from '../core/errors.ts';
import { type Lifetimes, touchIntervalMs } from '../core/limits.ts';
import { type AnonymousReason, anonymous, type Recognition } from '../core/recognition.ts';
import {
  type FieldChange,
  type Session,
  type StoredSession,
  withoutSecrets,
} from '../core/session.ts';
import type { SessionStore } from '../stores/store.ts';
import { type SessionCookie, sessionCookie } from './cookie.ts';
import { afterWrite, beginLogin, changed, endLogin, listLogins } from './login.ts';
import type {
  Changed,
  Issue,
  Recogniser,
  Refreshed,
  RequestHeaders,
  Strategy,
  StrategyOptions,
} from './strategy.ts';

export const session: Strategy = {
  says: 'in a store on the server side, which is asked at every request',
  selfContained: false,
  claims: {
    identity: { holds: true, because: 'an id counts only with the secret issued with it' },
    revocation: { holds: true, because: 'the store is asked at every request' },
    'no-lost-update': { holds: true, because: 'the store changes field by field, in one step' },
    'fails-closed': { holds: true, because: 'without the answer of the store nobody is anybody' },
  },
  start: async (options) => new SessionRecogniser(options),
};

interface Found {
  readonly credential: Credential;
  readonly stored: StoredSession;
}

class SessionRecogniser implements Recogniser {
  readonly #store: SessionStore;
  readonly #clock: Clock;
  readonly #lifetimes: Lifetimes;
  readonly #cookie: SessionCookie;

  constructor({ store, clock, lifetimes, secureCookies }: StrategyOptions) {
    this.#store = store;
    this.#clock = clock;
    this.#lifetimes = lifetimes;
    this.#cookie = sessionCookie(secureCookies);
  }

  async recognise(headers: RequestHeaders): Promise<Recognition> {
    try {
      const found = await this.#find(headers);
      if (typeof found === 'string') return anonymous(found);
      const { stored } = found;
      if (this.#isTouchDue(stored) && !(await this.#touch(stored))) return anonymous('not-found');
      return { kind: 'recognised', session: withoutSecrets(stored) };
    } catch (cause) {
      if (cause instanceof OperatingError) return { kind: 'unknown', cause };
      throw cause;
    }
  }

  async begin(user: { id: string; name: string }, headers: RequestHeaders): Promise<Issue> {
    const before = await this.#find(headers);
    const now = this.#clock.now();
    const { credential, record } = await beginLogin(this.#store, user, now, this.#lifetimes);
    if (typeof before !== 'string') {
      await afterWrite(this.#store.revoke(before.stored.id, 'replaced', now));
    }
    return this.#cookie.hand(credential, record.absoluteExpiresAt - now);
  }

  async change({ id, fields }: Session, changes: readonly FieldChange[]): Promise<Changed> {
    changed(fields, changes);
    const updated = await this.#store.update(id, changes, this.#clock.now());
    if (updated.outcome !== 'ok') return { outcome: 'gone' };
    return { outcome: 'ok', fields: updated.fields, issue: { headers: [], body: {} } };
  }

  async refresh(headers: RequestHeaders): Promise<Refreshed> {
    const presented = await this.#choose(headers);
    if (presented === undefined) return { outcome: 'refused' };
    const next = Credential.reissue(presented.id);
    const now = this.#clock.now();
    const rotated = await this.#store.rotate(presented.id, {
      presentedHash: presented.secretHash,
      nextHash: next.secretHash,
      sealedNext: presented.seal(next),
      now,
      graceMs: this.#lifetimes.rotationGraceMs,
    });
    if (rotated.outcome === 'reuse') return rotated;
    if (rotated.outcome === 'gone') return { outcome: 'refused' };
    const { session } = rotated;
    const due = this.#isTouchDue(session);
    if (due && !(await afterWrite(this.#touch(session)))) return { outcome: 'refused' };
    const current = rotated.outcome === 'absorbed' ? presented.unseal(rotated.sealedSecret) : next;
    const issue = this.#cookie.hand(current, session.absoluteExpiresAt - now);
    return { outcome: 'ok', issue };
  }

  async end({ id }: Session): Promise<Issue> {
    await this.#store.revoke(id, 'logout', this.#clock.now());
    return this.forget();
  }

  async endAll({ userId }: Session): Promise<Issue> {
    await this.#store.revokeAll(userId, 'logout-everywhere', this.#clock.now());
    return this.forget();
  }

  endOne = (own: Session, handle: string) => endLogin(this.#store, own, handle, this.#clock.now());

  list = (own: Session) => listLogins(this.#store, own, this.#clock.now());

  forget = () => this.#cookie.takeBack;

  /** Of several credentials the valid one counts; those of two logins at once are nobody's. */
  #find(headers: RequestHeaders): Promise<Found | AnonymousReason> {
    const presented = this.#cookie.credentialsIn(headers);
    if (typeof presented === 'string') return Promise.resolve(presented);
    const [first, second] = presented;
    return first && !second ? this.#ask(first) : this.#askAll(presented);
  }

  async #askAll(presented: readonly Credential[]): Promise<Found | AnonymousReason> {
    const answers = await Promise.all(presented.map((credential) => this.#ask(credential)));
    const found = answers.filter((answer) => typeof answer !== 'string');
    if (found.some(({ stored }) => stored.id !== found[0]?.stored.id)) return 'malformed';
    return found[0] ?? answers[0] ?? 'malformed';
  }

  async #ask(credential: Credential): Promise<Found | AnonymousReason> {
    const now = this.#clock.now();
    const stored = await this.#store.read(credential.id, now);
    if (stored === undefined) return 'not-found';
    if (credential.matches(stored.secretHash)) return { credential, stored };
    if (!credential.matches(stored.previousSecretHash ?? '')) return 'wrong-secret';
    const absorbed = now < stored.rotatedAt + this.#lifetimes.rotationGraceMs;
    return absorbed ? { credential, stored } : 'superseded';
  }

  /** For rotation. A lone credential goes to the store unasked: it alone knows an old one. */
  async #choose(headers: RequestHeaders): Promise<Credential | undefined> {
    const presented = this.#cookie.credentialsIn(headers);
    if (typeof presented !== 'string' && presented.length === 1) return presented[0];
    const found = await this.#find(headers);
    return typeof found === 'string' ? undefined : found.credential;
  }

  #isTouchDue({ lastSeenAt }: Session): boolean {
    return this.#clock.now() - lastSeenAt >= touchIntervalMs(this.#lifetimes.idleMs);
  }

  /** Moves the idle limit. False when the session has ended under our hands. */
  #touch({ id }: Session): Promise<boolean> {
    const now = this.#clock.now();
    return this.#store.touch(id, now, now + this.#lifetimes.idleMs);
  }
}
