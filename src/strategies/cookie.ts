// How a session credential travels: in a cookie (RFC 6265bis), or in `x-session-id` for tools. All
// that a browser can do for us is asked for: no script reads the cookie (HttpOnly), other sites do
// not send it along (SameSite), and under its `__Host-` name a browser takes it neither from a
// neighbouring host nor over plain HTTP. On loopback without TLS it goes without the last two.
// Only space and tab are blanks before a name: a server that skips more than these can be made to
// read a cookie that the browser did not protect.

import { LRUCache } from 'lru-cache';
import { Credential } from '../core/credential.ts';
import type { AnonymousReason } from '../core/recognition.ts';
import type { Issue, RequestHeaders } from './strategy.ts';

/** A request with more credentials than this is not a browser's, and asks too much of a store. */
const credentialsMax = 4;

export interface SessionCookie {
  /** The credentials that a request carries, without asking whether they are valid. */
  credentialsIn(headers: RequestHeaders): readonly Credential[] | AnonymousReason;
  /** The credential that a browser sent by itself, if it sent one only. */
  loneIn(headers: RequestHeaders): Credential | undefined;
  /** Hands the credential to the client, for so many milliseconds. */
  hand(credential: Credential, lifetimeMs: number): Issue;
  /** Takes it back, with the attributes of setting: any others would name another cookie. */
  readonly takeBack: Issue;
}

export function sessionCookie(secure: boolean): SessionCookie {
  const name = secure ? '__Host-session' : 'session';
  const attributes = `Path=/; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`;
  const mark = `${name}=`;

  const set = (value: string, maxAge: number): Issue => ({
    headers: [['set-cookie', `${name}=${value}; Max-Age=${maxAge}; ${attributes}`]],
    body: {},
  });

  function credentialsIn(headers: RequestHeaders): readonly Credential[] | AnonymousReason {
    const { 'x-session-id': id, cookie = '' } = headers;
    const field = typeof cookie === 'string' ? cookie : cookie.join(';');
    const texts = id === undefined ? valuesOf(mark, field) : [id];
    if (texts.length === 0) return 'no-credential';
    const only = texts.length === 1 ? parse(texts[0]) : undefined;
    if (only !== undefined) return [only];
    const credentials = [...new Set(texts)].flatMap((text) => parse(text) ?? []);
    const credible = credentials.length > 0 && credentials.length <= credentialsMax;
    return credible ? credentials : 'malformed';
  }

  return {
    credentialsIn,
    loneIn(headers) {
      const found = headers['x-session-id'] === undefined ? credentialsIn(headers) : [];
      return typeof found !== 'string' && found.length === 1 ? found[0] : undefined;
    },
    hand: (credential, lifetimeMs) => set(credential.reveal(), Math.floor(lifetimeMs / 1000)),
    takeBack: set('', 0),
  };
}

/** The values of every cookie of this name, in order; looked for, because most fields hold one. */
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

/** What a text means never changes, and most requests bring one that was read before. */
const recentlyRead = new LRUCache<string, Credential>({ max: 10_000 });

function parse(text: string | readonly string[] | undefined): Credential | undefined {
  if (typeof text !== 'string') return undefined;
  const known = recentlyRead.get(text);
  if (known !== undefined) return known;
  const credential = Credential.parse(text);
  if (credential !== undefined) recentlyRead.set(text, credential);
  return credential;
}
