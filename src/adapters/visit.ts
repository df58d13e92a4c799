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
  /** Other origins whose pages may send requests that change something. Default: none. */
  readonly allowedOrigins?: readonly string[];
}

/** Adds a header field to the answer, beside those of the same name. */
export type Give = (name: string, value: string) => void;

export class Visit {
  readonly #recogniser: Recogniser;
  readonly #headers: RequestHeaders;
  readonly #give: Give;
  readonly recognition: Recognition;

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
    if (recognition.kind === 'recognised') this.#hand({ headers: recognition.headers ?? [] });
  }

  /**
   * @throws OperatingError `cross-site` for what another site's page sends, `store-unavailable`
   * when nobody could find out who this is
   */
  static async receive(
    recogniser: Recogniser,
    arrival: Arrival,
    give: Give,
    { allowedOrigins = [] }: VisitOptions = {},
  ): Promise<Visit> {
    if (isCrossSite(arrival, { allowedOrigins, secure: false })) {
      throw new OperatingError('cross-site');
    }
    const { headers } = arrival;
    const recognition = await recogniser.recognise(headers);
    if (recognition.kind === 'unknown') throw asUnavailable(recognition.cause);
    return new Visit(recogniser, headers, give, recognition);
  }

  /** The visitor's session; undefined for nobody. */
  get session(): Session | undefined {
    return this.recognition.kind === 'recognised' ? this.recognition.session : undefined;
  }

  /** @throws OperatingError `not-authenticated` */
  get login(): Session {
    if (this.session === undefined) throw new OperatingError('not-authenticated');
    return this.session;
  }

  /** Begins a session for a user whose proof was just checked; returns members for the body. */
  async logIn(user: { readonly id: string; readonly name: string }): Promise<Issue['body']> {
    return this.#hand(await this.#recogniser.begin(user, this.#headers));
  }

  /** @throws OperatingError `session-ended` when it ended meanwhile: nothing was written. */
  async change(changes: readonly FieldChange[]): Promise<Fields> {
    const changed = await this.#recogniser.change(this.login, changes);
    if (changed.outcome === 'gone') throw new OperatingError('session-ended');
    this.#hand(changed.issue);
    return changed.fields;
  }

  /** Ends every session that the request proves. Idempotent: who is nobody has left already. */
  async logOut(): Promise<void> {
    this.#hand(await this.#recogniser.leave(this.#headers));
  }

  async logOutEverywhere(): Promise<void> {
    this.#hand(await this.#recogniser.endAll(this.login));
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
    if (refreshed.outcome === 'ok') return this.#hand(refreshed.issue);
    throw new OperatingError(refreshed.outcome === 'reuse' ? 'session-ended' : 'not-authenticated');
  }

  /** What a form must carry: see Recogniser.csrfToken. */
  get csrfToken(): string | undefined {
    return this.#recogniser.csrfToken(this.#headers);
  }

  #hand({ headers, body = {} }: Pick<Issue, 'headers'> & Partial<Issue>): Issue['body'] {
    for (const [name, value] of headers) this.#give(name, value);
    return body;
  }
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
