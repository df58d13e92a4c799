// Sealing a text, so that whoever carries it can neither read nor change it: a JSON Web Encryption
// in compact form (RFC 7516), `dir` and `A256GCM`, made with node:crypto because that takes a third
// of the time of the asynchronous way. Every key has its id in the header; the first one seals, all
// of them unseal. What has not our very form is refused before any cryptography. A key may seal
// 2^32 texts (random nonces of 96 bits, NIST SP 800-38D): replace it long before.

import { createCipheriv, createDecipheriv, createHmac, hash, randomBytes } from 'node:crypto';
import { isSameText } from '../core/credential.ts';
import { OperatingError } from '../core/errors.ts';
import { limits } from '../core/limits.ts';

const keyBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;
const cipher = 'aes-256-gcm';
const form = /^([\w-]+)\.\.([\w-]{16})\.([\w-]+)\.([\w-]{22})$/;

interface SealingKey {
  /** The one header of what it seals, encoded; authenticated with the text. */
  readonly header: string;
  readonly secret: Buffer;
}

export interface Unsealed {
  readonly text: string;
  /** False when it is time to seal it anew, for its key is on its way out. */
  readonly byFirstKey: boolean;
}

export interface Sealing {
  seal(text: string): string;
  /** Why not, if we did not seal this. */
  unseal(sealed: string): Unsealed | 'malformed' | 'bad-signature';
  /** A text that only a holder of the keys can make of this one. */
  stamp(text: string): string;
  isStamp(stamp: string, text: string): boolean;
}

/** A new set of one key as JSON, for SEALING_KEYS. */
export function newSealingKeys(): string {
  const k = randomBytes(keyBytes).toString('base64url');
  return JSON.stringify({ keys: [{ kty: 'oct', alg: 'A256GCM', use: 'enc', k }] });
}

/** @throws OperatingError `unfit-key` when this is no set of keys that can seal. */
export function sealingWith(jwks: string | undefined): Sealing {
  const keys = readKeys(jwks ?? '').map(sealingKey);
  const [first] = keys;
  if (first === undefined) throw unfit('there is none');
  const byHeader = new Map(keys.map((key) => [key.header, key]));

  return {
    seal(text) {
      const nonce = randomBytes(nonceBytes);
      const sealer = createCipheriv(cipher, first.secret, nonce, { authTagLength: tagBytes });
      sealer.setAAD(Buffer.from(first.header));
      const sealed = Buffer.concat([sealer.update(text, 'utf8'), sealer.final()]);
      const parts = [nonce, sealed, sealer.getAuthTag()].map((part) => part.toString('base64url'));
      return `${first.header}..${parts.join('.')}`;
    },

    unseal(sealed) {
      const parts = sealed.length <= limits.credentialBytesMax ? form.exec(sealed) : null;
      if (parts === null) return 'malformed';
      const [, header = '', ...rest] = parts;
      const [nonce, text, tag] = rest.map((part) => Buffer.from(part, 'base64url'));
      const isCanonical = [nonce, text, tag].every((part, at) => encoded(part) === rest[at]);
      if (!isCanonical || !nonce || !text || !tag) return 'malformed';
      const key = byHeader.get(header);
      if (key === undefined) return 'bad-signature';
      const unsealer = createDecipheriv(cipher, key.secret, nonce, { authTagLength: tagBytes });
      unsealer.setAAD(Buffer.from(header)).setAuthTag(tag);
      try {
        const plain = Buffer.concat([unsealer.update(text), unsealer.final()]);
        return { text: plain.toString(), byFirstKey: key === first };
      } catch {
        return 'bad-signature';
      }
    },

    stamp: (text) => stampOf(first, text),
    isStamp: (stamp, text) => keys.some((key) => isSameText(stamp, stampOf(key, text))),
  };
}

function encoded(part: Buffer | undefined): string | undefined {
  return part?.toString('base64url');
}

function stampOf({ secret }: SealingKey, text: string): string {
  const own = createHmac('sha256', secret).update('stamp').digest();
  return createHmac('sha256', own).update(text).digest('base64url');
}

/** Sixteen different bytes are what 256 random bits always have, and a repeated word has not. */
function sealingKey(jwk: unknown): SealingKey {
  const { kty, alg = 'A256GCM', use = 'enc', k } = Object(jwk) as Record<string, unknown>;
  if (kty !== 'oct' || typeof k !== 'string') throw unfit('one is no secret key');
  if (alg !== 'A256GCM' || use !== 'enc') throw unfit('one is for something else, as it says');
  const secret = Buffer.from(k, 'base64url');
  if (secret.length !== keyBytes || encoded(secret) !== k) throw unfit('one has not 256 bits');
  if (new Set(secret).size < 16) throw unfit('one is not random');
  // The thumbprint (RFC 7638): of 256 random bits it gives nothing away.
  const kid = hash('sha256', JSON.stringify({ k, kty }), 'base64url');
  const header = JSON.stringify({ alg: 'dir', enc: 'A256GCM', kid });
  return { secret, header: Buffer.from(header).toString('base64url') };
}

function readKeys(jwks: string): readonly unknown[] {
  try {
    const { keys } = Object(JSON.parse(jwks)) as { keys?: unknown };
    if (Array.isArray(keys)) return keys;
  } catch {
    // The parser's own message quotes the text, which is secret.
  }
  throw unfit('this is no JSON Web Key Set');
}

function unfit(because: string): OperatingError {
  const detail =
    `No keys to seal cookies with: ${because}. Set SEALING_KEYS, or the file SEALING_KEYS_FILE, ` +
    'to a JSON Web Key Set of A256GCM keys, the first of which seals; newSealingKeys() makes one.';
  return new OperatingError('unfit-key', { detail });
}
