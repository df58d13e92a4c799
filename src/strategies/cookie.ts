// How a session travels: in a cookie (RFC 6265bis), or in `x-session-id` for tools. All
// that a browser can do for us is asked for: no script reads the cookie (HttpOnly), other sites do
// not send it along (SameSite), and under its `__Host-` name a browser takes it neither from a
// neighbouring host nor over plain HTTP. On loopback without TLS it goes without the last two.
// Only space and tab are blanks before a name: a server that skips more than these can be made to
// read a cookie that the browser did not protect.

import { LRUCache } from 'lru-cache';
import { Credential } from '../core/credential.ts';
import { OperatingError } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import type { AnonymousReason } from '../core/recognition.ts';
import { tooLarge } from './login.ts';
import type { Issue, RequestHeaders, StrategyOptions } from './strategy.ts';

/** A request with more credentials than this is not a browser's, and asks too much of a store. */
export const credentialsMax = 4;
/** Bounds the memory of fields that were read, in characters. */
const cacheCharsMax = 4 * 1024 * 1024;

/** The cookie, whatever is in it. */
export interface Cookie {
  /** Each different text that a request brings, in the cookie or its stand-in for tools. */
  textsIn(headers: RequestHeaders): readonly string[];
  /** The same, in the cookie and in its stand-in: whoever ends something ends both. */
  allTextsIn(headers: RequestHeaders): readonly string[];
  /**
   * Hands the text to the client, for so many milliseconds.
   *
   * @throws OperatingError `session-too-large` above `limits.credentialBytesMax`
   */
  set(text: string, lifetimeMs: number): Issue;
  /** Takes it back, with the attributes of setting: any others would name another cookie. */
  readonly takeBack: Issue;
}

/** How cookies are named and protected. */
type Naming = Pick<StrategyOptions, 'secureCookies' | 'cookieName'>;

export function cookieOf({ secureCookies, cookieName = 'session' }: Naming): Cookie {
  const mark = `${secureCookies ? '__Host-' : ''}${cookieName}=`;
  const attributes = `Path=/; HttpOnly; SameSite=Lax${secureCookies ? '; Secure' : ''}`;

  function set(text: string, lifetimeMs: number): Issue {
    const maxAge = Math.floor(lifetimeMs / 1000);
    const field = `${mark}${text}; Max-Age=${maxAge}; ${attributes}`;
    if (field.length > limits.credentialBytesMax) throw tooLarge('the cookie can carry no more');
    return { headers: [['set-cookie', field]], body: {} };
  }

  function textsOf({ cookie = '' }: RequestHeaders): readonly string[] {
    const texts = valuesOf(mark, typeof cookie === 'string' ? cookie : cookie.join(';'));
    return texts.length > 1 ? [...new Set(texts)] : texts;
  }

  return {
    textsIn(headers) {
      const { 'x-session-id': id } = headers;
      if (typeof id === 'string') return [id];
      // Twice the same header field: neither counts.
      return id === undefined ? textsOf(headers) : [''];
    },
    allTextsIn: (headers) => [...new Set([headers['x-session-id'] ?? [], textsOf(headers)].flat())],
    set,
    takeBack: set('', 0),
  };
}

/**
 * What a request brings, for whoever is to end all of it.
 *
 * @throws OperatingError `invalid-request` above `credentialsMax`
 */
export function notTooMany<T>(presented: readonly T[]): readonly T[] {
  if (presented.length <= credentialsMax) return presented;
  const detail = `more than ${credentialsMax} sessions in one request`;
  throw new OperatingError('invalid-request', { detail });
}

/** Does a browser send by itself what this request brings? */
export function isSentByItself(headers: RequestHeaders): boolean {
  return headers['x-session-id'] === undefined;
}

export interface SessionCookie {
  /** The credentials that a request carries, without asking whether they are valid. */
  credentialsIn(headers: RequestHeaders): readonly Credential[] | AnonymousReason;
  /**
   * All of them, in the cookie and in its stand-in, for whoever is to end them.
   *
   * @throws OperatingError `invalid-request` above `credentialsMax`
   */
  allIn(headers: RequestHeaders): readonly Credential[];
  /** Hands the credential to the client, for so many milliseconds. */
  hand(credential: Credential, lifetimeMs: number): Issue;
  readonly takeBack: Issue;
}

export function sessionCookie(naming: Naming): SessionCookie {
  const cookie = cookieOf(naming);
  /** What a field means never changes, and most requests bring one that was read before. */
  const recentlyRead = new LRUCache<string, readonly Credential[]>({
    maxSize: cacheCharsMax,
    sizeCalculation: (_, field) => field.length,
  });
  return {
    credentialsIn(headers) {
      const { cookie: field, 'x-session-id': id } = headers;
      const name = typeof field === 'string' && id === undefined ? field : '';
      const known = recentlyRead.get(name);
      if (known !== undefined) return known;
      const texts = cookie.textsIn(headers);
      if (texts.length === 0) return 'no-credential';
      const credentials = texts.flatMap((text) => Credential.parse(text) ?? []);
      const credible = credentials.length > 0 && credentials.length <= credentialsMax;
      if (credible && name !== '') recentlyRead.set(name, credentials);
      return credible ? credentials : 'malformed';
    },
    allIn: (headers) =>
      notTooMany(cookie.allTextsIn(headers).flatMap((text) => Credential.parse(text) ?? [])),
    hand: (credential, lifetimeMs) => cookie.set(credential.reveal(), lifetimeMs),
    takeBack: cookie.takeBack,
  };
}

/** The values of every cookie of this name, in order. */
function valuesOf(mark: string, field: string): string[] {
  const values: string[] = [];
  for (let at = field.indexOf(mark); at >= 0; at = field.indexOf(mark, at + mark.length)) {
    if (!beginsAt(field, at)) continue;
    const end = field.indexOf(';', at);
    values.push(field.slice(at + mark.length, end < 0 ? field.length : end));
  }
  return values;
}

function beginsAt(field: string, at: number): boolean {
  let before = at - 1;
  while (field[before] === ' ' || field[before] === '\t') before -= 1;
  return before < 0 || field[before] === ';';
}
