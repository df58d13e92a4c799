// A head says of a log: after so many records the last one's hash was this. Kept outside the log it
// vouches for all that came before; signed, it cannot be replaced by who can only write there.
// Signatures are Ed25519 (RFC 8032) over 0x01 and the head's fields in a fixed order.

import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type JsonWebKey,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';
import { OperatingError } from '../core/errors.ts';

export interface Head {
  readonly log: string;
  /** The number of the last record that it vouches for. */
  readonly size: number;
  /** Hash of that record's line. */
  readonly hash: string;
  /** When it was made, ISO 8601 in UTC. */
  readonly time: string;
  /** What it vouches for may be gone, its time being over: the log may begin after it. */
  readonly retires?: boolean;
}

export interface SignedHead extends Head {
  /** base64url; null where the writer has no key. */
  readonly signature: string | null;
}

export function signHead(head: Head, key: KeyObject | undefined): SignedHead {
  const signature = key ? sign(null, signedBytes(head), key).toString('base64url') : null;
  return { ...head, signature };
}

export function isSignedBy(head: SignedHead, keys: readonly KeyObject[]): boolean {
  const signature = Buffer.from(head.signature ?? '', 'base64url');
  return keys.some((key) => verify(null, signedBytes(head), key, signature));
}

function signedBytes({ log, size, hash, time, retires }: Head): Buffer {
  const mark = retires ? { retires } : {};
  return Buffer.from(`\x01${JSON.stringify({ v: 1, log, size, hash, time, ...mark })}`);
}

/** A new private key as JSON, for AUDIT_KEY. */
export function newAuditKey(): string {
  return JSON.stringify(generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' }));
}

/** @throws OperatingError `unfit-key` */
export function readSigningKey(text: string): KeyObject {
  return keyFrom(text, ([jwk]) => createPrivateKey({ key: jwk ?? {}, format: 'jwk' }));
}

/**
 * The public halves of a key or of a set of keys.
 * @throws OperatingError `unfit-key`
 */
export function readVerifyingKeys(text: string): readonly KeyObject[] {
  return keyFrom(text, (jwks) =>
    jwks.map(({ kty, crv, x }) => {
      return createPublicKey({ key: { kty, crv, x } as Jwk, format: 'jwk' });
    }),
  );
}

type Jwk = JsonWebKey;

function keyFrom<T extends KeyObject | readonly KeyObject[]>(
  text: string,
  read: (jwks: readonly Jwk[]) => T,
): T {
  try {
    const given: Jwk & { readonly keys?: readonly Jwk[] } = JSON.parse(text);
    const found = read(given.keys ?? [given]);
    const all = [found].flat() as readonly KeyObject[];
    if (all.length > 0 && all.every((key) => key.asymmetricKeyType === 'ed25519')) return found;
  } catch {
    // What was thrown may quote the key.
  }
  const detail =
    'No key for the audit log: AUDIT_KEY, or the file AUDIT_KEY_FILE, is a private Ed25519 key as ' +
    'a JSON Web Key; `sessionlab audit key` makes one.';
  throw new OperatingError('unfit-key', { detail });
}
