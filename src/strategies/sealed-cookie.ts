// The whole session in the client's cookie, encrypted: no session is kept on the server and nobody
// is asked, and unlike a token it renews itself with use, as browsers need it. A copy would do so
// too, until the absolute limit, so it takes a log of endings: what is in there is refused by every
// server. The price: two tabs that change it at once lose one of the changes, it holds less than
// 4096 bytes, and there is no list of a user's sessions: none is counted, another one is ended only
// with all of them, and how many those are nobody knows.

import assert from 'node:assert/strict';
import { OperatingError } from '../core/errors.ts';
import { touchIntervalMs } from '../core/limits.ts';
import { type AnonymousReason, anonymous, type Recognition } from '../core/recognition.ts';
import { expiresAt, type Session, withoutSecrets } from '../core/session.ts';
import type { RevocationLog } from '../revocations/revocation-log.ts';
import { type Cookie, cookieOf, credentialsMax, isSentByItself, notTooMany } from './cookie.ts';
import { bound } from './durable-endings.ts';
import { changed, hasEnded, loginTerms, newLogin, summaryOf, upToDate } from './login.ts';
import { type Held, SealedSessions } from './sealed-session.ts';
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

export const sealedCookie: Strategy = {
  says: 'in the client, as an encrypted cookie; every server follows a log of what has ended',
  selfContained: true,
  needs: ['sealingKeys', 'revocations'],
  claims: {
    identity: { holds: true, because: 'nobody can read or change a sealed cookie' },
    durability: { holds: true, because: 'every server that has the keys can open the cookie' },
    revocation: {
      holds: true,
      because: 'an ending reaches a server within its bound, or it refuses',
    },
    'no-resurrection': { holds: true, because: 'what a server knows as ended it never accepts' },
    'no-lost-update': { holds: false, because: 'the data travel: the last answer to arrive wins' },
    'fails-closed': { holds: true, because: 'a server with too old a view asks, or refuses' },
    convergence: { holds: true, because: 'all that is needed to decide is in the cookie' },
  },
  start: async (options) => bound((own) => new SealedRecogniser(own), options),
};

class SealedRecogniser implements Recogniser {
  readonly #options: StrategyOptions;
  readonly #cookie: Cookie;
  readonly #sealed: SealedSessions;
  readonly #log: RevocationLog;

  constructor(options: StrategyOptions) {
    assert(options.revocations !== undefined, 'only a log of endings ends a sealed session');
    this.#log = options.revocations;
    this.#options = options;
    this.#cookie = cookieOf(options);
    this.#sealed = new SealedSessions(options);
  }

  async recognise(headers: RequestHeaders): Promise<Recognition> {
    const held = this.#heldIn(headers);
    if (typeof held === 'string') return anonymous(held);
    const session = upToDate(held.session, this.#options.schema);
    if (session === undefined) return anonymous('unknown-version');
    const intervalMs = touchIntervalMs(this.#options.lifetimes.idleMs);
    const isDue = this.#now() - session.lastSeenAt >= intervalMs;
    if (!isDue && !held.isStale) return { kind: 'recognised', session };
    const used = this.#used(session);
    const issue = this.#tryHand(used);
    return issue
      ? { kind: 'recognised', session: used, headers: issue.headers }
      : { kind: 'recognised', session };
  }

  async begin(user: { id: string; name: string }, headers: RequestHeaders): Promise<Begun> {
    await Promise.all(this.#provenIn(headers).map((each) => this.#end(each)));
    const terms = await loginTerms(this.#options, user.id);
    const { record } = newLogin(user, this.#now(), this.#options.lifetimes, terms);
    const session = withoutSecrets(record);
    const issue = this.#hand(session);
    return { ...issue, session };
  }

  async change(session: Session, changes: Changes): Promise<Changed> {
    const fields = changed(session.fields, changes);
    if (this.#now() >= expiresAt(session)) return { outcome: 'gone' };
    const issue = this.#hand({ ...session, fields, revision: session.revision + 1 });
    return { outcome: 'ok', fields, issue };
  }

  refresh = async (headers: RequestHeaders) => this.#renew(headers, {});

  stepUp = async ({ id }: Session, headers: RequestHeaders) =>
    this.#renew(headers, { id, authenticatedAt: this.#now() });

  async leave(headers: RequestHeaders): Promise<Left> {
    const proven = this.#provenIn(headers);
    const ended = proven.filter((session) => this.#log.standing(session) !== 'ended');
    await Promise.all(proven.map((session) => this.#end(session)));
    return { ...this.forget(), ended };
  }

  // The log has ended them before it asks here.
  endAll = async () => this.forget();
  endOthers = async () => 0;
  endUser = async () => 0;

  async endOne(owner: Owner, handle: string): Promise<boolean> {
    if (!isSession(owner) || owner.handle !== handle) return false;
    await this.#end(owner);
    return true;
  }

  async list(owner: Owner) {
    if (!isSession(owner) || !this.stands(owner)) return [];
    return (await hasEnded(this.#log, owner)) ? [] : [summaryOf(owner)];
  }

  /** Until the idle limit of this very cookie: who was handed another since is not known here. */
  stands = (session: Session) => this.#now() < expiresAt(session);

  use = (session: Session) => (this.stands(session) ? this.#used(session) : undefined);

  csrfToken(headers: RequestHeaders): string | undefined {
    const held = isSentByItself(headers) ? this.#heldIn(headers) : 'no-credential';
    return typeof held === 'string' ? undefined : this.#sealed.formToken(held.session);
  }

  async csrfMatches(headers: RequestHeaders, token: string): Promise<boolean> {
    const held = isSentByItself(headers) ? this.#heldIn(headers) : 'no-credential';
    return typeof held !== 'string' && this.#sealed.isFormToken(token, held.session);
  }

  forget = () => this.#cookie.takeBack;

  /** Of several cookies of one login the newest counts; those of two logins are nobody's. */
  #heldIn(headers: RequestHeaders): Held | AnonymousReason {
    const texts = this.#cookie.textsIn(headers);
    if (texts.length === 0) return 'no-credential';
    if (texts.length > credentialsMax) return 'malformed';
    const answers = texts.map((text) => this.#sealed.read(text));
    const found = answers.filter((answer) => typeof answer !== 'string');
    const [newest, ...others] = found.sort((one, other) => ageOrder(one.session, other.session));
    if (newest === undefined)
      return answers.find((answer) => typeof answer === 'string') ?? 'malformed';
    if (others.some(({ session }) => session.id !== newest.session.id)) return 'malformed';
    return texts.length > 1 ? { ...newest, isStale: true } : newest;
  }

  /** The sessions that the request proves, whatever the time. */
  #provenIn(headers: RequestHeaders): readonly Session[] {
    const texts = notTooMany(this.#cookie.allTextsIn(headers));
    const sessions = texts.flatMap((text) => this.#sealed.sessionIn(text) ?? []);
    return [...new Map(sessions.map((session) => [session.id, session])).values()];
  }

  #renew(headers: RequestHeaders, proof: Partial<Session>): Refreshed {
    const held = this.#heldIn(headers);
    if (typeof held === 'string') return { outcome: 'refused', reason: held };
    const session = upToDate(held.session, this.#options.schema);
    if (session === undefined) return { outcome: 'refused', reason: 'unknown-version' };
    if (session.id !== (proof.id ?? session.id)) return { outcome: 'refused', reason: 'malformed' };
    const renewed = { ...this.#used(session), rotatedAt: this.#now(), ...proof };
    return { outcome: 'ok', issue: this.#hand(renewed), session: renewed };
  }

  #end({ id, absoluteExpiresAt }: Session): Promise<void> {
    return this.#log.endSession(id, absoluteExpiresAt);
  }

  #used(session: Session): Session {
    const used = { ...session, lastSeenAt: Math.max(session.lastSeenAt, this.#now()) };
    return { ...used, idleExpiresAt: this.#sealed.idleEndOf(used) };
  }

  #hand(session: Session): Issue {
    const lifetimeMs = session.absoluteExpiresAt - this.#now();
    return this.#cookie.set(this.#sealed.write(session), lifetimeMs);
  }

  /** Nothing, where an upcaster made the data too large to carry: the cookie stays as it is. */
  #tryHand(session: Session): Issue | undefined {
    try {
      return this.#hand(session);
    } catch (error) {
      if (error instanceof OperatingError) return undefined;
      throw error;
    }
  }

  #now = () => this.#options.clock.now();
}

function ageOrder(one: Session, other: Session): number {
  return other.revision - one.revision || other.lastSeenAt - one.lastSeenAt;
}

function isSession(owner: Owner): owner is Session {
  return owner.id !== undefined;
}
