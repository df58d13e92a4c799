// Sends so many mutants of real tokens through the recognition of a real strategy, whose ring has a
// key of each algorithm, and counts what it did with them.

import { createPublicKey } from 'node:crypto';
import type { JWK } from 'jose';
import { limits } from '../../src/core/limits.ts';
import { seededRandom } from '../../src/core/random.ts';
import { given } from '../../src/keys/given.ts';
import type { KeyRing, TokenKey } from '../../src/keys/key-ring.ts';
import { newTokenKey } from '../../src/keys/token-key.ts';
import { memory } from '../../src/stores/memory.ts';
import { token } from '../../src/strategies/token.ts';
import { type Loot, mutations } from './token-mutations.ts';

export interface Attack {
  readonly tried: number;
  /** By the family of the mutation. */
  readonly byFamily: Readonly<Record<string, number>>;
  readonly accepted: readonly string[];
  /** Mutants whose signature was computed with. */
  readonly reachedCrypto: number;
  readonly overlong: number;
  readonly overlongReachedCrypto: number;
}

const algorithms = ['EdDSA', 'ES256', 'HS256'] as const;
const lifetimes = {
  ...{ idleMs: 60_000, absoluteMs: 300_000, accessTokenMs: 20_000 },
  ...{ rotationGraceMs: 10_000, freshMs: 60_000 },
};

export async function attack(
  count: number,
  seed: string,
  progress: (tried: number) => void = () => undefined,
): Promise<Attack> {
  const random = seededRandom(seed);
  const target = await openTarget();
  const issued = new Set(target.loot.tokens);
  const families = Object.entries(mutations);
  const byFamily: Record<string, number> = {};
  const accepted: string[] = [];
  let [tried, reachedCrypto, overlong, overlongReachedCrypto] = [0, 0, 0, 0];
  while (tried < count) {
    const [family, mutate] = random.pick(families);
    const mutant = mutate(random.pick(target.loot.tokens), random, target.loot);
    if (issued.has(mutant)) continue;
    const before = target.verifications();
    const { kind } = await target.recognise(`Bearer ${mutant}`);
    const computed = target.verifications() - before;
    if (kind !== 'anonymous') accepted.push(`${family}: ${kind}: ${mutant}`);
    reachedCrypto += computed;
    if (mutant.length > limits.credentialBytesMax) {
      overlong += 1;
      overlongReachedCrypto += computed;
    }
    byFamily[family] = (byFamily[family] ?? 0) + 1;
    tried += 1;
    if (tried % 100_000 === 0) progress(tried);
  }
  return { tried, byFamily, accepted, reachedCrypto, overlong, overlongReachedCrypto };
}

async function openTarget() {
  const jwks = await Promise.all(algorithms.map(newTokenKey));
  const store = await memory.open({ timeoutMs: 1_000 });
  const start = (keys: KeyRing) => {
    const clock = { now: () => 1_800_000_000_000 };
    return token.start({ store, keys, clock, lifetimes, audience: 'test', secureCookies: true });
  };
  const open = (texts: readonly string[]) =>
    given.open({
      given: `{"keys":[${texts}]}`,
      ...{ algorithm: 'EdDSA', rotationMs: 86_400_000, tokenMs: 20_000, timeoutMs: 1_000 },
    });
  const tokens: string[] = [];
  for (const [at] of jwks.entries()) {
    const signer = await start(await open([...jwks.slice(at), ...jwks.slice(0, at)]));
    for (let user = 0; user < 8; user += 1) {
      const { body } = await signer.begin({ id: crypto.randomUUID(), name: `user${user}` }, {});
      tokens.push(String(body.accessToken));
    }
  }
  const { ring, verifications } = counting(await open(jwks));
  const target = await start(ring);
  const recognise = (authorization: string) => target.recognise({ authorization });
  for (const each of tokens) {
    const { kind } = await recognise(`Bearer ${each}`);
    if (kind !== 'recognised') throw new Error(`the target does not know its own token: ${kind}`);
  }
  return { recognise, verifications, loot: lootOf(tokens, ring.jwks().keys) };
}

/** The ring, with every use of a key counted. */
function counting(ring: KeyRing) {
  let count = 0;
  const watched = new Map<string, TokenKey>();
  const watch = (key: TokenKey): TokenKey => ({
    ...key,
    verify: (text, signature) => {
      count += 1;
      return key.verify(text, signature);
    },
  });
  const verifying = (id: string) => {
    const key = ring.verifying(id);
    if (key !== undefined && !watched.has(id)) watched.set(id, watch(key));
    return watched.get(id);
  };
  return { ring: { ...ring, verifying }, verifications: () => count };
}

function lootOf(tokens: readonly string[], publicJwks: readonly JWK[]): Loot {
  const publicTexts = publicJwks.flatMap((jwk) => {
    const key = createPublicKey({ key: { ...jwk }, format: 'jwk' });
    const pem = key.export({ type: 'spki', format: 'pem' }).toString();
    const raw = Buffer.from(jwk.x ?? '', 'base64url');
    const der = key.export({ type: 'spki', format: 'der' });
    return [pem, pem.trim(), der, raw, jwk.x ?? '', jwk.kid ?? '', JSON.stringify(jwk)];
  });
  return { tokens, publicJwks, publicTexts };
}
