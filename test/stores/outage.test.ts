// A store that does not answer: every verb fails within its time limit, says whether the change may
// have happened, and is back soon after the cure. Links are cut by a proxy in between; a private
// Redis is paused and killed as well. All times are generous: they are about hanging, not speed.

import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { ErrorReply } from '@redis/client';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { withClient } from '../../src/backing/databases.ts';
import { OperatingError } from '../../src/core/errors.ts';
import type { MaybePromise } from '../../src/core/maybe-promise.ts';
import type { StoredSession } from '../../src/core/session.ts';
import { type Link, openLink } from '../../src/lab/link.ts';
import { postgres, redis } from '../../src/stores/index.ts';
import { postgresHazards } from '../../src/stores/postgres-hazards.ts';
import { RedisConnection } from '../../src/stores/redis-connection.ts';
import { redisHazards } from '../../src/stores/redis-hazards.ts';
import type { SessionStore, Store } from '../../src/stores/store.ts';
import { freshDatabase } from '../support/backing.ts';
import { RedisServers, tell } from '../support/redis-servers.ts';
import { rotation } from './ground.ts';
import { newSession } from './subject.ts';

const timeoutMs = 1_000;
/** For what else this machine does meanwhile; less than to wait twice. */
const slackMs = 900;
const backWithinMs = 1_000 + timeoutMs;

const reads = ['read', 'list', 'ping'] as const;
const writes = ['create', 'update', 'touch', 'rotate', 'revoke', 'revokeAll'] as const;

/** Every verb once, on sessions that exist only as far as they were created before. */
function verbs(store: SessionStore, session: StoredSession) {
  const { id, userId, createdAt: now } = session;
  return {
    read: () => store.read(id, now),
    list: () => store.list(userId, now),
    ping: () => store.ping(),
    create: () => store.create(newSession()),
    update: () => store.update(id, [{ op: 'increment', field: 'n', by: 1 }], now),
    touch: () => store.touch(id, now + 1, now + 300_001),
    rotate: () => store.rotate(id, rotation('secret-0', 'secret-1', now)),
    revoke: () => store.revoke(id, 'logout', now),
    revokeAll: () => store.revokeAll(userId, 'logout-everywhere', now),
  };
}

/** The error code of a verb that must fail in time; fails when it does not. */
async function codeOf(attempt: () => MaybePromise<unknown>): Promise<string> {
  const begunAt = performance.now();
  const failure = await Promise.resolve(attempt()).then(
    (value) => new Error(`succeeded with ${JSON.stringify(value)}`),
    (error: unknown) => error,
  );
  expect(performance.now() - begunAt).toBeLessThan(timeoutMs + slackMs);
  if (!(failure instanceof OperatingError)) throw failure;
  expect(failure.retryAfterSeconds).toBe(1);
  return failure.code;
}

/** 'found', 'nothing', or the code of the error. */
const look = (store: SessionStore, { id, createdAt }: StoredSession) =>
  Promise.resolve(store.read(id, createdAt)).then(
    (found) => (found ? 'found' : 'nothing'),
    (error: OperatingError) => error.code,
  );

/** Fails unless a read succeeds in time after the cure, and goes on succeeding. */
async function expectBack(store: SessionStore, session: StoredSession): Promise<void> {
  const curedAt = performance.now();
  while ((await look(store, session)) !== 'found') {
    expect(performance.now() - curedAt).toBeLessThan(backWithinMs);
    await delay(5);
  }
  expect(store.breaker?.()).toBe('closed');
  for (let n = 0; n < 30; n += 1) expect(await look(store, session)).toBe('found');
  const many = await Promise.all(Array.from({ length: 30 }, () => look(store, session)));
  expect(many).toEqual(many.map(() => 'found'));
}

const subjects: readonly { name: string; store: Store; url(): Promise<string> }[] = [
  { name: 'postgres', store: postgres, url: freshDatabase },
  ...(inject('redisUrl') === undefined
    ? []
    : [{ name: 'redis', store: redis, url: async () => inject('redisUrl') ?? '' }]),
];

describe.each(subjects)('$name behind a link that fails', (subject) => {
  let link: Link;
  let url: URL;
  let store: SessionStore;
  let session: StoredSession;

  beforeEach(async () => {
    url = new URL(await subject.url());
    const to = { host: url.hostname, port: Number(url.port) };
    link = await openLink({ name: 'server -> store', to });
    url.port = String(link.port);
    store = await subject.store.open({ url: url.href, timeoutMs });
    session = newSession();
    await store.create(session);
    await Promise.all(Array.from({ length: 20 }, () => look(store, session)));
    await expectBack(store, session);
  });
  afterEach(async () => {
    await store[Symbol.asyncDispose]();
    await link[Symbol.asyncDispose]();
  });

  test('every read on a cut link fails in time as unavailable', async () => {
    link.cut();
    const all = verbs(store, session);
    for (const verb of reads) expect(await codeOf(all[verb]), verb).toBe('store-unavailable');
    const together = await Promise.all(Array.from({ length: 50 }, () => codeOf(all.read)));
    expect(new Set(together)).toEqual(new Set(['store-unavailable']));
    expect(store.breaker?.()).not.toBe('closed');
    link.heal();
    await expectBack(store, session);
  });

  test.each(writes)('%s, sent and not answered, has an unknown outcome', async (verb) => {
    link.cut();
    expect(await codeOf(verbs(store, session)[verb])).toBe('store-outcome-unknown');
    link.heal();
    const ended = verb === 'revoke' || verb === 'revokeAll';
    if (!ended) await expectBack(store, session);
  });

  test('a refusing store is surely not changed, and nothing hangs', async () => {
    link.refuse();
    await expect(store.ping()).rejects.toMatchObject({ code: 'store-unavailable' });
    const all = verbs(store, session);
    for (const verb of [...reads, ...writes]) {
      expect(await codeOf(all[verb]), verb).toBe('store-unavailable');
    }
    link.heal();
    await expectBack(store, session);
    const untouched = await store.read(session.id, session.createdAt);
    expect(untouched).toMatchObject({ revision: 0, secretHash: 'secret-0' });
  });

  test('connections reset under many requests harm none but those', async () => {
    const attempts = Array.from({ length: 50 }, () =>
      verbs(store, session)
        .update()
        .then(
          () => 'ok',
          (error: OperatingError) => error.code,
        ),
    );
    link.refuse();
    const known = ['ok', 'store-unavailable', 'store-outcome-unknown'];
    for (const attempt of await Promise.all(attempts)) expect(known).toContain(attempt);
    link.heal();
    await expectBack(store, session);
    const counted = Number((await store.read(session.id, session.createdAt))?.fields.n ?? 0);
    const acknowledged = (await Promise.all(attempts)).filter((one) => one === 'ok').length;
    expect(counted).toBeGreaterThanOrEqual(acknowledged);
  });

  test('a late answer is never taken for another', async () => {
    const others = Array.from({ length: 20 }, () => newSession());
    for (const other of others) await store.create(other);
    link.delay(timeoutMs);
    const read = (one: StoredSession) => store.read(one.id, one.createdAt);
    await Promise.all(others.map((other) => codeOf(() => read(other))));
    link.heal();
    await expectBack(store, session);
    const ids = (await Promise.all(others.map(read))).map((found) => found?.id);
    expect(ids).toEqual(others.map(({ id }) => id));
  });

  test('a slow but living store answers all', async () => {
    link.delay(40);
    const all = verbs(store, session);
    for (const verb of [...reads, ...writes]) await all[verb]();
  });

  test('more requests than it can serve in time do not end its connections', async () => {
    const answers = await Promise.all(Array.from({ length: 1_000 }, () => look(store, session)));
    expect(answers).toContain('found');
    expect(answers).not.toContain('nothing');
    await expectBack(store, session);
  });
});

describe.each(subjects)('$name at the start', ({ name, store }) => {
  test('open gives up on a store that is not there, and on one that does not speak', async () => {
    const silent = createServer(() => undefined).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const address = silent.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    const scheme = name === 'redis' ? 'redis' : 'postgresql';
    const url = `${scheme}://127.0.0.1:${address.port}/`;
    const unavailable = { code: 'store-unavailable' };
    await expect(store.open({ url, timeoutMs })).rejects.toMatchObject(unavailable);
    silent.close();
    await expect(store.open({ url, timeoutMs })).rejects.toMatchObject(unavailable);
  });
});

test('with all connections of PostgreSQL taken nobody waits long, and most not at all', async () => {
  const url = await freshDatabase();
  await using store = await postgres.open({ url, timeoutMs });
  const session = newSession();
  await store.create(session);
  await withClient(url, async (other) => {
    const tables = await other.query(`SELECT tablename FROM pg_tables WHERE schemaname = 'public'`);
    const names = tables.rows.map(({ tablename }) => tablename).join(', ');
    await other.query(`BEGIN; LOCK TABLE ${names} IN ACCESS EXCLUSIVE MODE`);
    const attempts = Array.from({ length: 50 }, () => codeOf(verbs(store, session).read));
    expect(new Set(await Promise.all(attempts))).toEqual(new Set(['store-unavailable']));
    expect(store.breaker?.()).not.toBe('closed');
    const waitedMs = await Promise.all(
      attempts.map(async () => {
        const begunAt = performance.now();
        expect(await codeOf(verbs(store, session).read)).toBe('store-unavailable');
        return performance.now() - begunAt;
      }),
    );
    expect(waitedMs.filter((ms) => ms < timeoutMs / 2).length).toBeGreaterThan(40);
    await other.query('ROLLBACK');
  });
  await expectBack(store, session);
});

describe.skipIf(inject('redisUrl') === undefined)('a private Redis', () => {
  let servers: RedisServers;
  let server: ChildProcess;
  let port: number;
  let store: SessionStore;
  let session: StoredSession;

  beforeAll(async () => {
    servers = new RedisServers();
    ({ port, process: server } = await servers.start());
    store = await redis.open({ url: `redis://127.0.0.1:${port}`, timeoutMs });
    session = newSession();
    await store.create(session);
  });
  afterAll(async () => {
    await store[Symbol.asyncDispose]();
    await servers[Symbol.asyncDispose]();
  });

  test('full, it refuses logins and goes on ending sessions', async () => {
    const [one, other] = [newSession(), newSession()];
    for (const each of [one, other]) await store.create(each);
    await tell({ port }, ['CONFIG', 'SET', 'maxmemory', '1']);
    await using durable = await redis.open({
      ...{ url: `redis://127.0.0.1:${port}`, timeoutMs, replicas: 1 },
    });
    expect(await codeOf(verbs(store, session).create)).toBe('store-unavailable');
    expect(await codeOf(verbs(store, session).update)).toBe('store-unavailable');
    expect(await codeOf(verbs(store, session).touch)).toBe('store-unavailable');
    expect(await look(store, session)).toBe('found');
    expect(await store.revoke(one.id, 'logout', one.createdAt)).toBe(true);
    expect(await codeOf(verbs(durable, other).revoke)).toBe('revocation-not-durable');
    expect(await look(store, other)).toBe('nothing');
    expect(store.breaker?.()).toBe('closed');
    await tell({ port }, ['CONFIG', 'SET', 'maxmemory', '0']);
    await expectBack(store, session);
  });

  test('a mistake in what we send does not look like an outage', async () => {
    using connection = await RedisConnection.open(`redis://127.0.0.1:${port}`, timeoutMs);
    for (const mistake of ['return nonsense()', `return redis.call('HGET', KEYS[1])`]) {
      const asked = connection.ask('write', '{a}', (to) => to.eval(mistake, { keys: ['{a}'] }));
      await expect(asked).rejects.toBeInstanceOf(ErrorReply);
    }
    expect(connection.breaker).toBe('closed');
  });

  test('what would lose endings is named at the start', async () => {
    const url = `redis://127.0.0.1:${port}`;
    expect(await redisHazards(url)).toEqual([expect.stringContaining('nothing on disk')]);
    await tell({ port }, ['CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru', 'appendonly', 'yes']);
    expect(await redisHazards(url)).toEqual([expect.stringContaining('allkeys-lru')]);
    await tell({ port }, ['CONFIG', 'SET', 'maxmemory-policy', 'noeviction', 'appendonly', 'no']);
    const database = await freshDatabase();
    const daring = `${database}?options=-c%20synchronous_commit%3Doff`;
    expect(await postgresHazards(database)).toEqual([]);
    expect(await postgresHazards(daring)).toEqual([expect.stringContaining('synchronous_commit')]);
  });

  test('while paused it is unavailable, and it is back soon after it wakes', async () => {
    const all = verbs(store, session);
    server.kill('SIGSTOP');
    const changes = [await codeOf(all.update)];
    expect(changes).toEqual(['store-outcome-unknown']);
    for (let n = 0; n < 5; n += 1) {
      expect(await codeOf(all.read)).toBe('store-unavailable');
      changes.push(await codeOf(all.update));
      await delay(100);
    }
    server.kill('SIGCONT');
    await expectBack(store, session);
    const woken = await store.read(session.id, session.createdAt);
    expect(woken?.revision).toBe(woken?.fields.n ?? 0);
    // Of the others the one that asks whether it is back may have been done as well.
    const surelyNot = changes.filter((code) => code === 'store-unavailable').length;
    expect(surelyNot).toBeGreaterThan(0);
    expect(woken?.revision).toBeLessThanOrEqual(changes.length - surelyNot);
  });

  test('killed and started anew it serves without its scripts and old sessions', async () => {
    server.kill('SIGKILL');
    await once(server, 'exit');
    const all = verbs(store, session);
    for (const verb of [...reads, ...writes]) {
      expect(await codeOf(all[verb]), verb).toBe('store-unavailable');
    }
    await servers.start({}, [], port);
    const next = newSession();
    while (!(await store.create(next).catch(() => false))) await delay(5);
    await expectBack(store, next);
    expect(await store.read(session.id, session.createdAt)).toBeUndefined();
    expect(await all.update()).toEqual({ outcome: 'gone' });
  });
});
