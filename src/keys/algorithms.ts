// THE table of the algorithms that tokens are signed with (RFC 7518, RFC 8037), each with the
// reason to use it. None has a parameter that its user could choose badly, and none is ever chosen
// by a token. They run in the calling thread: for texts as short as ours, handing them to another
// thread and back costs more than the signature.

import { createHmac, type KeyObject, sign, timingSafeEqual, verify } from 'node:crypto';
import { fromDer, toDer } from './ecdsa-signature.ts';
import type { TokenAlgorithm } from './key-ring.ts';

interface Algorithm {
  /** What a JSON Web Key for it looks like (RFC 7517). */
  readonly kty: string;
  readonly crv?: string;
  /** The members of the public key; none for a secret one. */
  readonly publicMembers: readonly string[];
  /** The member that must be kept secret. */
  readonly secretMember: string;
  /** When to use it. */
  readonly use: string;
  sign(text: string, key: KeyObject): Buffer;
  verify(text: string, key: KeyObject, signature: Uint8Array): boolean;
}

/** HMAC keys have at least as many bits as the hash (RFC 7518 section 3.2). */
export const secretBytesMin = 32;

export const algorithms: Readonly<Record<TokenAlgorithm, Algorithm>> = {
  EdDSA: {
    kty: 'OKP',
    crv: 'Ed25519',
    publicMembers: ['crv', 'kty', 'x'],
    secretMember: 'd',
    use: 'unless something speaks against it: others can verify, and no signature needs randomness',
    sign: (text, key) => sign(null, Buffer.from(text), key),
    verify: (text, key, signature) => verify(null, Buffer.from(text), key, signature),
  },
  ES256: {
    kty: 'EC',
    crv: 'P-256',
    publicMembers: ['crv', 'kty', 'x', 'y'],
    secretMember: 'd',
    use: 'where the verifiers or key stores of others know no Ed25519; each signature needs good randomness',
    sign: (text, key) => fromDer(sign('sha256', Buffer.from(text), key)),
    verify: (text, key, signature) => {
      const der = toDer(signature);
      return der !== undefined && verify('sha256', Buffer.from(text), key, der);
    },
  },
  HS256: {
    kty: 'oct',
    publicMembers: [],
    secretMember: 'k',
    use: 'where the servers that sign are the only ones that verify: by far the fastest, but whoever can verify can also sign',
    sign: hmac,
    verify: (text, key, signature) =>
      signature.length === secretBytesMin && timingSafeEqual(hmac(text, key), signature),
  },
};

function hmac(text: string, key: KeyObject): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
