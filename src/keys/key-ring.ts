// The keys that sign and verify tokens. A key lives through four states: published (others learn of
// it), signing (one key at a time), verifying (tokens that it signed still live) and retired. So a
// key is known everywhere before it is used, and is kept until nothing that it signed can be valid.
// A verifier takes a key by its id from its own ring, and from nowhere else (RFC 8725 section 3.1).

import type { JWK } from 'jose';

/** One key decides its one algorithm, never the token that is to be verified. */
export type TokenAlgorithm = 'EdDSA' | 'ES256' | 'HS256';

/** Signs and verifies at once, without a turn of the event loop: see docs/adr/0013. */
export interface TokenKey {
  readonly algorithm: TokenAlgorithm;
  /** `kid`: the thumbprint (RFC 7638). */
  readonly id: string;
  /** For others; undefined for a secret key (HS256), which nobody else may have. */
  readonly publicJwk: JWK | undefined;
  /** False for any signature that is not this key's of this text, whatever its bytes. */
  verify(text: string, signature: Uint8Array): boolean;
}

export interface SigningKey extends TokenKey {
  sign(text: string): Buffer;
}

export interface KeyRingOptions {
  /** For rings that are given their keys: a private JWK, or a JWK Set whose first key signs. */
  readonly given?: string;
  /** For rings that servers share: the PostgreSQL that keeps them. */
  readonly url?: string;
  /** What a new key is for. */
  readonly algorithm: TokenAlgorithm;
  /** How long a key signs before the next one takes over, in milliseconds. */
  readonly rotationMs: number;
  /**
   * How long a token matters that a key signs; the key verifies for so long after it signed last.
   * As long as the session lasts unused, for an expired token still carries the data to a refresh,
   * and proves whose logout it is.
   */
  readonly tokenMs: number;
  readonly timeoutMs: number;
}

export interface KeyRings {
  /** One sentence: where the keys come from. */
  readonly says: string;
  /** @throws OperatingError `unfit-key`, or `store-unavailable` when no key can be had. */
  open(options: KeyRingOptions): Promise<KeyRing>;
}

export interface KeyRing extends AsyncDisposable {
  /** The key to sign with now. */
  signing(): SigningKey;
  /** The key of this id, if tokens that it signed may be accepted. Does no I/O. */
  verifying(id: string): TokenKey | undefined;
  /**
   * For an id that `verifying` does not know: true when there may be such a key all the same,
   * because this ring has not asked since it met the id, or cannot ask.
   */
  mayExist(id: string): boolean;
  /** Grows whenever a key is no longer accepted: what was verified before must be again. */
  readonly generation: number;
  /** The public keys, for others (RFC 7517); secret keys (HS256) are not among them. */
  jwks(): { readonly keys: readonly JWK[] };
}
