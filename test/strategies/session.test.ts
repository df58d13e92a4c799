// What is the session strategy's own: its cookie, what it reads and how often it writes.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Credential } from '../../src/core/credential.ts';
import { OperatingError } from '../../src/core/errors.ts';
import { touchIntervalMs } from '../../src/core/limits.ts';
import type { Fields } from '../../src/core/session.ts';
import { memory } from '../../src/stores/memory.ts';
import { session } from '../../src/strategies/session.ts';
import { override } from '../support/override.ts';
import {
  Client,
  endingBeforeTouch,
  HandClock,
  lifetimes,
  newUser,
  recognised,
  refresh,
  startOn,
  watched,
} from './strategy.contract.ts';

async function begun() {
  const clock = new HandClock();
  const { store, calls } = watched(await memory.open({ timeoutMs: 1_000 }));
  const recogniser = await startOn(session, store, clock);
  const client = new Client().take(await recogniser.begin(newUser(), {}));
  calls.length = 0;
  return { clock, store, calls, recogniser, client, text: client.credential.reveal() };
}

test('the cookie is as protected as a browser can make it, and is cleared as it was set', async () => {
  const store = await memory.open({ timeoutMs: 1_000 });
  const clock = new HandClock();
  const options = { store, clock, lifetimes, audience: 'test' };
  const attributes = '; Path=/; HttpOnly; SameSite=Lax';
  for (const secureCookies of [true, false]) {
    const recogniser = await session.start({ ...options, secureCookies });
    const name = secureCookies ? '__Host-session' : 'session';
    const tail = secureCookies ? `${attributes}; Secure` : attributes;
    const [field] = (await recogniser.begin(newUser(), {})).headers;
    expect(field?.[0]).toBe('set-cookie');
    expect(field?.[1].replace(/=.{80};/, '=CREDENTIAL;')).toBe(
      `${name}=CREDENTIAL; Max-Age=300${tail}`,
    );
    expect(recogniser.forget().headers).toEqual([['set-cookie', `${name}=; Max-Age=0${tail}`]]);
  }
});

test('the age of a rotated cookie is what is left of the absolute limit', async () => {
  const { clock, recogniser, client } = await begun();
  clock.pass(lifetimes.idleMs - 1);
  const refreshed = await refresh(recogniser, client);
  if (refreshed.outcome !== 'ok') throw new Error(refreshed.outcome);
  expect(refreshed.issue.headers[0]?.[1]).toContain('; Max-Age=240;');
});

test('a header field for tools counts as the cookie does', async () => {
  const { recogniser, text } = await begun();
  const { kind } = await recogniser.recognise({ 'x-session-id': text });
  expect(kind).toBe('recognised');
});

test('of several cookies the valid one counts, and those of two logins are nobody’s', async () => {
  const { recogniser, client, text } = await begun();
  const stale = Credential.issue('somebody').reveal();
  const ask = (...values: string[]) => {
    const cookie = values.map((value) => `session=${value}`).join('; ');
    return recogniser.recognise({ cookie });
  };
  const recognition = await ask(stale, 'rubbish', text, text, text, text);
  expect(recognition).toMatchObject({ kind: 'recognised' });
  // It is set anew, and so takes the place of the others.
  const headers = [['set-cookie', expect.stringContaining(`session=${text}; Max-Age=300;`)]];
  expect(recognition).toMatchObject({ headers });
  expect(await ask(text)).not.toHaveProperty('headers');
  const cookie = `session=${stale}; ${client.headers.cookie}`;
  expect((await recogniser.refresh({ cookie }, undefined)).outcome).toBe('ok');
  const other = new Client().take(await recogniser.begin(newUser('bob'), {}));
  expect((await ask(text, other.credential.reveal())).kind).toBe('anonymous');
});

test('of two cookies of one session the current one is kept', async () => {
  const { recogniser, client, text } = await begun();
  const refreshed = await refresh(recogniser, client);
  if (refreshed.outcome === 'ok') client.take(refreshed.issue);
  for (const both of [
    `session=${text}; session=${client.text}`,
    `session=${client.text}; session=${text}`,
  ]) {
    const recognition = await recogniser.recognise({ cookie: both });
    const headers = [['set-cookie', expect.stringContaining(client.text)]];
    expect(recognition).toMatchObject({ kind: 'recognised', headers });
  }
});

test('a hash from a stolen store opens nothing', async () => {
  const { store, clock, recogniser, client } = await begun();
  await refresh(recogniser, client);
  const { id } = client.credential;
  const record = await store.read(id, clock.now());
  const { secretHash = '', previousSecretHash, sealedSecret } = record ?? {};
  for (const stolen of [secretHash, previousSecretHash, sealedSecret]) {
    const { kind } = await recogniser.recognise({ cookie: `session=${id}.${stolen}` });
    expect(kind).toBe('anonymous');
  }
});

test('a step-up whose answer was lost is repeated within the grace, and makes fresh [ASVS 7.5.3]', async () => {
  const { clock, recogniser, client } = await begun();
  const own = await recognised(recogniser, client);
  clock.pass(1_000);
  const lost = await recogniser.stepUp(own, client.headers);
  clock.pass(1_000);
  const again = await recogniser.stepUp(own, client.headers);
  if (lost.outcome !== 'ok' || again.outcome !== 'ok') throw new Error('both succeed');
  const heir = client.copy().take(again.issue);
  expect(heir.text).toBe(client.copy().take(lost.issue).text);
  expect((await recognised(recogniser, heir)).authenticatedAt).toBe(clock.now());
  expect((await recognised(recogniser, client)).authenticatedAt).toBe(clock.now() - 2_000);
});

test('a refresh that comes after a step-up does not put the old credential back', async () => {
  const { recogniser, client } = await begun();
  await recogniser.stepUp(await recognised(recogniser, client), client.headers);
  const late = await refresh(recogniser, client);
  expect(late).toMatchObject({ outcome: 'ok', issue: { headers: [], body: {} } });
});

test('who took the successor of a refresh that was lost gains no freshness from a step-up', async () => {
  const { recogniser, client, clock } = await begun();
  const thief = client.copy();
  const stolen = await refresh(recogniser, thief);
  if (stolen.outcome === 'ok') thief.take(stolen.issue);
  clock.pass(1_000);
  const own = await recognised(recogniser, client);
  const conflict = { code: 'session-conflict' };
  await expect(recogniser.stepUp(own, client.headers)).rejects.toMatchObject(conflict);
  const renewed = await refresh(recogniser, client);
  if (renewed.outcome !== 'ok') throw new Error('a step-up between two refreshes is no theft');
  client.take(renewed.issue);
  expect(client.text).toBe(thief.text);
  const steppedUp = await recogniser.stepUp(own, client.headers);
  if (steppedUp.outcome !== 'ok') throw new Error(steppedUp.outcome);
  client.take(steppedUp.issue);
  expect((await recognised(recogniser, client)).authenticatedAt).toBe(clock.now());
  expect((await recognised(recogniser, thief)).authenticatedAt).toBe(clock.now() - 1_000);
  expect(client.text).not.toBe(thief.text);
});

test('a step-up is of the session that the request brings, and of no other', async () => {
  const { recogniser, client } = await begun();
  const other = new Client().take(await recogniser.begin(newUser('bob'), {}));
  const his = await recognised(recogniser, other);
  expect(await recogniser.stepUp(his, client.headers)).toMatchObject({ outcome: 'refused' });
});

test('a change that depends on what it finds runs again when overtaken, five times at most', async () => {
  const { clock, store, client, recogniser } = await begun();
  const own = await recognised(recogniser, client);
  const double = ({ n = 1 }: Fields) => [{ op: 'set', field: 'n', value: Number(n) * 2 }] as const;
  for (const times of [4, 5]) {
    let left = times;
    const overtaking = override(store, {
      async update(id, changes, now, options) {
        if (left > 0) await store.update(id, [{ op: 'increment', field: 'n', by: 1 }], now);
        left -= 1;
        return store.update(id, changes, now, options);
      },
    });
    const change = (await startOn(session, overtaking, clock)).change(own, double);
    if (times < 5) expect(await change).toMatchObject({ outcome: 'ok', fields: { n: 8 } });
    else await expect(change).rejects.toMatchObject({ code: 'session-conflict' });
  }
});

test('text that is no credential costs the store nothing', async () => {
  const { recogniser, calls, text } = await begun();
  const many = Array.from({ length: 5 }, () => `session=${Credential.issue('x').reveal()}`);
  const spoiled = [
    ...[`${text}=`, ` ${text}`, `"${text}"`, text.slice(1), `${text}A`, text.replace('.', ':')],
    ...[text.replace('.', '. '), encodeURIComponent(text).replace('.', '%2E'), '', '.', 'null'],
    // The last character of the secret has unused bits: its other spellings are no credentials.
    ...['B', 'C', 'D'].map((stray) => text.slice(0, -1) + stray),
  ];
  const headers = [
    ...spoiled.map((value) => ({ cookie: `session=${value}` })),
    ...spoiled.map((value) => ({ 'x-session-id': value })),
    { 'x-session-id': [text, text] },
    { cookie: `\u00a0session=${text}` },
    { cookie: `Session=${text}` },
    { cookie: `xsession=${text}` },
    { cookie: `theme="; session"=${text}` },
    { cookie: many.join('; ') },
  ];
  for (const each of headers) expect((await recogniser.recognise(each)).kind).toBe('anonymous');
  await fc.assert(
    fc.asyncProperty(fc.nat(79), fc.string({ unit: 'binary', maxLength: 3 }), async (at, put) => {
      const value = text.slice(0, at) + put + text.slice(at + 1);
      fc.pre(Credential.parse(value) === undefined);
      return (await recogniser.recognise({ cookie: `session=${value}` })).kind === 'anonymous';
    }),
    { numRuns: 500 },
  );
  expect(calls).toEqual([]);
});

test('a secret counts whole: one that differs in a single character opens nothing', async () => {
  const { recogniser, text } = await begun();
  for (let at = 37; at < 80; at += 1) {
    const value = text.slice(0, at) + (text[at] === 'A' ? 'E' : 'A') + text.slice(at + 1);
    const { kind } = await recogniser.recognise({ cookie: `session=${value}` });
    expect(kind).toBe('anonymous');
  }
});

test('a use is written down once per interval, and keeps the session alive', async () => {
  const { clock, recogniser, client, calls } = await begun();
  const intervalMs = touchIntervalMs(lifetimes.idleMs);
  clock.pass(intervalMs - 1);
  for (let times = 0; times < 10; times += 1) await recognised(recogniser, client);
  expect(calls).not.toContain('touch');
  clock.pass(1);
  for (let times = 0; times < 10; times += 1) await recognised(recogniser, client);
  expect(calls.filter((call) => call === 'touch')).toHaveLength(1);
  clock.pass(lifetimes.idleMs - 1);
  await recognised(recogniser, client);
});

test('a session that ends between being read and being touched is nobody’s', async () => {
  const { clock, store, client } = await begun();
  const recogniser = await startOn(session, endingBeforeTouch(store), clock);
  clock.pass(touchIntervalMs(lifetimes.idleMs));
  expect((await recogniser.recognise(client.headers)).kind).toBe('anonymous');
});

test('a store that can be read and not be written knows everybody, until they have been idle', async () => {
  const { clock, store, client } = await begun();
  const touch = async () => {
    throw new OperatingError('store-unavailable');
  };
  const recogniser = await startOn(session, override(store, { touch }), clock);
  clock.pass(lifetimes.idleMs - 1);
  expect((await recogniser.recognise(client.headers)).kind).toBe('recognised');
  clock.pass(1);
  expect((await recogniser.recognise(client.headers)).kind).toBe('anonymous');
});

test('a change that was under way while another server brought the data up writes no old field', async () => {
  const { clock, store, recogniser, client } = await begun();
  const upcasters = { 0: ({ colour = null }: Fields) => ({ theme: colour }) };
  const newer = await startOn(session, store, clock, {}, { schema: { version: 1, upcasters } });
  const [old, own] = [await recognised(recogniser, client), await recognised(newer, client)];
  await newer.change(own, [{ op: 'set', field: 'theme', value: 'red' }]);
  const change = [{ op: 'set', field: 'colour', value: 'blue' }] as const;
  expect(await recogniser.change(old, change)).toEqual({ outcome: 'gone' });
  expect({ ...(await recognised(newer, client)).fields }).toEqual({ theme: 'red' });
});

test.each(['leave', 'end one', 'log in'])(
  'to %s again, after an ending that was not durable, is answered only when it is',
  async (way) => {
    const { clock, store, recogniser: atHome, client } = await begun();
    const own = await recognised(atHome, client);
    let isDurable = false;
    const lossy = override(store, {
      async revoke(...args) {
        const ended = await store.revoke(...args);
        if (!isDurable) throw new OperatingError('revocation-not-durable');
        return ended;
      },
    });
    const recogniser = await startOn(session, lossy, clock);
    const end = () => {
      if (way === 'leave') return recogniser.leave(client.headers);
      if (way === 'end one') return recogniser.endOne({ userId: own.userId }, own.handle);
      return recogniser.begin({ id: own.userId, name: own.userName }, client.headers);
    };
    const code = 'revocation-not-durable';
    for (const _ of ['once', 'again']) await expect(end()).rejects.toMatchObject({ code });
    // A login that fails has begun nothing.
    expect(await store.list(own.userId, clock.now())).toEqual([]);
    expect((await recogniser.recognise(client.headers)).kind).toBe('anonymous');
    isDurable = true;
    await end();
  },
);

test('a login that has expired by the clock of who ends it by its handle is ended for every other', async () => {
  const { clock, store, recogniser, client } = await begun();
  const { id, userId, handle, createdAt: now } = await recognised(recogniser, client);
  clock.pass(lifetimes.idleMs);
  expect(await recogniser.endOne({ userId }, handle)).toBe(false);
  expect(await store.touch(id, now + 1, now + lifetimes.absoluteMs)).toBe(false);
});
