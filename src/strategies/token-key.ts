// The key that signs access tokens: a private JSON Web Key (RFC 7517). The key decides the
// algorithm, never the token that is to be verified (RFC 8725 section 3.1). All servers of one
// service are given the same key. Nothing here puts a key, or a part of one, into an error.

import {
  type CryptoKey,
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  importJWK,
  type JWK,
} from 'jose';

/** Neither leaves its user a parameter to choose badly, and neither has short keys. */
const algorithms = [
  { kty: 'OKP', crv: 'Ed25519', algorithm: 'EdDSA' },
  { kty: 'EC', crv: 'P-256', algorithm: 'ES256' },
] as const;

export type TokenAlgorithm = (typeof algorithms)[number]['algorithm'];

export interface TokenKey {
  /** The one algorithm of this key, and the only one that is accepted. */
  readonly algorithm: TokenAlgorithm;
  /** The thumbprint (RFC 7638). */
  readonly id: string;
  readonly signing: CryptoKey;
  readonly verifying: CryptoKey;
}

/** A new private key as JSON, for `StrategyOptions.tokenKey`. */
export async function newTokenKey(algorithm: TokenAlgorithm = 'EdDSA'): Promise<string> {
  const { privateKey } = await generateKeyPair(algorithm, { extractable: true });
  return JSON.stringify(await exportJWK(privateKey));
}

/** @throws Error saying what to set, when this is no key that can sign tokens. */
export async function readTokenKey(json: string | undefined): Promise<TokenKey> {
  if (json === undefined || json === '') throw unusable('there is none');
  const { kty, crv, x, y, d } = parse(json);
  const kind = algorithms.find((known) => known.kty === kty && known.crv === crv);
  if (kind === undefined) throw unusable('it is neither an Ed25519 nor a P-256 key');
  if (d === undefined) throw unusable('it is a public key, which cannot sign');
  const { algorithm } = kind;
  const publicKey = { kty: kind.kty, crv: kind.crv, ...(x && { x }), ...(y && { y }) };
  try {
    const id = await calculateJwkThumbprint(publicKey);
    const verifying = await importJWK(publicKey, algorithm);
    const signing = await importJWK({ ...publicKey, d }, algorithm);
    return { algorithm, id, signing, verifying };
  } catch {
    throw unusable('its numbers make no key');
  }
}

function parse(json: string): JWK {
  try {
    const parsed: unknown = JSON.parse(json);
    if (typeof parsed === 'object' && parsed !== null) return parsed;
  } catch {
    // The parser's own message quotes the text, which is secret.
  }
  throw unusable('it is not a JSON object');
}

function unusable(because: string): Error {
  return new Error(
    `No key to sign tokens with: ${because}. Set TOKEN_KEY, or the file TOKEN_KEY_FILE, to a ` +
      'private Ed25519 or P-256 key as a JSON Web Key; newTokenKey() makes one.',
  );
}
