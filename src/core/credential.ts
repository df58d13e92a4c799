// What a client presents to be recognised: `id.secret`. The id finds the session; the secret proves
// that this client was given it, and is stored only as its SHA-256, so that a stolen table of
// sessions opens none of them. A credential prints itself redacted wherever it is printed by
// accident; `reveal()` is the one way out. It says nothing about who the user is.

import { createHmac, hash, randomBytes, timingSafeEqual } from 'node:crypto';
import { inspect } from 'node:util';

const tagBytes = 9;
const randomIdBytes = 18;
const secretBytes = 32;
const shape = /^([A-Za-z0-9_-]{36})\.([A-Za-z0-9_-]{43})$/;

/** What it opens: a session by itself, or no more than the renewal of a token. */
export type Purpose = 'session' | 'refresh';
/** Hashed before the secret, so that what was issued for one purpose never serves the other. */
const hashedWith: Readonly<Record<Purpose, string>> = { session: '', refresh: 'refresh:' };

export class Credential {
  readonly id: string;
  readonly purpose: Purpose;
  readonly #secret: string;
  #hash: string | undefined;
  /** A stored hash that this credential was found to match. */
  #proven: string | undefined;

  private constructor(id: string, secret: string, purpose: Purpose) {
    this.id = id;
    this.#secret = secret;
    this.purpose = purpose;
  }

  /** A new id with 144 random bits, and a secret with 256 (ASVS 5.0 7.2.3), for one user. */
  static issue(userId: string, purpose: Purpose = 'session'): Credential {
    return Credential.reissue(newSessionId(userId), purpose);
  }

  /** The same id with a new secret (rotation). */
  static reissue(id: string, purpose: Purpose = 'session'): Credential {
    return new Credential(id, randomBytes(secretBytes).toString('base64url'), purpose);
  }

  /** undefined for any text that was never issued in this exact form; costs no I/O. */
  static parse(text: string, purpose: Purpose = 'session'): Credential | undefined {
    const match = text.length === 80 ? shape.exec(text) : null;
    if (match?.[1] === undefined || match[2] === undefined) return undefined;
    // 43 characters hold 258 bits: of the last one, two must be zero, or one secret has four names.
    if (!'AEIMQUYcgkosw048'.includes(match[2].charAt(42))) return undefined;
    return new Credential(match[1], match[2], purpose);
  }

  /** What a store keeps in place of the secret. */
  get secretHash(): string {
    this.#hash ??= hash('sha256', hashedWith[this.purpose] + this.#secret, 'base64url');
    return this.#hash;
  }

  /** Compares in constant time with a stored hash. */
  matches(secretHash: string): boolean {
    if (secretHash === this.#proven) return true;
    if (!isSameText(this.secretHash, secretHash)) return false;
    this.#proven = secretHash;
    return true;
  }

  /**
   * Another secret that only a holder of this one can know, one for each purpose: of 256 bits, in
   * base64url. Nothing of this secret can be told from it.
   */
  derive(purpose: string): string {
    return hmac(this.#secret, purpose);
  }

  /** The successor's secret for whoever holds this one: a one-time pad, for one successor. */
  seal(successor: Credential): string {
    return xor(this.#secretPad(), successor.#secretBytes()).toString('base64url');
  }

  /** The successor that `seal` was given. */
  unseal(sealed: string): Credential {
    const secret = xor(this.#secretPad(), Buffer.from(sealed, 'base64url'));
    return new Credential(this.id, secret.toString('base64url'), this.purpose);
  }

  /** What a form carries to show that its page was made for a holder of this credential. */
  get formToken(): string {
    return hmac(this.#secretPad(), 'csrf');
  }

  /** The form token of the credential before, from what that one sealed this one as. */
  formTokenBefore(sealed: string): string {
    return hmac(xor(this.#secretBytes(), Buffer.from(sealed, 'base64url')), 'csrf');
  }

  #secretPad(): Buffer {
    return Buffer.from(this.derive('successor'), 'base64url');
  }

  #secretBytes(): Buffer {
    return Buffer.from(this.#secret, 'base64url');
  }

  /** The text that goes to the client, and nowhere else. */
  reveal(): string {
    return `${this.id}.${this.#secret}`;
  }

  toString(): string {
    return '[credential]';
  }

  toJSON(): string {
    return '[credential]';
  }

  [inspect.custom](): string {
    return '[credential]';
  }
}

/** A public name for a session, for device lists, logs and the audit: finds it, opens nothing. */
export function newHandle(): string {
  return randomBytes(12).toString('base64url');
}

/** This many first characters of a session id are the same for all sessions of one user. */
export const userTagChars = 12;

/** Lets a store that is spread over several machines keep one user's sessions together. */
export function userTag(userId: string): string {
  return hash('sha256', `user-tag:${userId}`, 'buffer').subarray(0, tagBytes).toString('base64url');
}

/** Takes the same time wherever they differ. */
export function isSameText(one: string, other: string): boolean {
  const [mine, theirs] = [Buffer.from(one), Buffer.from(other)];
  return mine.length === theirs.length && timingSafeEqual(mine, theirs);
}

function hmac(key: string | Buffer, text: string): string {
  return createHmac('sha256', key).update(text).digest('base64url');
}

function xor(pad: Buffer, bytes: Buffer): Buffer {
  return Buffer.from(bytes.map((byte, at) => byte ^ (pad[at] ?? 0)));
}

function newSessionId(userId: string): string {
  return userTag(userId) + randomBytes(randomIdBytes).toString('base64url');
}
