// What does a token cost that the server has not seen? There are so many that none is in a cache
// when it comes again: ours holds about half of them, and forgets the oldest. Peers are given tokens
// with the same claims, and have no cache. The limit is asked without tokens.

import { importJWK, SignJWT } from 'jose';
import { openBacking } from '../src/backing/backing.ts';
import { systemClock } from '../src/core/clock.ts';
import { lifetimes } from '../src/core/limits.ts';
import { given } from '../src/keys/given.ts';
import { newTokenKey } from '../src/keys/token-key.ts';
import { memory } from '../src/stores/memory.ts';
import { token } from '../src/strategies/token.ts';
import { compare } from './compare.ts';
import { measure } from './load.ts';
import type { How } from './requests.ts';
import { limit, ours, peer } from './subjects.ts';

const tokenCount = 30_000;
const algorithms = ['HS256', 'EdDSA'] as const;
type Algorithm = (typeof algorithms)[number];

type Bearer = { readonly authorization: string };

export async function compareFirstTokens({ only, ...how }: How, pin: boolean): Promise<void> {
  await using backing = await openBacking();
  const databaseUrl = await backing.createDatabase('bench');
  const tokens = new Map<string, () => Bearer>();
  const subjects = [limit];
  for (const algorithm of algorithms) {
    const key = await newTokenKey(algorithm);
    const env = { STRATEGY: 'token', STORE: 'memory', TOKEN_KEY: key, TOKEN_ALGORITHM: algorithm };
    const own = ours(`token, ${algorithm}`, { databaseUrl }, env);
    const peers = [
      peer(`@fastify/jwt, ${algorithm}`, 'fastify-jwt', { TOKEN_KEY: key }),
      peer(`fastify with jose, ${algorithm}`, 'fastify-jose', { TOKEN_KEY: key }),
    ];
    const wanted = [own, ...peers].filter(
      ({ name }) => only.length === 0 || only.some((word) => name.includes(word)),
    );
    subjects.push(...wanted);
    const issued = await issue(key);
    const theirs = await signLike(issued, key, algorithm);
    for (const each of wanted) tokens.set(each.name, inTurn(each === own ? issued : theirs));
  }
  const title = 'GET /dashboard, with a token that was not seen before';
  const load: typeof measure = (subject, seconds) =>
    measure(subject, seconds, tokens.get(subject.name));
  await compare({ title, subjects, measure: load, ...how }, pin);
}

function inTurn(bearers: readonly Bearer[]): () => Bearer {
  let at = 0;
  return () => {
    at = (at + 1) % bearers.length;
    return bearers[at] as Bearer;
  };
}

/** As our server would, without its password hashing. */
async function issue(key: string): Promise<readonly Bearer[]> {
  const timeoutMs = 1_000;
  const opening = {
    given: key,
    algorithm: 'EdDSA',
    rotationMs: 1e9,
    tokenMs: 1e9,
    timeoutMs,
  } as const;
  await using keys = await given.open(opening);
  await using store = await memory.open({ timeoutMs });
  const own = { audience: 'sessionlab', secureCookies: false };
  const recogniser = await token.start({ store, keys, clock: systemClock, lifetimes, ...own });
  const bearers: Bearer[] = [];
  for (let at = 0; at < tokenCount; at += 1) {
    const { body } = await recogniser.begin({ id: `user-${at}`, name: 'alice' }, {});
    bearers.push({ authorization: `Bearer ${body.accessToken}` });
  }
  return bearers;
}

async function signLike(bearers: readonly Bearer[], key: string, alg: Algorithm) {
  const signing = await importJWK(JSON.parse(key), alg);
  const signed = bearers.map(async ({ authorization }): Promise<Bearer> => {
    const claims = JSON.parse(
      Buffer.from(authorization.split('.')[1] ?? '', 'base64url').toString(),
    );
    const text = await new SignJWT(claims).setProtectedHeader({ alg }).sign(signing);
    return { authorization: `Bearer ${text}` };
  });
  return Promise.all(signed);
}
