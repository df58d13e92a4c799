// What is the sealed cookie's own: what it hides, everything that it must not believe, how it is
// renewed by use, how keys change, and what it cannot do.

import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { CompactEncrypt, type CompactJWEHeaderParameters, compactDecrypt } from 'jose';
import { expect, test } from 'vitest';
import { limits, touchIntervalMs } from '../../src/core/limits.ts';
import type { Json } from '../../src/core/session.ts';
import { memory as memoryLog } from '../../src/revocations/memory.ts';
import { memory } from '../../src/stores/memory.ts';
import { sealedCookie } from '../../src/strategies/sealed-cookie.ts';
import { newSealingKeys } from '../../src/strategies/sealing.ts';
import { override } from '../support/override.ts';
import {
  Client,
  failing,
  HandClock,
  lifetimes,
  newUser,
  recognised,
  sealingKeys,
  startOn,
} from './strategy.contract.ts';

/** The store fails whatever it is asked: nothing here asks it. */
const start = (clock: HandClock, keys = sealingKeys) =>
  startOn(sealedCookie, failing(), clock, {}, { sealingKeys: keys });

async function begun(keys = sealingKeys) {
  const clock = new HandClock();
  const recogniser = await start(clock, keys);
  const client = new Client().take(await recogniser.begin(newUser(), {}));
  const kindOf = async (text: string) =>
    (await recogniser.recognise({ cookie: `session=${text}` })).kind;
  return { clock, recogniser, client, text: client.text, kindOf };
}

const keyIn = (keys: string) => Buffer.from(JSON.parse(keys).keys[0].k, 'base64url');
const setOf = (...sets: string[]) =>
  JSON.stringify({ keys: sets.flatMap((set) => JSON.parse(set).keys) });

async function seal(
  content: unknown,
  header: CompactJWEHeaderParameters,
  key = keyIn(sealingKeys),
) {
  const text = typeof content === 'string' ? content : JSON.stringify(content);
  return new CompactEncrypt(Buffer.from(text)).setProtectedHeader(header).encrypt(key);
}

test('it is a JSON Web Encryption of RFC 7516, and shows nothing of the session', async () => {
  const { recogniser, client, text } = await begun();
  const session = await recognised(recogniser, client);
  const { plaintext, protectedHeader } = await compactDecrypt(text, keyIn(sealingKeys));
  expect(JSON.parse(Buffer.from(plaintext).toString())).toEqual({ aud: 'test', ...session });
  const { kid } = protectedHeader;
  expect(protectedHeader).toEqual({ alg: 'dir', enc: 'A256GCM', kid });
  const shown = text.split('.').map((part) => Buffer.from(part, 'base64url').toString('latin1'));
  for (const hidden of [session.id, session.userId, 'ann'])
    expect(shown.join()).not.toContain(hidden);
});

test('the same session is never sealed twice in the same way [ASVS 7.2.2]', async () => {
  const { recogniser, client } = await begun();
  const session = await recognised(recogniser, client);
  const texts = await Promise.all(
    Array.from({ length: 100 }, async () => {
      const done = await recogniser.change(session, []);
      return done.outcome === 'ok' ? new Client().take(done.issue).text : '';
    }),
  );
  expect(new Set(texts).size).toBe(100);
});

test('what we did not seal in this very form is nobody’s', async () => {
  const { recogniser, client, text, kindOf } = await begun();
  const content = { aud: 'test', ...(await recognised(recogniser, client)) };
  const { protectedHeader } = await compactDecrypt(text, keyIn(sealingKeys));
  const header = { ...protectedHeader, alg: 'dir', enc: 'A256GCM' };
  expect(await kindOf(await seal(content, header))).toBe('recognised');
  const [head = '', , nonce = '', sealed = '', tag = ''] = text.split('.');
  const wrapped = randomBytes(32).toString('base64url');
  const forged = [
    await seal(content, header, randomBytes(32)),
    await seal(content, { alg: 'dir', enc: 'A256GCM' }),
    await seal(content, { ...header, kid: 'other' }),
    await seal(content, { ...header, typ: 'JWT' }),
    await seal(content, { enc: 'A256GCM', kid: header.kid, alg: 'dir' } as typeof header),
    await seal(content, { alg: 'dir', enc: 'A128CBC-HS256', kid: header.kid ?? '' }),
    await seal({ ...content, aud: 'other' }, header),
    await seal({ ...content, more: 1 }, header),
    await seal({ ...content, revision: -1 }, header),
    await seal({ ...content, lastSeenAt: content.lastSeenAt + 6_000 }, header),
    await seal('null', header),
    await seal('{', header),
    `${head}.${wrapped}.${nonce}.${sealed}.${tag}`,
    `${head}..${nonce}.${sealed}.`,
    `${head}..${nonce}.${sealed}.${tag.slice(0, 16)}`,
    `${head}...${sealed}.${tag}`,
    `${head}..${nonce}..${tag}`,
    `${head}..${nonce}.${sealed}.${tag}.`,
    `${text}=`,
    'a'.repeat(limits.credentialBytesMax + 1),
  ];
  for (const each of forged) expect(await kindOf(each), each).toBe('anonymous');
  for (const [name, value] of Object.entries(content)) {
    const { [name as 'id']: _, ...rest } = content;
    expect(await kindOf(await seal(rest, header)), `without ${name}`).toBe('anonymous');
    const wrongs: Json[] = [null, [value], typeof value === 'string' ? 1 : `${value}`];
    for (const wrong of wrongs) {
      const text = await seal({ ...content, [name]: wrong }, header);
      expect(await kindOf(text), `${name}: ${wrong}`).toBe('anonymous');
    }
  }
});

test('a cookie that differs in any character is nobody’s', async () => {
  const { text, kindOf } = await begun();
  const put = fc.string({ unit: 'binary', maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(fc.nat(text.length), fc.nat(3), put, async (at, cut, add) => {
      const mutant = text.slice(0, at) + add + text.slice(at + cut);
      // What comes after a semicolon is another cookie.
      fc.pre(mutant.split(';')[0] !== text);
      return (await kindOf(mutant)) === 'anonymous';
    }),
    { numRuns: 5_000 },
  );
});

test('use renews the cookie once per interval, and so moves the idle limit [ASVS 7.3.1]', async () => {
  const { clock, recogniser, client } = await begun();
  const ask = () => recogniser.recognise(client.headers);
  const intervalMs = touchIntervalMs(lifetimes.idleMs);
  clock.pass(intervalMs - 1);
  expect(await ask()).not.toHaveProperty('headers');
  for (let passedMs = 0; passedMs < lifetimes.idleMs * 2; passedMs += lifetimes.idleMs - 1) {
    clock.pass(lifetimes.idleMs - 1 - (passedMs === 0 ? intervalMs : 0));
    const recognition = await ask();
    if (recognition.kind !== 'recognised' || !recognition.headers) throw new Error('no renewal');
    expect(recognition.session.lastSeenAt).toBe(clock.now());
    client.take({ headers: recognition.headers, body: {} });
  }
  expect(await ask()).not.toHaveProperty('headers');
});

test('the first key seals and all unseal; a cookie of an old key is sealed anew, and one of a retired key is nobody’s', async () => {
  const { clock, client, recogniser } = await begun();
  const next = newSealingKeys();
  const announced = await start(clock, setOf(sealingKeys, next));
  const rotated = await start(clock, setOf(next, sealingKeys));
  const retired = await start(clock, next);
  expect(await announced.recognise(client.headers)).not.toHaveProperty('headers');
  const recognition = await rotated.recognise(client.headers);
  if (recognition.kind !== 'recognised' || !recognition.headers) throw new Error('not sealed anew');
  const form = recogniser.csrfToken(client.headers) ?? '';
  expect(await rotated.csrfMatches(client.headers, form)).toBe(true);
  expect(await retired.recognise(client.headers)).toMatchObject({ reason: 'bad-signature' });
  client.take({ headers: recognition.headers, body: {} });
  for (const each of [announced, rotated, retired]) await recognised(each, client);
  expect(await recogniser.recognise(client.headers)).toMatchObject({ reason: 'bad-signature' });
});

test('keys that cannot seal are refused at the start, and none shows in the error', async () => {
  const [key] = JSON.parse(sealingKeys).keys;
  const bad = [
    '',
    `${sealingKeys}}`,
    '{"keys":[]}',
    '{"keys":[null]}',
    ...[
      { kty: 'RSA' },
      { alg: 'A128GCM' },
      { use: 'sig' },
      { k: key.k.slice(2) },
      { k: `${key.k}A` },
    ]
      .concat([{ k: Buffer.alloc(32, 'ab').toString('base64url') }])
      .map((wrong) => JSON.stringify({ keys: [{ ...key, ...wrong }] })),
  ];
  for (const keys of bad) {
    const error = await start(new HandClock(), keys).catch((cause: unknown) => cause);
    expect(error).toMatchObject({ code: 'unfit-key' });
    expect(inspect(error)).toContain('Set SEALING_KEYS');
    expect(inspect(error)).not.toContain(key.k.slice(2, 20));
  }
});

test('a session that would not fit into a cookie is refused before it is handed out', async () => {
  const { recogniser, client } = await begun();
  const session = await recognised(recogniser, client);
  const sizes = Array.from({ length: 30 }, (_, step) => 1_000 + step * 100);
  const outcomes = await Promise.all(
    sizes.map((size) =>
      recogniser
        .change(session, [{ op: 'set', field: 'a', value: 'x'.repeat(size) }])
        .then((done) => (done.outcome === 'ok' ? done.issue.headers[0]?.[1].length : 0))
        .catch((error: { code: string }) => error.code),
    ),
  );
  const fits = outcomes.filter((outcome) => typeof outcome === 'number');
  expect(Math.max(...fits)).toBeGreaterThan(limits.credentialBytesMax - 200);
  expect(Math.max(...fits)).toBeLessThanOrEqual(limits.credentialBytesMax);
  const refused = outcomes.slice(fits.length);
  expect(new Set(refused)).toEqual(new Set(['session-too-large']));
});

test('of several cookies of one login the newest counts; those of two logins are nobody’s', async () => {
  const { recogniser, client, text } = await begun();
  const add = { op: 'increment', field: 'n', by: 1 } as const;
  const done = await recogniser.change(await recognised(recogniser, client), [add]);
  if (done.outcome === 'ok') client.take(done.issue);
  const ask = (...texts: string[]) =>
    recogniser.recognise({ cookie: texts.map((each) => `session=${each}`).join('; ') });
  for (const texts of [
    [text, client.text, 'rubbish'],
    [client.text, text],
  ]) {
    const recognition = await ask(...texts);
    expect(recognition).toMatchObject({ session: { fields: { n: 1 } } });
    expect(recognition).toHaveProperty('headers');
  }
  const other = new Client().take(await recogniser.begin(newUser('bob'), {}));
  expect((await ask(client.text, other.text)).kind).toBe('anonymous');
  expect((await ask('1', '2', '3', '4', client.text)).kind).toBe('anonymous');
});

test('a copy of a cookie ends with the session [ASVS 7.4.1]', async () => {
  const log = await memoryLog.open({ timeoutMs: 1_000, stalenessMs: 60_000 });
  const clock = new HandClock();
  const options = { store: await memory.open({ timeoutMs: 1_000 }), clock, lifetimes };
  const recogniser = await sealedCookie.start({
    ...{ ...options, audience: 'test', secureCookies: false, sealingKeys, revocations: log },
  });
  const user = newUser();
  const begin = async () => new Client().take(await recogniser.begin(user, {}));
  const [first, second, third] = [await begin(), await begin(), await begin()];
  const kindOf = async (client: Client) => (await recogniser.recognise(client.headers)).kind;
  await recogniser.leave(first.headers);
  expect(await kindOf(first)).toBe('anonymous');
  await recogniser.endOthers(await recognised(recogniser, second), 'password-changed');
  expect(await Promise.all([second, third].map(kindOf))).toEqual(['recognised', 'anonymous']);
  await recogniser.endUser(user.id, 'account-disabled');
  expect(await kindOf(second)).toBe('anonymous');
  expect(await kindOf(await begin())).toBe('recognised');
});

test('it lists the own session only, and ends no other one by its handle', async () => {
  const { recogniser, client } = await begun();
  const user = { id: (await recognised(recogniser, client)).userId, name: 'ann' };
  const second = new Client().take(await recogniser.begin(user, {}));
  const own = await recognised(recogniser, client);
  const { handle } = await recognised(recogniser, second);
  expect((await recogniser.list(own)).map((each) => each.handle)).toEqual([own.handle]);
  expect(await recogniser.list({ userId: user.id })).toEqual([]);
  expect(await recogniser.endOne(own, handle)).toBe(false);
  await recognised(recogniser, second);
});

test('an ending is kept for servers with longer limits too', async () => {
  const clock = new HandClock();
  const untils: number[] = [];
  const log = await memoryLog.open({ timeoutMs: 1_000, stalenessMs: 60_000 });
  const revocations = override(log, {
    endSession: async (_, until) => void untils.push(until),
    endUser: async (_, until) => untils.push(until),
  });
  const startWith = (absoluteMs: number) =>
    startOn(sealedCookie, failing(), clock, { absoluteMs }, { revocations });
  const [long, short] = [await startWith(900_000), await startWith(30_000)];
  const client = new Client().take(await long.begin(newUser(), {}));
  const { absoluteExpiresAt: end } = await recognised(long, client);
  const own = await recognised(short, client);
  await short.endUser(own.userId, 'ended-by-admin');
  await short.endOne(own, own.handle);
  await short.leave(client.headers);
  expect(untils).toHaveLength(3);
  for (const until of untils) expect(until).toBeGreaterThanOrEqual(end);
  clock.pass(30_000);
  expect((await short.recognise(client.headers)).kind).toBe('anonymous');
  expect(await short.list(own)).toEqual([]);
  await recognised(long, client);
});
