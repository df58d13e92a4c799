// What is the token strategy's own: what it signs, and everything that it must not believe. The
// forgeries are made with the real key wherever a forger could not even dream of having it, so that
// the claims are judged and not only the signature.

import { createHmac, createPublicKey, type JsonWebKey } from 'node:crypto';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { CompactSign, decodeJwt, decodeProtectedHeader, importJWK, type JWTPayload } from 'jose';
import { describe, expect, test } from 'vitest';
import { limits } from '../../src/core/limits.ts';
import { expiresAt } from '../../src/core/session.ts';
import type { KeyRing } from '../../src/keys/key-ring.ts';
import { newTokenKey } from '../../src/keys/token-key.ts';
import { memory } from '../../src/stores/memory.ts';
import { token } from '../../src/strategies/token.ts';
import {
  Client,
  endingBeforeTouch,
  failing,
  HandClock,
  lifetimes,
  newUser,
  recognised,
  refresh,
  ringOf,
  startOn,
  tokenKey,
  watched,
} from './strategy.contract.ts';

const privateJwk = JSON.parse(tokenKey);

async function begun() {
  const clock = new HandClock();
  const { store, calls } = watched(await memory.open({ timeoutMs: 1_000 }));
  const recogniser = await startOn(token, store, clock);
  const client = new Client().take(await recogniser.begin(newUser(), {}));
  calls.length = 0;
  const text = client.headers.authorization?.slice('Bearer '.length) ?? '';
  const kindOf = async (authorization: string | readonly string[]) =>
    (await recogniser.recognise({ authorization })).kind;
  return { clock, store, calls, recogniser, client, text, kindOf };
}

const encode = (part: unknown) => Buffer.from(JSON.stringify(part)).toString('base64url');

async function sign(
  header: Record<string, unknown>,
  claims: unknown,
  jwk: JsonWebKey = privateJwk,
) {
  return signText(header, JSON.stringify(claims), jwk);
}

async function signText(header: Record<string, unknown>, text: string, jwk = privateJwk) {
  const key = await importJWK(jwk, 'EdDSA');
  return new CompactSign(Buffer.from(text))
    .setProtectedHeader({ alg: 'EdDSA', ...header })
    .sign(key);
}

test('a token is an access token of RFC 9068', async () => {
  const { text, clock } = await begun();
  const header = decodeProtectedHeader(text);
  expect(header).toEqual({ alg: 'EdDSA', typ: 'at+jwt', kid: expect.stringMatching(/^.{43}$/) });
  const { iss, aud, sub, client_id, jti, sid, iat, exp } = decodeJwt(text);
  for (const claim of [iss, aud, sub, client_id, jti, sid]) expect(claim).toBeTypeOf('string');
  expect(iat).toBe(Math.floor(clock.now() / 1000));
  expect(exp).toBe(Math.ceil((clock.now() + lifetimes.accessTokenMs) / 1000));
});

test('recognition never asks the store', async () => {
  const { clock, client } = await begun();
  const recogniser = await startOn(token, failing(), clock);
  for (let times = 0; times < 3; times += 1) await recognised(recogniser, client);
});

test('a token is accepted to the millisecond, also when it is known already [ASVS 9.2.1]', async () => {
  const { clock, client, kindOf, recogniser } = await begun();
  const { authorization = '' } = client.headers;
  const end = expiresAt(await recognised(recogniser, client));
  expect(end).toBe(clock.now() + lifetimes.accessTokenMs);
  clock.pass(lifetimes.accessTokenMs - 1);
  expect(await kindOf(authorization)).toBe('recognised');
  clock.pass(1);
  expect(await recogniser.recognise(client.headers)).toEqual({
    kind: 'anonymous',
    reason: 'expired',
  });
});

test('a token is over at the idle limit if that comes first, and at its exp', async () => {
  const { store, clock, text, kindOf } = await begun();
  const recogniser = await startOn(token, store, clock, { idleMs: 5_000 });
  const client = new Client().take(await recogniser.begin(newUser(), {}));
  const { kid } = decodeProtectedHeader(text);
  const soon = Math.floor(clock.now() / 1000) + 3;
  const brief = `Bearer ${await sign({ typ: 'at+jwt', kid }, { ...decodeJwt(text), exp: soon })}`;
  expect(await kindOf(brief)).toBe('recognised');
  clock.pass(4_999);
  expect(await kindOf(brief)).toBe('anonymous');
  expect((await recogniser.recognise(client.headers)).kind).toBe('recognised');
  clock.pass(1);
  expect((await recogniser.recognise(client.headers)).kind).toBe('anonymous');
});

test('a session that ends while it is refreshed is not renewed', async () => {
  const { store, clock, client } = await begun();
  const recogniser = await startOn(token, endingBeforeTouch(store), clock);
  expect(await refresh(recogniser, client)).toMatchObject({ outcome: 'refused' });
});

test('a clock that is behind by more than five seconds is not believed', async () => {
  const { clock, client, kindOf } = await begun();
  clock.pass(-5_000);
  expect(await kindOf(client.headers.authorization ?? '')).toBe('recognised');
  clock.pass(-1);
  expect(await kindOf(client.headers.authorization ?? '')).toBe('anonymous');
});

test('a change on a server whose clock is behind makes a token that others accept', async () => {
  const { clock, recogniser, client, kindOf } = await begun();
  const session = await recognised(recogniser, client);
  clock.pass(-3_000);
  const done = await recogniser.change(session, [{ op: 'set', field: 'a', value: 1 }]);
  if (done.outcome === 'gone') throw new Error('the session is there');
  clock.pass(3_000);
  expect(await kindOf(client.take(done.issue).headers.authorization ?? '')).toBe('recognised');
});

test('a change makes a new token that ends when the old one does', async () => {
  const { clock, recogniser, client, text, calls } = await begun();
  clock.pass(1_500);
  const session = await recognised(recogniser, client);
  const done = await recogniser.change(session, [{ op: 'set', field: 'a', value: 1 }]);
  if (done.outcome === 'gone') throw new Error('the session is there');
  const [before, after] = [text, client.take(done.issue).headers.authorization ?? ''].map((each) =>
    decodeJwt(each.replace('Bearer ', '')),
  );
  expect(after?.exp).toBe(before?.exp);
  expect(after?.jti).not.toBe(before?.jti);
  expect(calls).toEqual([]);
  clock.pass(lifetimes.accessTokenMs - 1_500);
  expect((await recogniser.recognise(client.headers)).kind).toBe('anonymous');
});

test('a session that would not fit into a token is refused before it is handed out', async () => {
  const { recogniser, client } = await begun();
  const value = 'x'.repeat(3_000);
  const session = await recognised(recogniser, client);
  const change = recogniser.change(session, [{ op: 'set', field: 'a', value }]);
  await expect(change).rejects.toMatchObject({ code: 'session-too-large' });
});

test('a recognised session cannot be changed in place: the next request would see it', async () => {
  const { recogniser, client } = await begun();
  const change = [{ op: 'set', field: 'deep', value: { list: [1] } }] as const;
  const done = await recogniser.change(await recognised(recogniser, client), change);
  if (done.outcome === 'ok') client.take(done.issue);
  const session = await recognised(recogniser, client);
  const deep = session.fields.deep as { list: number[] };
  expect(() => deep.list.push(2)).toThrow(TypeError);
  expect(() => Object.assign(session, { userId: 'other' })).toThrow(TypeError);
});

test('a refresh carries the data of this login’s token only, expired or not', async () => {
  const { clock, recogniser, client } = await begun();
  const other = new Client().take(await recogniser.begin(newUser('bob'), {}));
  for (const each of [client, other]) {
    const own = await recognised(recogniser, each);
    const done = await recogniser.change(own, [{ op: 'set', field: 'of', value: own.userName }]);
    if (done.outcome === 'ok') each.take(done.issue);
  }
  const mixed = client.copy();
  mixed.headers = other.headers;
  const first = await refresh(recogniser, mixed);
  if (first.outcome !== 'ok') throw new Error(first.outcome);
  expect((await recognised(recogniser, mixed.copy().take(first.issue))).fields).toEqual({});
  clock.pass(lifetimes.accessTokenMs);
  client.refreshToken = String(first.issue.body.refreshToken);
  const second = await refresh(recogniser, client);
  if (second.outcome !== 'ok') throw new Error(second.outcome);
  expect((await recognised(recogniser, client.take(second.issue))).fields).toEqual({ of: 'ann' });
});

describe('a token that we did not issue in this very form', () => {
  test('has another header: algorithm, type, key [ASVS 9.1.2] [ASVS 9.1.3] [ASVS 9.2.2]', async () => {
    const { text, kindOf, calls } = await begun();
    const [header = '', payload = '', signature = ''] = text.split('.');
    const claims = decodeJwt(text);
    const { kid } = decodeProtectedHeader(text);
    const ours = { typ: 'at+jwt', kid };
    const strange = JSON.parse(await newTokenKey());
    const publicKey = createPublicKey({ key: privateJwk, format: 'jwk' });
    const { d: _, ...publicJwk } = privateJwk;
    const forged: string[] = [
      ...['none', 'None', 'NONE', 'nOnE', ''].flatMap((alg) => [
        `${encode({ ...ours, alg })}.${payload}.`,
        `${encode({ ...ours, alg })}.${payload}.${signature}`,
      ]),
      ...[
        publicKey.export({ type: 'spki', format: 'pem' }),
        publicKey.export({ type: 'spki', format: 'der' }),
        Buffer.from(publicJwk.x, 'base64url'),
        JSON.stringify(publicJwk),
      ].map((secret) => {
        const input = `${encode({ ...ours, alg: 'HS256' })}.${payload}`;
        return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
      }),
      await sign(ours, claims, strange),
      await sign({ ...ours, jwk: strange }, claims, strange),
      await sign({ ...ours, jku: 'http://127.0.0.1:1/jwks', x5u: 'http://127.0.0.1:1/' }, claims),
      await sign({ ...ours, typ: 'JWT' }, claims),
      await sign({ kid }, claims),
      ...(await Promise.all(
        ['', '../key', "' or 1=1 --", '__proto__', 'A'.repeat(43)].map((other) =>
          sign({ ...ours, kid: other }, claims),
        ),
      )),
      ...[
        { ...ours, alg: 'EdDSA', crit: ['exp'], exp: 1 },
        { ...ours, alg: 'EdDSA', b64: false },
      ]
        .map(encode)
        .map((other) => `${other}.${payload}.${signature}`),
      `${header}.${payload}`,
      `${header}.${payload}.`,
      `${header}..${signature}`,
      `${header}.${payload}.${signature}.`,
      `${header}.${payload}.${signature}.${signature}`,
      `${header}.${payload}.${signature}..`,
      JSON.stringify({ protected: header, payload, signature }),
    ];
    for (const each of forged) expect(await kindOf(`Bearer ${each}`)).toBe('anonymous');
    expect(calls).toEqual([]);
  });

  test('spells it differently', async () => {
    const { text, kindOf } = await begun();
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const last = alphabet.indexOf(text.slice(-1));
    const twins = [1, 2, 3].map((bits) => text.slice(0, -1) + alphabet[last ^ bits]);
    const [, , signature = ''] = text.split('.');
    for (const twin of twins) {
      const bytes = Buffer.from(twin.split('.')[2] ?? '', 'base64url');
      if (bytes.equals(Buffer.from(signature, 'base64url'))) continue;
      throw new Error('the twins must have the same bytes to prove anything');
    }
    const spaced = [` ${text}`, `${text} `, `${text}\t`, text.replace('.', '.\n'), `${text}==`];
    const standard = Buffer.from(signature, 'base64url').toString('base64');
    const others = [...twins, ...spaced, text.replace(signature, standard)];
    for (const each of others) expect(await kindOf(`Bearer ${each}`)).toBe('anonymous');
    const { authorization } = { authorization: `Bearer ${text}` };
    expect(await kindOf([authorization, authorization])).toBe('anonymous');
    expect(await kindOf(`${authorization}, ${authorization}`)).toBe('anonymous');
    expect(await kindOf(`Basic ${text}`)).toBe('anonymous');
    expect(await kindOf(text)).toBe('anonymous');
    expect(await kindOf(`bearer ${text}`)).toBe('recognised');
  });

  test('has claims that we never make, though our key signed them [ASVS 9.2.1] [ASVS 9.2.3]', async () => {
    const { text, kindOf, clock } = await begun();
    const { kid } = decodeProtectedHeader(text);
    const claims = decodeJwt(text);
    const resign = async (other: JWTPayload | unknown) =>
      kindOf(`Bearer ${await sign({ typ: 'at+jwt', kid }, other)}`);
    expect(await resign(claims)).toBe('recognised');
    for (const [name, value] of Object.entries(claims)) {
      const { [name]: _, ...rest } = claims;
      expect(await resign(rest), `without ${name}`).toBe('anonymous');
      const wrongs: unknown[] = [null, true, [value], ''];
      if (typeof value === 'string') wrongs.push(1, {});
      if (typeof value === 'number') wrongs.push(`${value}`, value + 0.5, -1, 2 ** 53, {});
      for (const wrong of wrongs) {
        expect(await resign({ ...claims, [name]: wrong }), `${name}: ${wrong}`).toBe('anonymous');
      }
    }
    const seconds = Math.floor(clock.now() / 1000);
    const strange: unknown[] = [
      { ...claims, more: 1 },
      { ...claims, aud: 'other' },
      { ...claims, iss: 'other' },
      { ...claims, exp: (claims.exp ?? 0) + 1 },
      { ...claims, exp: seconds },
      { ...claims, iat: seconds - 1 },
      { ...claims, iat: seconds + 6 },
      { ...claims, iat: claims.exp },
      { ...claims, sla: clock.now() + 6_000, iat: seconds + 6, exp: seconds + 20 },
      ...[null, [], 'text', 1, [claims]],
    ];
    for (const each of strange) expect(await resign(each), inspect(each)).toBe('anonymous');
  });

  test('writes the claims in another way than we do, though our key signed them', async () => {
    const { text, kindOf } = await begun();
    const { kid } = decodeProtectedHeader(text);
    const own = JSON.stringify(decodeJwt(text));
    const resign = async (other: string) =>
      kindOf(`Bearer ${await signText({ typ: 'at+jwt', kid }, other)}`);
    expect(await resign(own)).toBe('recognised');
    const others = [
      own.replace('{', '{"sub":"other",'),
      own.replace(/\}$/, ',"sub":"other"}'),
      own.replace('"data":{}', '"data":{"a":1,"a":2}'),
      own.replace('"sub"', '"su\\u0062"'),
      own.replace(',', ', '),
      own.replace(/"exp":(\d+)/, '"exp":$1.0'),
      own.replace(/"exp":(\d+)/, '"exp":1e400'),
      own.replace('"data":{}', `"data":${'['.repeat(900)}${']'.repeat(900)}`),
      `\ufeff${own}`,
      `${own}\n`,
      own.slice(0, -1),
    ];
    for (const other of others) expect(await resign(other), other).toBe('anonymous');
  });

  test('is longer than a credential may be', async () => {
    const { text, kindOf } = await begun();
    const { kid } = decodeProtectedHeader(text);
    const claims = { ...decodeJwt(text), data: { a: 'x'.repeat(3_000) } };
    const long = await sign({ typ: 'at+jwt', kid }, claims);
    expect(long.length).toBeGreaterThan(limits.credentialBytesMax);
    expect(await kindOf(`Bearer ${long}`)).toBe('anonymous');
    let tookMs = Infinity;
    // The best of some: what else the machine does only adds.
    for (let turn = 0; turn < 5; turn += 1) {
      const started = performance.now();
      expect(await kindOf(`Bearer ${'a'.repeat(5_000_000)}`)).toBe('anonymous');
      tookMs = Math.min(tookMs, performance.now() - started);
    }
    expect(tookMs).toBeLessThan(100);
  });

  test('differs in any character', async () => {
    const { text, kindOf, calls } = await begun();
    const put = fc.string({ unit: 'binary', maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(fc.nat(text.length), fc.nat(3), put, async (at, cut, add) => {
        const mutant = text.slice(0, at) + add + text.slice(at + cut);
        fc.pre(mutant !== text);
        return (await kindOf(`Bearer ${mutant}`)) === 'anonymous';
      }),
      { numRuns: 2_000 },
    );
    expect(calls).toEqual([]);
  });
});

test.each(['EdDSA', 'ES256', 'HS256'] as const)(
  'a key for %s signs with that and nothing else [ASVS 9.1.2]',
  async (algorithm) => {
    const store = await memory.open({ timeoutMs: 1_000 });
    const keys = await ringOf(await newTokenKey(algorithm));
    const recogniser = await startOn(token, store, new HandClock(), {}, { keys });
    const client = new Client().take(await recogniser.begin(newUser(), {}));
    await recognised(recogniser, client);
    const { authorization = '' } = client.headers;
    expect(decodeProtectedHeader(authorization.slice(7)).alg).toBe(algorithm);
    const { recogniser: other } = await begun();
    expect((await other.recognise(client.headers)).kind).toBe('anonymous');
  },
);

test('with one key, a token for one service is none for another [ASVS 9.2.3] [ASVS 9.2.4]', async () => {
  const { store, clock, client } = await begun();
  const other = await startOn(token, store, clock, {}, { audience: 'other' });
  const wrong = { kind: 'anonymous', reason: 'wrong-claims' };
  expect(await other.recognise(client.headers)).toEqual(wrong);
  const theirs = new Client().take(await other.begin(newUser(), {}));
  await recognised(other, theirs);
  const own = await startOn(token, store, clock);
  expect(await own.recognise(theirs.headers)).toEqual(wrong);
});

test('no two tokens are alike, and none is a key that stays [ASVS 7.2.2]', async () => {
  const { recogniser } = await begun();
  const user = newUser();
  const issues = await Promise.all(Array.from({ length: 500 }, () => recogniser.begin(user, {})));
  const texts = issues.flatMap(({ body }) => [body.accessToken, body.refreshToken]);
  expect(new Set(texts).size).toBe(1_000);
  const ids = issues.map(({ body }) => decodeJwt(String(body.accessToken)));
  for (const name of ['jti', 'sid']) expect(new Set(ids.map((each) => each[name])).size).toBe(500);
});

/** A ring whose key an operator can take away, and which can be cut off from the others. */
async function shakyRing() {
  const own = await ringOf(await newTokenKey());
  const state = { accepted: true, current: true, generation: 0 };
  const ring: KeyRing = {
    ...own,
    verifying: (id) => (state.accepted ? own.verifying(id) : undefined),
    mayExist: () => !state.current,
    get generation() {
      return state.generation;
    },
  };
  return { ring, state };
}

test('a token that was verified before does not outlive its key [ASVS 9.1.3]', async () => {
  const { store, clock } = await begun();
  const { ring, state } = await shakyRing();
  const recogniser = await startOn(token, store, clock, {}, { keys: ring });
  const client = new Client().take(await recogniser.begin(newUser(), {}));
  // Kept from the second time on.
  for (const _ of ['once', 'and again', 'from memory']) await recognised(recogniser, client);
  Object.assign(state, { accepted: false, generation: 1 });
  expect(await recogniser.recognise(client.headers)).toMatchObject({ reason: 'bad-signature' });
});

test('a server that may have missed a key says that it does not know, and changes nothing', async () => {
  const { store, clock, calls } = await begun();
  const { ring, state } = await shakyRing();
  const recogniser = await startOn(token, store, clock, {}, { keys: ring });
  const client = new Client().take(await recogniser.begin(newUser(), {}));
  Object.assign(state, { accepted: false, current: false });
  calls.length = 0;
  const unavailable = { code: 'store-unavailable' };
  expect(await recogniser.recognise(client.headers)).toMatchObject({
    kind: 'unknown',
    cause: unavailable,
  });
  await expect(refresh(recogniser, client)).rejects.toMatchObject(unavailable);
  await expect(recogniser.begin(newUser(), client.headers)).rejects.toMatchObject(unavailable);
  expect((await recogniser.recognise({ authorization: 'Bearer a.b.c' })).kind).toBe('anonymous');
  expect(calls).toEqual([]);
});
