// What does a token cost that the server has not seen? Before each round as many tokens are signed
// as can be asked with, so that none comes twice. Peers are given tokens with the same claims, and
// have no cache. The limit is asked without tokens.

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

/** More than any of them answers in a second. */
const perSecond = { HS256: 30_000, EdDSA: 12_000 } as const;

type Bearer = { readonly authorization: string };
type Issue = (seconds: number) => Promise<Bearer[]>;

export async function compareFirstTokens({ only, ...how }: How, pin: boolean): Promise<void> {
  await using backing = await openBacking();
  const databaseUrl = await backing.createDatabase('bench');
  const issuers = new Map<string, Issue>();
  const subjects = [limit];
  for (const algorithm of ['HS256', 'EdDSA'] as const) {
    const key = await newTokenKey(algorithm);
    const env = { STRATEGY: 'token', STORE: 'memory', TOKEN_KEY: key, TOKEN_ALGORITHM: algorithm };
    const own = ours(`token, ${algorithm}`, { databaseUrl }, env);
    const peers = [
      peer(`@fastify/jwt, ${algorithm}`, 'fastify-jwt', { TOKEN_KEY: key }),
      peer(`fastify with jose, ${algorithm}`, 'fastify-jose', { TOKEN_KEY: key }),
    ];
    for (const each of [own, ...peers]) {
      if (only.length > 0 && !only.some((word) => each.name.includes(word))) continue;
      subjects.push(each);
      const form = each === own ? 'as ours' : 'as theirs';
      issuers.set(each.name, (seconds) => issue(seconds * perSecond[algorithm], key, form));
    }
  }
  const load: typeof measure = async (subject, seconds) => {
    const tokens = await issuers.get(subject.name)?.(seconds);
    return measure(subject, seconds, tokens && (() => lastOf(tokens)));
  };
  const title = 'GET /dashboard, with a token that was not seen before';
  await compare({ title, subjects, measure: load, ...how }, pin);
}

function lastOf(tokens: Bearer[]): Bearer {
  const last = tokens.pop();
  if (last === undefined) throw new Error('more requests than there are tokens');
  return last;
}

/** As our server would, without its password hashing; peers name no key in the header. */
async function issue(count: number, key: string, form: 'as ours' | 'as theirs'): Promise<Bearer[]> {
  const timing = { rotationMs: 1e9, tokenMs: 1e9, timeoutMs: 1_000 };
  await using keys = await given.open({ given: key, algorithm: 'EdDSA', ...timing });
  await using store = await memory.open(timing);
  const own = { audience: 'sessionlab', secureCookies: false };
  const recogniser = await token.start({ store, keys, clock: systemClock, lifetimes, ...own });
  const signing = keys.signing();
  const header = encode(`{"alg":"${signing.algorithm}","typ":"JWT"}`);
  const bearers: Bearer[] = [];
  for (let at = 0; at < count; at += 1) {
    const { body } = await recogniser.begin({ id: `user-${at}`, name: 'alice' }, {});
    const text = String(body.accessToken);
    const input = `${header}.${text.split('.')[1]}`;
    const theirs = () => `${input}.${signing.sign(input).toString('base64url')}`;
    bearers.push({ authorization: `Bearer ${form === 'as ours' ? text : theirs()}` });
  }
  return bearers;
}

function encode(text: string): string {
  return Buffer.from(text).toString('base64url');
}
