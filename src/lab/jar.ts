// What a client keeps between two requests, and how it travels: cookies, an access token, a refresh
// token. Which of them there are is decided by what the answers carry, never by the name of a
// strategy. Like a browser it returns every cookie, the gateway's own among them; unlike one it
// ignores paths and domains, because here there is one site.

import { randomBytes } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { Credential } from '../core/credential.ts';
import type { Operation, Transfer } from '../core/history.ts';
import type { Step } from '../workloads/workload.ts';

/** What proves who the client is, and the header field in which it travels. */
export interface Carried {
  readonly text: string;
  readonly header: readonly [name: 'authorization' | 'cookie', value: string];
}

export interface RequestLine {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: Readonly<Record<string, string | number>>;
}

const sessionCookies = ['session', '__Host-session'] as const;
const handedOver = /(?:^|[\s,])access_token="([^"]+)"/;

export class Jar {
  readonly #cookies = new Map<string, string>();
  #accessToken: string | undefined;
  #refreshToken: string | undefined;

  get carried(): Carried | null {
    if (this.#accessToken !== undefined) return bearer(this.#accessToken);
    for (const name of sessionCookies) {
      const value = this.#cookies.get(name);
      if (value !== undefined) return { text: value, header: ['cookie', `${name}=${value}`] };
    }
    return null;
  }

  get refreshToken(): string | undefined {
    return this.#refreshToken;
  }

  /** All that goes with a request of this client. */
  headers(): Record<string, string> {
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    return {
      ...(cookie && { cookie }),
      ...(this.#accessToken && { authorization: `Bearer ${this.#accessToken}` }),
    };
  }

  takeCookies(headers: IncomingHttpHeaders): void {
    for (const { name, value, isOver } of cookiesIn(headers)) {
      if (isOver) this.#cookies.delete(name);
      else this.#cookies.set(name, value);
    }
  }

  /** From the body of a login or refresh, or from `authentication-info` (RFC 9110, 11.6.3). */
  takeTokens(headers: IncomingHttpHeaders, body: Readonly<Record<string, unknown>>): void {
    const info = headers['authentication-info'];
    const reminted = typeof info === 'string' ? handedOver.exec(info)?.[1] : undefined;
    const { accessToken = reminted, refreshToken } = body;
    if (typeof accessToken === 'string') this.#accessToken = accessToken;
    if (typeof refreshToken === 'string') this.#refreshToken = refreshToken;
  }

  /** All that is in another one, as a thief copies it. */
  copy(other: Jar): void {
    this.#cookies.clear();
    for (const [name, value] of other.#cookies) this.#cookies.set(name, value);
    this.#accessToken = other.#accessToken;
    this.#refreshToken = other.#refreshToken;
  }

  dropTokens(): void {
    this.#accessToken = undefined;
    this.#refreshToken = undefined;
  }
}

function cookiesIn(headers: IncomingHttpHeaders) {
  return [headers['set-cookie'] ?? []].flat().map((line) => {
    const [pair = '', ...attributes] = line.split(';');
    const [name = '', value = ''] = pair.split('=', 2).map((part) => part.trim());
    const isPast = attributes.some((attribute) => /^\s*max-age=(0|-\d+)\s*$/i.test(attribute));
    return { name, value, isOver: isPast || value === '' };
  });
}

/** Does the answer tell a browser to forget its session? */
export function clearsSession(headers: IncomingHttpHeaders): boolean {
  const names: readonly string[] = sessionCookies;
  return cookiesIn(headers).some(({ name, isOver }) => isOver && names.includes(name));
}

/** A credential of the same form that was surely never issued. */
export function forged(like: Carried): Carried {
  const parts = like.text.split('.');
  if (like.header[0] === 'authorization') {
    return bearer([...parts.slice(0, -1), randomBytes(64).toString('base64url')].join('.'));
  }
  const text = Credential.issue('nobody').reveal();
  return { text, header: ['cookie', like.header[1].replace(like.text, text)] };
}

function bearer(token: string): Carried {
  return { text: token, header: ['authorization', `Bearer ${token}`] };
}

interface Speaker {
  readonly user: string;
  readonly password: string;
  readonly refreshToken: string | undefined;
}

const whoAmI = (): RequestLine => ({ method: 'GET', path: '/me' });

const lines: Record<Exclude<Operation, Transfer>, (step: Step, speaker: Speaker) => RequestLine> = {
  login: (_, { user, password }) => ({
    method: 'POST',
    path: '/login',
    body: { username: user, password },
  }),
  whoami: whoAmI,
  replay: whoAmI,
  forge: whoAmI,
  read: () => ({ method: 'GET', path: '/cart' }),
  put: ({ key = 'apple', val = 1 }) => ({
    method: 'POST',
    path: '/cart/items',
    body: { item: key, quantity: val },
  }),
  refresh: (_, { refreshToken }) => ({
    method: 'POST',
    path: '/refresh',
    body: refreshToken === undefined ? {} : { refreshToken },
  }),
  logout: () => ({ method: 'POST', path: '/logout' }),
  'logout-everywhere': () => ({ method: 'POST', path: '/logout-everywhere' }),
};

export function requestLine(
  step: Step,
  f: Exclude<Operation, Transfer>,
  speaker: Speaker,
): RequestLine {
  return lines[f](step, speaker);
}
