// A key as a JSON Web Key (RFC 7517), and as something that signs. What cannot be trusted with
// tokens is refused: another curve, too few bits, a key meant for something else, numbers that
// belong to no key. Nothing here puts a key, or a part of one, into an error.

import { createPrivateKey, createPublicKey, createSecretKey, type KeyObject } from 'node:crypto';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, generateSecret, type JWK } from 'jose';
import { OperatingError } from '../core/errors.ts';
import { algorithms, secretBytesMin } from './algorithms.ts';
import type { SigningKey, TokenAlgorithm, TokenKey } from './key-ring.ts';

/** A new private key as JSON, for TOKEN_KEY. */
export async function newTokenKey(algorithm: TokenAlgorithm = 'EdDSA'): Promise<string> {
  const extractable = { extractable: true };
  const key =
    algorithm === 'HS256'
      ? await generateSecret(algorithm, extractable)
      : (await generateKeyPair(algorithm, extractable)).privateKey;
  return JSON.stringify(await exportJWK(key));
}

/** @throws OperatingError `unfit-key` */
export async function readTokenKey(jwk: JWK): Promise<TokenKey | SigningKey> {
  const name = algorithmOf(jwk);
  const algorithm = algorithms[name];
  const isSecret = algorithm.publicMembers.length === 0;
  const { publicKey, secretKey } = keysIn(jwk, isSecret, name);
  const exported = publicKey.export({ format: 'jwk' }) as JWK;
  const id = await calculateJwkThumbprint(exported);
  const key: TokenKey = {
    algorithm: name,
    id,
    publicJwk: isSecret ? undefined : { ...exported, kid: id, alg: name, use: 'sig' },
    verify: (text, signature) => algorithm.verify(text, publicKey, signature),
  };
  if (secretKey === undefined) return key;
  const signing = { ...key, sign: (text: string) => algorithm.sign(text, secretKey) };
  if (!key.verify('proof', signing.sign('proof'))) throw unfit('its two halves are of two keys');
  return signing;
}

export function canSign(key: TokenKey | undefined): key is SigningKey {
  return key !== undefined && 'sign' in key;
}

function algorithmOf(jwk: JWK): TokenAlgorithm {
  for (const name of ['EdDSA', 'ES256', 'HS256'] as const) {
    const { kty, crv } = algorithms[name];
    if (jwk.kty !== kty || jwk.crv !== crv) continue;
    const agrees = (jwk.alg ?? name) === name && (jwk.use ?? 'sig') === 'sig';
    if (agrees) return name;
    throw unfit('it says itself that it is for something else');
  }
  throw unfit('it is neither an Ed25519 nor a P-256 nor a secret key');
}

/** Without the part that signs, `secretKey` is undefined. */
function keysIn(jwk: JWK, isSecret: boolean, name: TokenAlgorithm) {
  const { publicMembers, secretMember } = algorithms[name];
  try {
    if (isSecret) {
      const secret = createSecretKey(bytesOfSecret(jwk.k));
      return { publicKey: secret, secretKey: secret };
    }
    const publicJwk = pick(jwk, publicMembers);
    const publicKey = createPublicKey({ key: publicJwk, format: 'jwk' });
    if (jwk.d === undefined) return { publicKey, secretKey: undefined };
    const whole = pick(jwk, [...publicMembers, secretMember]);
    const secretKey: KeyObject = createPrivateKey({ key: whole, format: 'jwk' });
    return { publicKey, secretKey };
  } catch (error) {
    if (error instanceof OperatingError) throw error;
    throw unfit('its numbers make no key');
  }
}

/** Sixteen different bytes are what 256 random bits always have, and a repeated word has not. */
function bytesOfSecret(k: unknown): Buffer {
  if (typeof k !== 'string') throw unfit('its numbers make no key');
  const bytes = Buffer.from(k, 'base64url');
  if (bytes.length < secretBytesMin) throw unfit('it has fewer than 256 bits');
  if (new Set(bytes).size < 16) throw unfit('it is not random');
  return bytes;
}

function pick(jwk: JWK, members: readonly string[]): JWK {
  return Object.fromEntries(Object.entries(jwk).filter(([name]) => members.includes(name))) as JWK;
}

export function unfit(because: string): OperatingError {
  const detail =
    `No key to sign tokens with: ${because}. Set TOKEN_KEY, or the file TOKEN_KEY_FILE, to a ` +
    'private Ed25519 or P-256 key or a secret of 256 bits as a JSON Web Key, or to a JWK Set ' +
    'that begins with one; newTokenKey() makes one.';
  return new OperatingError('unfit-key', { detail });
}
