// The whole session in the client's cookie, encrypted: nothing is kept on the server and nobody is
// asked, and unlike a token it renews itself with use, as browsers need it. The price: nobody can
// call it back, two tabs that change it at once lose one of the changes, it holds less than 4096
// bytes, and there is no list of a user's sessions, so none is counted or ended from elsewhere.
// A log of endings (revocations) in front of it mends the first and the last.

import { OperatingError } from '../core/errors.ts';
import { touchIntervalMs } from '../core/limits.ts';
import { type AnonymousReason, anonymous, type Recognition } from '../core/recognition.ts';
import { expiresAt, type Session, withoutSecrets } from '../core/session.ts';
import { type Cookie, cookieOf, credentialsMax, isSentByItself } from './cookie.ts';
import { changed, loginTerms, newLogin, summaryOf, upToDate } from './login.ts';
import { type Held, SealedSessions } from './sealed-session.ts';
import type {
  Changed,
  Changes,
  Issue,
  Owner,
  Recogniser,
  Refreshed,
  RequestHeaders,
  Strategy,
  StrategyOptions,
} from './strategy.ts';

export const sealedCookie: Strategy = {
  says: 'in the client, as an encrypted cookie; nobody is asked, ever',
  selfContained: true,
  needs: ['sealingKeys'],
  claims: {
    identity: { holds: true, because: 'nobody can read or change a sealed cookie' },
    durability: { holds: true, because: 'every server that has the keys can open the cookie' },
    revocation: { holds: false, because: 'a copy of a cookie opens until it expires' },
    'no-resurrection': { holds: true, because: 'every server sees the same expiry in the cookie' },
    'no-lost-update': { holds: false, because: 'the data travel: the last answer to arrive wins' },
    'fails-closed': { holds: true, because: 'recognition needs no store' },
    convergence: { holds: true, because: 'all that is needed to decide is in the cookie' },
  },
  start: async (options) => new SealedRecogniser(options),
};

class SealedRecogniser implements Recogniser {
  readonly #options: StrategyOptions;
  readonly #cookie: Cookie;
  readonly #sealed: SealedSessions;

  constructor(options: StrategyOptions) {
    this.#options = options;
    this.#cookie = cookieOf(options.secureCookies);
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

  async begin(user: { id: string; name: string }): Promise<Issue> {
    const terms = await loginTerms(this.#options, user.id);
    const { record } = newLogin(user, this.#now(), this.#options.lifetimes, terms);
    return this.#hand(withoutSecrets(record));
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

  end = async () => this.forget();
  endAll = async () => this.forget();
  endOthers = async () => 0;
  endUser = async () => 0;
  endOne = async () => false;

  list = async (owner: Owner) => (isSession(owner) ? [summaryOf(owner)] : []);

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

  #renew(headers: RequestHeaders, proof: Partial<Session>): Refreshed {
    const held = this.#heldIn(headers);
    if (typeof held === 'string') return { outcome: 'refused' };
    const session = upToDate(held.session, this.#options.schema);
    if (session === undefined || session.id !== (proof.id ?? session.id))
      return { outcome: 'refused' };
    const renewed = { ...this.#used(session), rotatedAt: this.#now(), ...proof };
    return { outcome: 'ok', issue: this.#hand(renewed) };
  }

  #used(session: Session): Session {
    const lastSeenAt = Math.max(session.lastSeenAt, this.#now());
    return { ...session, lastSeenAt, idleExpiresAt: lastSeenAt + this.#options.lifetimes.idleMs };
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
