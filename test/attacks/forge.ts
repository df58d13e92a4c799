// What an attacker makes tokens with: a token, the public keys, keys of their own. And, because a
// check that comes after the signature is only reached behind a good one, our keys as well: whoever
// has those can make tokens, but not such as we would never make.

import { createHmac, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import type { SigningKey } from '../../src/keys/key-ring.ts';

type Members = Record<string, unknown>;
type Part = string | Buffer | readonly unknown[] | Members | null;
type Signer = (text: string) => Buffer | string;

export interface Loot {
  /** Accepted by every server whose strategy is a token. */
  readonly token: string;
  readonly header: Members;
  readonly claims: Members;
  readonly ed: SigningKey;
  readonly ec: SigningKey;
  readonly hmac: SigningKey;
  /** Once ours. */
  readonly retired: SigningKey;
  /** Whoever connects here is counted. */
  readonly trap: string;
}

export function lootOf(found: Omit<Loot, 'header' | 'claims'>): Loot {
  const [header = '', payload = ''] = found.token.split('.');
  const read = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString());
  return { ...found, header: read(header), claims: read(payload) };
}

const own = generateKeyPairSync('ed25519');
export const ownJwk = own.publicKey.export({ format: 'jwk' });

export const by = {
  ours:
    (key: SigningKey): Signer =>
    (text) =>
      key.sign(text),
  /** The attacker's own key. */
  me: ((text) => sign(null, Buffer.from(text), own.privateKey)) as Signer,
  secret: (secret: string | Buffer): Signer => {
    return (text) => createHmac('sha256', secret).update(text).digest();
  },
  nobody: (() => '') as Signer,
};

export function b64(part: Part): string {
  const isRaw = typeof part === 'string' || Buffer.isBuffer(part);
  return Buffer.from(isRaw ? part : JSON.stringify(part)).toString('base64url');
}

/** Strings and bytes go in as they are, anything else as JSON. */
export function compact(header: Part, claims: Part, signer: Signer): string {
  const input = `${b64(header)}.${b64(claims)}`;
  const signature = signer(input);
  return `${input}.${typeof signature === 'string' ? signature : b64(signature)}`;
}

/** The header of what the key signs, as we write it. */
export const headerOf = ({ algorithm, id }: SigningKey) => ({
  alg: algorithm,
  typ: 'at+jwt',
  kid: id,
});

/** These claims, signed as we sign. */
export const ours = ({ ed }: Loot, claims: Part) => compact(headerOf(ed), claims, by.ours(ed));

/** The public key in every form in which it might be taken for a secret. */
export function publicForms(key: SigningKey): Readonly<Record<string, string | Buffer>> {
  const { kid: _, alg: __, use: ___, ...jwk } = key.publicJwk ?? {};
  const object = createPublicKey({ key: jwk, format: 'jwk' });
  const pem = object.export({ type: 'spki', format: 'pem' }).toString();
  return {
    'a JWK': JSON.stringify(key.publicJwk),
    'a bare JWK': JSON.stringify(jwk),
    PEM: pem,
    'PEM without its last line break': pem.trim(),
    DER: object.export({ type: 'spki', format: 'der' }),
    'raw bytes': Buffer.from(String(jwk.x), 'base64url'),
    base64url: String(jwk.x),
    'its thumbprint': key.id,
  };
}

/** The parts of a token, one of them replaced. */
export function withPart(token: string, at: number, part: string): string {
  return token.split('.').with(at, part).join('.');
}
