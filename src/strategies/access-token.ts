// The access token: a session written down and signed (RFC 7519, RFC 9068). Here it is made and
// read; whether it has expired is for the reader of the clock to say. What we did not issue in this
// very form is refused before any cryptography: our tokens have one header, so a text that begins
// otherwise (another algorithm, a key of its own, a URL to fetch one from) is none of ours, and
// each has one spelling, because base64url leaves bits unused that could spell it again.

import { randomBytes } from 'node:crypto';
import { CompactSign, compactVerify, errors } from 'jose';
import Type, { type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { limits } from '../core/limits.ts';
import type { AnonymousReason } from '../core/recognition.ts';
import { expiresAt, type Fields, type Session } from '../core/session.ts';
import { tooLarge } from './login.ts';
import type { StrategyOptions } from './strategy.ts';
import { readTokenKey, type TokenKey } from './token-key.ts';

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

export interface AccessTokens {
  /**
   * Signs the session as it is now.
   *
   * @throws OperatingError `session-too-large` when the token exceeds `limits.credentialBytesMax`
   */
  write(session: Session, now: number): Promise<string>;
  /** The session that the token tells of, expired or not, frozen; or why it tells of none. */
  read(token: string): Promise<Session | AnonymousReason>;
  /** When a token of this session, as it is now, ends; writing it anew does not move this. */
  endOf(session: Session): number;
}

export async function accessTokens(options: StrategyOptions): Promise<AccessTokens> {
  const { audience, lifetimes } = options;
  const lifetimeMs = Math.min(lifetimes.accessTokenMs, lifetimes.idleMs);
  const key = await readTokenKey(options.tokenKey);
  const header = { alg: key.algorithm, typ: 'at+jwt', kid: key.id };
  const ourHeader = `${Buffer.from(JSON.stringify(header)).toString('base64url')}.`;
  const endOf = (session: Session) => Math.min(expiresAt(session), session.lastSeenAt + lifetimeMs);

  return {
    async write(session, now) {
      const claims = JSON.stringify(claimsOf(session, audience, now, endOf(session)));
      const unsigned = new CompactSign(Buffer.from(claims)).setProtectedHeader(header);
      const token = await unsigned.sign(key.signing);
      if (token.length > limits.credentialBytesMax) throw tooLarge('the token can carry no more');
      return token;
    },

    async read(token) {
      if (token.length > limits.credentialBytesMax || !isCompactForm(token)) return 'malformed';
      if (!token.startsWith(ourHeader)) return 'bad-signature';
      const claims = await signedBy(key, token);
      if (claims === undefined) return 'bad-signature';
      const fit = claimsForm.Check(claims) && isPlausible(claims, audience, lifetimeMs);
      return fit ? sessionIn(claims, lifetimeMs) : 'wrong-claims';
    },

    endOf,
  };
}

/** Three parts of base64url, each in its one spelling: no padding, no stray last bits. */
function isCompactForm(token: string): boolean {
  return /^[\w-]+\.[\w-]+\.[\w-]+$/.test(token) && token.split('.').every(isCanonical);
}

function isCanonical(part: string): boolean {
  const strayChars = part.length % 4;
  if (strayChars === 0) return true;
  const lastChars = { 2: 'AQgw', 3: 'AEIMQUYcgkosw048' }[strayChars];
  return lastChars?.includes(part.slice(-1)) ?? false;
}

/** What the key signed, frozen to the ground; undefined when it did not sign this. */
async function signedBy(key: TokenKey, token: string): Promise<unknown> {
  try {
    const { payload } = await compactVerify(token, key.verifying, { algorithms: [key.algorithm] });
    return JSON.parse(Buffer.from(payload).toString(), (_, value) => Object.freeze(value));
  } catch (error) {
    if (error instanceof errors.JOSEError || error instanceof SyntaxError) return undefined;
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
    fields: claims.data as Fields,
  });
}
