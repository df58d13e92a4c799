// Stateless: the client carries the session itself, signed. Any server that has the key knows who
// is asking, without asking anyone: no store, no affinity. The price is that nobody can call the
// token back, so it is short-lived, and that two requests at once each change their own copy of the
// data. What renews it, the refresh token, is a credential in the store, and can be called back.

import { Credential, type Purpose } from '../core/credential.ts';
import type { Recognition } from '../core/recognition.ts';
import { type EndReason, type Session, withoutSecrets } from '../core/session.ts';
import { type AccessTokens, accessTokens } from './access-token.ts';
import { bound } from './durable-endings.ts';
import {
  beginLogin,
  changed,
  endLogin,
  endSession,
  isKept,
  listLogins,
  loginTerms,
  replaceCredential,
  useLogin,
} from './login.ts';
import { PresentedTokens } from './presented-token.ts';
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

const nothing: Issue = { headers: [], body: {} };
const purpose: Purpose = 'refresh';

export const token: Strategy = {
  says: 'in the client, as a signed token; nobody is asked, and only the renewal needs a store',
  selfContained: true,
  needs: ['keys'],
  claims: {
    identity: { holds: true, because: 'nobody can change a signed token' },
    durability: { holds: true, because: 'every server that has the key knows the token' },
    revocation: { holds: false, because: 'a token is accepted until it expires: nobody is asked' },
    'no-resurrection': { holds: true, because: 'every server sees the same expiry in the token' },
    'no-lost-update': { holds: false, because: 'the data travel: the last answer to arrive wins' },
    'fails-closed': { holds: true, because: 'recognition does not need the store' },
    convergence: { holds: true, because: 'all that is needed to decide is in the token' },
  },
  start: async (options) => bound((own) => new TokenRecogniser(own), options),
};

class TokenRecogniser implements Recogniser {
  readonly #options: StrategyOptions;
  readonly #tokens: AccessTokens;
  readonly #presented: PresentedTokens;

  constructor(options: StrategyOptions) {
    this.#options = options;
    this.#tokens = accessTokens(options);
    this.#presented = new PresentedTokens(options, this.#tokens);
  }

  recognise(headers: RequestHeaders): Recognition {
    return this.#presented.recognise(headers);
  }

  async begin(user: { id: string; name: string }, headers: RequestHeaders): Promise<Begun> {
    const { store, clock, lifetimes } = this.#options;
    const before = this.#presented.sessionIn(headers);
    if (before) await endSession(this.#options, before, 'replaced');
    const terms = { ...(await loginTerms(this.#options, user.id)), purpose };
    const { credential, record } = await beginLogin(store, user, clock.now(), lifetimes, terms);
    return { ...this.#issue(record, credential), session: withoutSecrets(record) };
  }

  async change(session: Session, changes: Changes): Promise<Changed> {
    const now = this.#options.clock.now();
    const fields = changed(session.fields, changes);
    if (now >= this.#tokens.endOf(session)) return { outcome: 'gone' };
    const after = { ...session, fields, revision: session.revision + 1 };
    const text = this.#tokens.write(after, now);
    // RFC 9110 section 11.6.3
    const headers = [['authentication-info', `access_token="${text}"`]] as const;
    return { outcome: 'ok', fields, issue: { headers, body: {} } };
  }

  async refresh(headers: RequestHeaders, refreshToken: string | undefined): Promise<Refreshed> {
    if (refreshToken === undefined) return { outcome: 'refused', reason: 'no-credential' };
    const presented = Credential.parse(refreshToken, purpose);
    if (presented === undefined) return { outcome: 'refused', reason: 'malformed' };
    const old = this.#presented.sessionIn(headers);
    const replaced = await replaceCredential(this.#options, presented, 'no-proof');
    if (replaced.outcome !== 'ok') return replaced;
    const carried = old?.id === presented.id ? carriedOf(old) : {};
    const session = { ...replaced.session, ...carried };
    return { outcome: 'ok', issue: this.#issue(session, replaced.credential), session };
  }

  /** The new access token alone is fresh: a refresh token from before is not, by itself. */
  async stepUp(session: Session): Promise<Refreshed> {
    const used = await useLogin(this.#options, session);
    if (used === undefined) return { outcome: 'refused', reason: 'not-found' };
    const fresh = { ...used, authenticatedAt: used.lastSeenAt };
    return { outcome: 'ok', issue: this.#issue(fresh), session: fresh };
  }

  async leave(headers: RequestHeaders): Promise<Left> {
    const session = this.#presented.sessionIn(headers);
    const isEnded = session && (await endSession(this.#options, session, 'logout'));
    return { ...nothing, ended: isEnded ? [session] : [] };
  }

  async endAll({ userId }: Session): Promise<Issue> {
    const { store, clock } = this.#options;
    await store.revokeAll(userId, 'logout-everywhere', clock.now());
    return nothing;
  }

  endOthers = ({ id, userId }: Session, reason: EndReason) =>
    this.#options.store.revokeAll(userId, reason, this.#options.clock.now(), id);

  endUser = (userId: string, reason: EndReason) =>
    this.#options.store.revokeAll(userId, reason, this.#options.clock.now());

  endOne = (owner: Owner, handle: string, reason: EndReason = 'ended-by-user') =>
    endLogin(this.#options, owner, handle, reason);

  list = (owner: Owner) => listLogins(this.#options, owner);

  stands = (session: Session) => isKept(this.#options, session);

  use = (session: Session) => useLogin(this.#options, session);

  /** No browser sends a token by itself, so no other site can make one do it. */
  csrfToken = () => undefined;
  csrfMatches = async () => false;

  forget = () => nothing;

  #issue(session: Session, next?: Credential): Issue {
    const now = this.#options.clock.now();
    const accessToken = this.#tokens.write(session, now);
    const expiresInSeconds = Math.floor((this.#tokens.endOf(session) - now) / 1000);
    const renewal = next && { refreshToken: next.reveal() };
    return { headers: [], body: { accessToken, ...renewal, expiresInSeconds } };
  }
}

/** What travels in the token alone: the data, and when the user last proved who they are. */
function carriedOf({ fields, revision, dataVersion, authenticatedAt }: Session): Partial<Session> {
  return { fields, revision, dataVersion, authenticatedAt };
}
