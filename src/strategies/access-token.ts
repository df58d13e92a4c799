// The access token: a session written down and signed (RFC 7519, RFC 9068). Here it is made and
// read; whether it has expired is for the reader of the clock to say. What we did not issue in this
// very form is refused before any cryptography: a header has one spelling for each key of our own
// ring, so a text that begins otherwise (another algorithm, a key of its own, a URL to fetch one
// from) is none of ours. The rest has one spelling as well: that in which we would write it.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import Type, { type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { limits } from '../core/limits.ts';
import type { AnonymousReason } from '../core/recognition.ts';
import { expiresAt, type Fields, type Session } from '../core/session.ts';
import type { KeyRing, TokenKey } from '../keys/key-ring.ts';
import { tooLarge } from './login.ts';
import type { StrategyOptions } from './strategy.ts';

const Text = Type.String({ minLength: 1 });
const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });

/** Every claim is required. The registered ones are in seconds, ours (`s..`) in milliseconds. */
const Claims = Type.Object(
  {
    iss: Text,
    aud: Text,
    client_id: Text,
    sub: Text,
    name: Text,
    jti: Text,
    iat: Count,
    exp: Count,
    /** The session: its id, its handle, and its revision as this token has it. */
    sid: Text,
    shn: Text,
    srv: Count,
    /** How often the user's sessions had all been ended, and the schema version of the data. */
    epoch: Count,
    sdv: Count,
    /** Its clocks: created, last seen, authenticated, rotated; and the absolute limit. */
    sca: Count,
    sla: Count,
    saa: Count,
    sra: Count,
    sxa: Count,
    /** The session's fields. */
    data: Type.Record(Type.String(), Type.Unknown()),
  },
  { additionalProperties: false },
);
type Claims = Static<typeof Claims>;
const claimsForm = Compile(Claims);

export interface ReadToken {
  /** Frozen to the ground. */
  readonly session: Session;
  /** In milliseconds; rounded down to a second. */
  readonly issuedAt: number;
}

/** `unknown-key`: perhaps it is ours, signed with a key that this server has not heard of yet. */
export type Unread = AnonymousReason | 'unknown-key';

export interface AccessTokens {
  /**
   * Signs the session as it is now.
   *
   * @throws OperatingError `session-too-large` when the token exceeds `limits.credentialBytesMax`
   */
  write(session: Session, now: number): string;
  /** What the token tells, expired or not; or why it tells nothing. */
  read(token: string): ReadToken | Unread;
  /** When a token of this session, as it is now, ends; writing it anew does not move this. */
  endOf(session: Session): number;
}

export function accessTokens(options: StrategyOptions): AccessTokens {
  const { audience, lifetimes, keys } = options;
  assert(keys !== undefined, 'who signs needs keys');
  const lifetimeMs = Math.min(lifetimes.accessTokenMs, lifetimes.idleMs);
  const signers = new Signers(keys);
  const endOf = (session: Session) => Math.min(expiresAt(session), session.lastSeenAt + lifetimeMs);

  return {
    write(session, now) {
      const key = keys.signing();
      const claims = claimsOf(session, audience, now, endOf(session));
      const input = `${signers.headerOf(key)}.${encode(JSON.stringify(claims))}`;
      const token = `${input}.${key.sign(input).toString('base64url')}`;
      if (token.length > limits.credentialBytesMax) throw tooLarge('the token can carry no more');
      return token;
    },

    read(token) {
      const parts = token.length > limits.credentialBytesMax ? null : compactForm.exec(token);
      if (parts === null) return 'malformed';
      const [, header = '', payload = '', signature = ''] = parts;
      if (!isCanonical(payload) || !isCanonical(signature)) return 'malformed';
      const key = signers.keyOf(header);
      if (typeof key === 'string') return key;
      const input = token.slice(0, -signature.length - 1);
      if (!key.verify(input, Buffer.from(signature, 'base64url'))) return 'bad-signature';
      const claims = claimsIn(payload);
      const fit = claimsForm.Check(claims) && isPlausible(claims, audience, lifetimeMs);
      if (!fit) return 'wrong-claims';
      return { session: sessionIn(claims, lifetimeMs), issuedAt: claims.iat * 1000 };
    },

    endOf,
  };
}

function encode(text: string): string {
  return Buffer.from(text).toString('base64url');
}

/** Each key has one header, as text. The key that a header names is looked for in our own ring. */
class Signers {
  readonly #keys: KeyRing;
  readonly #byHeader = new Map<string, TokenKey>();

  constructor(keys: KeyRing) {
    this.#keys = keys;
  }

  /** `typ` keeps what is signed for another purpose apart (RFC 8725 section 3.11). */
  headerOf({ algorithm, id }: TokenKey): string {
    return encode(`{"alg":"${algorithm}","typ":"at+jwt","kid":"${id}"}`);
  }

  keyOf(header: string): TokenKey | Unread {
    const known = this.#byHeader.get(header);
    const id = known?.id ?? keyIdIn(header);
    if (id === undefined) return 'bad-signature';
    const key = this.#keys.verifying(id);
    if (key === undefined) return this.#keys.mayExist(id) ? 'unknown-key' : 'bad-signature';
    if (key === known) return key;
    if (header !== this.headerOf(key)) return 'bad-signature';
    if (this.#byHeader.size >= headersMax) this.#byHeader.clear();
    this.#byHeader.set(header, key);
    return key;
  }
}

/** More keys than are ever good at once. */
const headersMax = 16;

const headerForm = /^\{"alg":"\w{5}","typ":"at\+jwt","kid":"([\w-]{43})"\}$/;

/** The name of a key, for a header in our form; which key it is decides about the rest. */
function keyIdIn(header: string): string | undefined {
  return headerForm.exec(Buffer.from(header, 'base64url').toString('latin1'))?.[1];
}

const compactForm = /^([\w-]{1,128})\.([\w-]+)\.([\w-]+)$/;

/** The one spelling of these bytes: base64url leaves bits unused that could spell them again. */
function isCanonical(part: string): boolean {
  const strayChars = part.length % 4;
  if (strayChars === 0) return true;
  const lastChars = { 2: 'AQgw', 3: 'AEIMQUYcgkosw048' }[strayChars];
  return lastChars?.includes(part.slice(-1)) ?? false;
}

/** Undefined unless this is how we would write it: no member twice, no blank, no other escape. */
function claimsIn(payload: string): unknown {
  try {
    const text = Buffer.from(payload, 'base64url').toString();
    const claims: unknown = JSON.parse(text);
    return JSON.stringify(claims) === text ? claims : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Our key may serve others as well, or have served us under other rules: a claim is not a fact. */
function isPlausible(claims: Claims, audience: string, lifetimeMs: number): boolean {
  const { iss, aud, iat, exp, sla } = claims;
  if (iss !== audience || aud !== audience) return false;
  return sla < (iat + 1) * 1000 && iat < exp && exp * 1000 < sla + lifetimeMs + 1000;
}

/**
 * `exp` is rounded up to a second for others; our own readers have the exact time from `sla`. Our
 * clock may be behind that of the server that saw the user last: `iat` is never before `sla`.
 */
function claimsOf(session: Session, audience: string, now: number, end: number): Claims {
  return {
    iss: audience,
    aud: audience,
    client_id: audience,
    sub: session.userId,
    name: session.userName,
    jti: randomBytes(16).toString('base64url'),
    iat: Math.floor(Math.max(now, session.lastSeenAt) / 1000),
    exp: Math.ceil(end / 1000),
    sid: session.id,
    shn: session.handle,
    srv: session.revision,
    epoch: session.epoch,
    sdv: session.dataVersion,
    sca: session.createdAt,
    sla: session.lastSeenAt,
    saa: session.authenticatedAt,
    sra: session.rotatedAt,
    sxa: session.absoluteExpiresAt,
    data: session.fields,
  };
}

function sessionIn(claims: Claims, lifetimeMs: number): Session {
  return Object.freeze({
    id: claims.sid,
    handle: claims.shn,
    userId: claims.sub,
    userName: claims.name,
    createdAt: claims.sca,
    lastSeenAt: claims.sla,
    authenticatedAt: claims.saa,
    rotatedAt: claims.sra,
    absoluteExpiresAt: claims.sxa,
    idleExpiresAt: Math.min(claims.sla + lifetimeMs, claims.exp * 1000),
    revision: claims.srv,
    epoch: claims.epoch,
    dataVersion: claims.sdv,
    // JSON by construction: it was parsed from a text.
    fields: frozen(claims.data as Fields),
  });
}

/** With all that it holds, however deep. */
export function frozen<T extends object>(value: T): T {
  for (const part of Object.values(value)) {
    if (typeof part === 'object' && part !== null) frozen(part);
  }
  return Object.freeze(value);
}
