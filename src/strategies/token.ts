// Stateless: the client carries the session itself, signed. Any server that has the key knows who
// is asking, without asking anyone: no store, no affinity. The price is that nobody can call the
// token back, so it is short-lived, and that two requests at once each change their own copy of the
// data. What renews it, the refresh token, is a credential in the store, and can be called back.

import { LRUCache } from 'lru-cache';
import { Credential } from '../core/credential.ts';
import { type AnonymousReason, anonymous, type Recognition } from '../core/recognition.ts';
import type { FieldChange, Session } from '../core/session.ts';
import { type AccessTokens, accessTokens } from './access-token.ts';
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

/** How far the clocks of our servers may differ. */
const clockSkewMs = 5_000;
/** Bounds the memory of verified tokens, in characters. */
const cacheCharsMax = 16 * 1024 * 1024;

const nothing: Issue = { headers: [], body: {} };

export const token: Strategy = {
  says: 'in the client, as a signed token; nobody is asked, and only the renewal needs a store',
  selfContained: true,
  claims: {
    identity: { holds: true, because: 'nobody can change a signed token' },
    durability: { holds: true, because: 'every server that has the key knows the token' },
    revocation: { holds: false, because: 'a token is accepted until it expires: nobody is asked' },
    'no-resurrection': { holds: true, because: 'every server sees the same expiry in the token' },
    'no-lost-update': { holds: false, because: 'the data travel: the last answer to arrive wins' },
    'fails-closed': { holds: true, because: 'recognition does not need the store' },
    convergence: { holds: true, because: 'all that is needed to decide is in the token' },
  },
  start: async (options) => new TokenRecogniser(options, await accessTokens(options)),
};

class TokenRecogniser implements Recogniser {
  readonly #options: StrategyOptions;
  readonly #tokens: AccessTokens;
  /** A token that was verified once need not be again; the clock is asked each time. */
  readonly #verified = new LRUCache<string, Session>({
    maxSize: cacheCharsMax,
    sizeCalculation: (_, text) => text.length,
  });

  constructor(options: StrategyOptions, tokens: AccessTokens) {
    this.#options = options;
    this.#tokens = tokens;
  }

  async recognise(headers: RequestHeaders): Promise<Recognition> {
    const session = await this.#presentedIn(headers);
    if (typeof session === 'string') return anonymous(session);
    const now = this.#options.clock.now();
    if (now >= this.#tokens.endOf(session)) return anonymous('expired');
    if (session.lastSeenAt > now + clockSkewMs) return anonymous('wrong-claims');
    return { kind: 'recognised', session };
  }

  async begin(user: { id: string; name: string }, headers: RequestHeaders): Promise<Issue> {
    const { store, clock, lifetimes } = this.#options;
    const before = await this.recognise(headers);
    const { credential, record } = await beginLogin(store, user, clock.now(), lifetimes);
    if (before.kind === 'recognised') {
      await afterWrite(store.revoke(before.session.id, 'replaced', clock.now()));
    }
    return this.#issue(record, credential);
  }

  async change(session: Session, changes: readonly FieldChange[]): Promise<Changed> {
    const now = this.#options.clock.now();
    const fields = changed(session.fields, changes);
    if (now >= this.#tokens.endOf(session)) return { outcome: 'gone' };
    const after = { ...session, fields, revision: session.revision + 1 };
    const text = await this.#tokens.write(after, now);
    // RFC 9110 section 11.6.3
    const headers = [['authentication-info', `access_token="${text}"`]] as const;
    return { outcome: 'ok', fields, issue: { headers, body: {} } };
  }

  async refresh(headers: RequestHeaders, refreshToken: string | undefined): Promise<Refreshed> {
    const { store, clock, lifetimes } = this.#options;
    const presented = Credential.parse(refreshToken ?? '');
    if (presented === undefined) return { outcome: 'refused' };
    const now = clock.now();
    const next = Credential.reissue(presented.id);
    const rotated = await store.rotate(presented.id, {
      presentedHash: presented.secretHash,
      nextHash: next.secretHash,
      sealedNext: presented.seal(next),
      now,
      graceMs: lifetimes.rotationGraceMs,
    });
    if (rotated.outcome === 'reuse') return rotated;
    if (rotated.outcome === 'gone') return { outcome: 'refused' };
    const used = await afterWrite(store.touch(presented.id, now, now + lifetimes.idleMs));
    if (!used) return { outcome: 'refused' };
    const fresh = { ...rotated.session, lastSeenAt: now, idleExpiresAt: now + lifetimes.idleMs };
    const old = await this.#presentedIn(headers);
    const sameLogin = typeof old !== 'string' && old.id === fresh.id;
    const carried = sameLogin ? { fields: old.fields, revision: old.revision } : {};
    const current = rotated.outcome === 'absorbed' ? presented.unseal(rotated.sealedSecret) : next;
    return { outcome: 'ok', issue: await this.#issue({ ...fresh, ...carried }, current) };
  }

  async end({ id }: Session): Promise<Issue> {
    const { store, clock } = this.#options;
    await store.revoke(id, 'logout', clock.now());
    return nothing;
  }

  async endAll({ userId }: Session): Promise<Issue> {
    const { store, clock } = this.#options;
    await store.revokeAll(userId, 'logout-everywhere', clock.now());
    return nothing;
  }

  endOne = (own: Session, handle: string) =>
    endLogin(this.#options.store, own, handle, this.#options.clock.now());

  list = (own: Session) => listLogins(this.#options.store, own, this.#options.clock.now());

  forget = () => nothing;

  async #presentedIn({ authorization }: RequestHeaders): Promise<Session | AnonymousReason> {
    if (authorization === undefined) return 'no-credential';
    if (typeof authorization !== 'string') return 'malformed';
    if (!/^bearer /i.test(authorization)) return 'malformed';
    const text = authorization.slice('bearer '.length);
    const known = this.#verified.get(text);
    if (known !== undefined) return known;
    const session = await this.#tokens.read(text);
    if (typeof session !== 'string') this.#verified.set(text, session);
    return session;
  }

  async #issue(session: Session, next: Credential): Promise<Issue> {
    const now = this.#options.clock.now();
    const accessToken = await this.#tokens.write(session, now);
    const expiresInSeconds = Math.floor((this.#tokens.endOf(session) - now) / 1000);
    return { headers: [], body: { accessToken, refreshToken: next.reveal(), expiresInSeconds } };
  }
}
