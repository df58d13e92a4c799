// One request, as an application sees it through any framework: who sent it, and what can be done
// with their session. Whatever the client must be given goes into the answer at once, so nothing is
// saved behind a handler's back, and an outage is an error (503), never "nobody". What another
// site's page sends in order to change something is refused before anybody is recognised.

import { type Arrival, isCrossSite } from '../core/cross-site.ts';
import { OperatingError } from '../core/errors.ts';
import { asUnavailable, problemHeaders, problemOf } from '../core/problem.ts';
import type { Recognition } from '../core/recognition.ts';
import type { FieldChange, Fields, Session } from '../core/session.ts';
import type {
  Issue,
  Recogniser,
  Refreshed,
  RequestHeaders,
  SessionSummary,
} from '../strategies/strategy.ts';

export interface VisitOptions {
  /**
   * Other origins whose pages may send requests that change something; their preflights (CORS) are
   * the application's to answer. Default: none.
   */
  readonly allowedOrigins?: readonly string[];
}

/** A request, and whether it came to the framework by TLS, proxies that it trusts considered. */
export interface Received extends Arrival {
  readonly secure: boolean;
}

/** Puts a header field into the answer: `set-cookie` beside others, any other in their place. */
export type Give = (name: string, value: string) => void;

export class Visit {
  readonly #recogniser: Recogniser;
  /** As the client would come next, by what it was given here. */
  #headers: RequestHeaders;
  readonly #give: Give;
  /** How the request was recognised when it came; `session` is how it stands now. */
  readonly recognition: Recognition;
  #session: Session | undefined;

  private constructor(
    recogniser: Recogniser,
    headers: RequestHeaders,
    give: Give,
    recognition: Recognition,
  ) {
    this.#recogniser = recogniser;
    this.#headers = headers;
    this.#give = give;
    this.recognition = recognition;
    if (recognition.kind !== 'recognised') return;
    this.#session = recognition.session;
    this.#hand({ headers: recognition.headers ?? [], body: {} });
  }

  /**
   * @throws OperatingError `cross-site` for what another site's page sends, `store-unavailable`
   * when nobody could find out who this is
   */
  static async receive(
    recogniser: Recogniser,
    received: Received,
    give: Give,
    { allowedOrigins = [] }: VisitOptions = {},
  ): Promise<Visit> {
    const { headers, secure } = received;
    if (isCrossSite(received, { allowedOrigins, secure })) throw new OperatingError('cross-site');
    const recognition = await recogniser.recognise(headers);
    if (recognition.kind === 'unknown') throw asUnavailable(recognition.cause);
    return new Visit(recogniser, headers, give, recognition);
  }

  /** The visitor's session; undefined for nobody. */
  get session(): Session | undefined {
    return this.#session;
  }

  /** @throws OperatingError `not-authenticated` */
  get login(): Session {
    if (this.#session === undefined) throw new OperatingError('not-authenticated');
    return this.#session;
  }

  /** Begins a session for a user whose proof was just checked; returns members for the body. */
  async logIn(user: { readonly id: string; readonly name: string }): Promise<Issue['body']> {
    const begun = await this.#recogniser.begin(user, this.#headers);
    this.#session = begun.session;
    return this.#hand(begun);
  }

  /** @throws OperatingError `session-ended` when it ended meanwhile: nothing was written. */
  async change(changes: readonly FieldChange[]): Promise<Fields> {
    const { login } = this;
    const changed = await this.#recogniser.change(login, changes);
    if (changed.outcome === 'gone') throw new OperatingError('session-ended');
    const { fields, issue } = changed;
    this.#session = { ...login, fields, revision: login.revision + 1 };
    this.#hand(issue);
    return fields;
  }

  /** Ends every session that the request proves. Idempotent: who is nobody has left already. */
  async logOut(): Promise<void> {
    this.#hand(await this.#recogniser.leave(this.#headers));
    this.#session = undefined;
  }

  async logOutEverywhere(): Promise<void> {
    this.#hand(await this.#recogniser.endAll(this.login));
    this.#session = undefined;
  }

  /**
   * Exchanges the credential for a fresh one; returns members for the body. @throws OperatingError
   * `not-authenticated`, or `session-ended` when an old credential was used and ended the session
   */
  async refresh(refreshToken?: string): Promise<Issue['body']> {
    return this.#exchange(await this.#recogniser.refresh(this.#headers, refreshToken));
  }

  /** Notes that the visitor has just proven again who they are; see Recogniser.stepUp. */
  async stepUp(): Promise<Issue['body']> {
    return this.#exchange(await this.#recogniser.stepUp(this.login, this.#headers));
  }

  /** The visitor's living sessions, oldest first. */
  async devices(): Promise<readonly SessionSummary[]> {
    return this.#recogniser.list(this.login);
  }

  /** Ends one of the visitor's sessions by its handle. False when there is none such. */
  async endDevice(handle: string): Promise<boolean> {
    return this.#recogniser.endOne(this.login, handle);
  }

  #exchange(refreshed: Refreshed): Issue['body'] {
    if (refreshed.outcome !== 'ok') {
      const code = refreshed.outcome === 'reuse' ? 'session-ended' : 'not-authenticated';
      throw new OperatingError(code);
    }
    this.#session = refreshed.session;
    return this.#hand(refreshed.issue);
  }

  /** What a form must carry: see Recogniser.csrfToken. */
  get csrfToken(): string | undefined {
    return this.#recogniser.csrfToken(this.#headers);
  }

  /** What carries a credential is for nobody's cache (RFC 9111 section 5.2.2.5). */
  #hand(issue: Issue): Issue['body'] {
    const { headers, body } = issue;
    if (headers.length === 0 && Object.keys(body).length === 0) return body;
    for (const [name, value] of [...headers, ['cache-control', 'no-store'] as const]) {
      this.#give(name, value);
    }
    this.#headers = headersAfter(this.#headers, issue);
    return body;
  }
}

/** The header fields with which a client would come that came with these and was given this. */
function headersAfter(headers: RequestHeaders, { headers: given, body }: Issue): RequestHeaders {
  let { cookie, authorization, 'x-session-id': id } = headers;
  for (const [name, field] of given) {
    if (name !== 'set-cookie') continue;
    const [pair = ''] = field.split(';', 1);
    const mark = pair.slice(0, pair.indexOf('=') + 1);
    const others = [cookie ?? []].flat().join(';').split(';');
    const kept = others.filter((each) => !each.trimStart().startsWith(mark));
    cookie = [...kept, ...(pair === mark ? [] : [pair])].join(';');
    id = undefined;
  }
  const info = given.find(([name]) => name === 'authentication-info')?.[1] ?? '';
  const token = body.accessToken ?? /access_token="([^"]*)"/.exec(info)?.[1];
  if (token !== undefined) authorization = `Bearer ${token}`;
  return { ...headers, cookie, authorization, 'x-session-id': id };
}

/** A failure as adapters answer it where a framework has no say. */
export function answerOf(error: OperatingError): {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
} {
  return {
    status: error.status,
    headers: { ...problemHeaders(error), 'cache-control': 'no-store' },
    body: JSON.stringify(problemOf(error)),
  };
}
