// Keys that whoever starts the servers gives to all of them, as TOKEN_KEY. Rotating them takes
// three rounds of restarts: first the new key is added behind the old one, so that every server
// knows it; then they change places; and when the last token of the old key has run out, it goes.

import type { JWK } from 'jose';
import type { KeyRings } from './key-ring.ts';
import { canSign, readTokenKey, unfit } from './token-key.ts';

export const given: KeyRings = {
  says: 'in TOKEN_KEY, the same for all servers; the first key signs, the others verify',
  async open({ given: text }) {
    const keys = await Promise.all(keysIn(text).map(readTokenKey));
    const [first] = keys;
    if (!canSign(first)) throw unfit('it is a public key, which cannot sign');
    const known = new Map(keys.map((key) => [key.id, key]));
    return {
      signing: () => first,
      verifying: (id) => known.get(id),
      mayExist: () => false,
      generation: 0,
      jwks: () => ({ keys: keys.flatMap(({ publicJwk }) => publicJwk ?? []) }),
      [Symbol.asyncDispose]: async () => undefined,
    };
  },
};

function keysIn(text: string | undefined): JWK[] {
  if (text === undefined || text === '') throw unfit('there is none');
  const parsed = parse(text);
  if (!isObject(parsed)) throw unfit('it is not a JSON object');
  const keys: unknown = 'keys' in parsed ? parsed.keys : [parsed];
  if (!Array.isArray(keys) || !keys.every(isObject)) throw unfit('it is no JWK Set');
  if (keys.length === 0) throw unfit('there is none');
  return keys;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own message quotes the text, which is secret.
    throw unfit('it is not a JSON object');
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
