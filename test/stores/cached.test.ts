// The cache in front of a store, without Redis: the store is the one in memory, and the feed is in
// the hands of the tests. Each law on its own; every order of events is in the test beside this.

import { expect, test } from 'vitest';
import type { StoredSession } from '../../src/core/session.ts';
import { CachedSessions, type CacheOptions } from '../../src/stores/cached-sessions.ts';
import { memory } from '../../src/stores/memory.ts';
import { override } from '../support/override.ts';
import { HandFeed } from './hand-feed.ts';
import { newSession, newUser } from './subject.ts';

/** A cache before a store that counts what it is asked, and holds its answers while told to. */
async function ground(options: CacheOptions = {}) {
  const store = await memory.open({ timeoutMs: 1_000 });
  const feed = new HandFeed();
  const [until, write, acknowledged] = Array.from({ length: 3 }, () => Promise.resolve());
  const held = { asked: 0, from: store, until, write, acknowledged };
  const counting = override(store, {
    async read(id: string, now: number) {
      held.asked += 1;
      const found = await held.from.read(id, now);
      await held.until;
      return found;
    },
    async update(...args) {
      await held.write;
      return store.update(...args);
    },
    async revokeAll(...args) {
      const count = await store.revokeAll(...args);
      await held.acknowledged;
      return count;
    },
  });
  const cache = new CachedSessions(counting, feed, options);
  const session = newSession();
  await store.create(session);
  const read = (one: StoredSession = session, now = one.createdAt) => cache.read(one.id, now);
  /** How often the store is asked by that many reads, one after another. */
  async function asks(reads: number, one = session): Promise<number> {
    const before = held.asked;
    for (let n = 0; n < reads; n += 1) await read(one);
    return held.asked - before;
  }
  return { store, feed, held, cache, session, read, asks };
}

const increment = { op: 'increment', field: 'n', by: 1 } as const;

test('a session is read once, and again only when somebody changed it', async () => {
  const { feed, session, asks } = await ground();
  expect(await asks(10)).toBe(1);
  feed.tell(newSession().id);
  expect(await asks(10)).toBe(0);
  feed.tell(session.id);
  expect(await asks(10)).toBe(1);
  feed.tell(null);
  expect(await asks(10)).toBe(1);
});

test('an entry ends with its age, with its session, and with the trust in the feed', async () => {
  let at = 0;
  const { feed, store, session, read, asks } = await ground({ maxAgeMs: 50, clock: () => at });
  expect(await asks(2)).toBe(1);
  at = 49;
  expect(await asks(2)).toBe(0);
  at = 50;
  expect(await asks(2)).toBe(1);
  feed.isTrusted = false;
  expect(await asks(2)).toBe(2);
  feed.isTrusted = true;
  expect(await asks(2)).toBe(0);
  expect(await read(session, session.idleExpiresAt)).toBeUndefined();
  await store.touch(session.id, session.createdAt, session.idleExpiresAt + 9);
  expect(await read(session, session.idleExpiresAt)).toBeDefined();
});

test('without the feed every read asks, and nothing that was read then is kept', async () => {
  const { feed, read, asks, held } = await ground();
  expect(await asks(2)).toBe(1);
  feed.lose();
  expect(await asks(3)).toBe(3);
  const before = read();
  feed.restore();
  await before;
  expect(await asks(2)).toBe(1);
  expect(held.asked).toBe(6);
});

test.each<[string, (world: Awaited<ReturnType<typeof ground>>) => unknown]>([
  ['an announcement', ({ feed, session }) => feed.tell(session.id)],
  ['a flush', ({ feed }) => feed.tell(null)],
  ['a feed lost and back', ({ feed }) => [feed.lose(), feed.restore()]],
  ['an update from here', ({ cache, session: { id } }) => cache.update(id, [increment], 0)],
  ['a touch from here', ({ cache, session: { id } }) => cache.touch(id, 0, 0)],
  [
    'a logout everywhere from here',
    ({ cache, session }) => cache.revokeAll(session.userId, 'logout-everywhere', 0, session.id),
  ],
  [
    'a write that nobody knows of',
    async ({ cache, session }) =>
      await cache.update(session.id, [{ ...increment, by: Number.NaN }], 0).catch(() => undefined),
  ],
])('a fill that raced %s is thrown away', async (_, race) => {
  const world = await ground();
  const answer = Promise.withResolvers<void>();
  world.held.until = answer.promise;
  const reading = world.read();
  await race(world);
  answer.resolve();
  expect(await reading).toBeDefined();
  expect(await world.asks(3)).toBe(1);
});

test('what was read while a write from here was under way is not kept', async () => {
  const world = await ground();
  const { cache, held, session } = world;
  const sent = Promise.withResolvers<void>();
  held.write = sent.promise;
  const writing = cache.update(session.id, [increment], session.createdAt);
  expect(await world.read()).toMatchObject({ revision: 0 });
  sent.resolve();
  await writing;
  expect(await world.read()).toMatchObject({ revision: 1 });
});

test('who logs in while all others are ended stays', async () => {
  const { store, cache, held, session, read } = await ground();
  const { userId, createdAt } = session;
  const acknowledged = Promise.withResolvers<void>();
  held.acknowledged = acknowledged.promise;
  await read();
  const ending = cache.revokeAll(userId, 'logout-everywhere', createdAt);
  const late = newSession({ userId });
  await store.create(late);
  expect(await read(late)).toBeDefined();
  acknowledged.resolve();
  expect(await ending).toBe(1);
  expect(await read()).toBeUndefined();
  expect(await read(late)).toBeDefined();
});

test('what ended from here stays ended, though the store forget it', async () => {
  const { store, feed, cache, read, held } = await ground();
  const userId = newUser();
  const sessions = Array.from({ length: 5 }, (_, n) =>
    newSession({ userId, createdAt: Date.now() + n }),
  );
  const [first, revoked, reused, other, spared] = sessions as [
    ...[StoredSession, StoredSession, StoredSession, StoredSession, StoredSession],
  ];
  for (const one of sessions) await store.create(one);
  for (const one of sessions) await read(one);
  const { createdAt: now } = spared;
  const secrets = { presentedHash: 'stolen', nextHash: 'n', sealedNext: 's' };
  expect(await cache.revoke(revoked.id, 'logout', now)).toBe(true);
  expect(await cache.rotate(reused.id, { ...secrets, now, graceMs: 0 })).toMatchObject({
    outcome: 'reuse',
  });
  const limit = { sessionsMax: 3, atLimit: 'end-oldest' } as const;
  const next = newSession({ userId, createdAt: now });
  expect(await cache.create(next, limit)).toEqual({ outcome: 'ok', ended: [first.id] });
  expect(await cache.revokeAll(userId, 'logout-everywhere', now, spared.id)).toBe(2);
  held.from = await memory.open({ timeoutMs: 1_000 });
  for (const one of [...sessions, next]) await held.from.create(one);
  feed.tell(null);
  held.asked = 0;
  for (const one of [first, revoked, reused, other]) expect(await read(one, now)).toBeUndefined();
  expect(held.asked).toBe(0);
  expect(await read(spared, now)).toBeDefined();
  expect(held.asked).toBe(1);
});

test('the cache keeps no more sessions, and no more bytes, than it may', async () => {
  const many = Array.from({ length: 30 }, () => newSession({ fields: { a: 'x'.repeat(500) } }));
  for (const options of [{ entriesMax: 10 }, { bytesMax: 9_000 }]) {
    const { store, asks } = await ground(options);
    for (const one of many) await store.create(one);
    for (const one of many) await asks(1, one);
    let kept = 0;
    for (const one of many.toReversed()) kept += 1 - (await asks(1, one));
    expect(kept).toBeGreaterThan(5);
    expect(kept).toBeLessThanOrEqual(10);
  }
});
