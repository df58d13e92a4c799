// The store on every Redis that people run: a cluster, a master behind sentinels, one over TLS with
// a user who may do only what is needed, and Valkey. Each keeps the whole contract; each then loses
// what it is there to lose.

import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { userTag } from '../../src/core/credential.ts';
import type { OperatingError } from '../../src/core/errors.ts';
import type { MaybePromise } from '../../src/core/maybe-promise.ts';
import type { StoredSession } from '../../src/core/session.ts';
import { cached, redis } from '../../src/stores/index.ts';
import { slotOf } from '../../src/stores/redis-cluster.ts';
import { RedisConnection } from '../../src/stores/redis-connection.ts';
import { redisHazards } from '../../src/stores/redis-hazards.ts';
import { findValkey } from '../../tools/valkey.ts';
import {
  beAlert,
  RedisServers,
  type Server,
  startCluster,
  startSentinels,
  tell,
  watchClosely,
} from '../support/redis-servers.ts';
import { rotation } from './ground.ts';
import { storeContract } from './store.contract.ts';
import { newSession } from './subject.ts';

const patientMs = 10_000;
const timeoutMs = 1_000;

const codeOf = (attempt: MaybePromise<unknown>) =>
  Promise.resolve(attempt).then(
    () => 'ok',
    (error: OperatingError) => error.code,
  );

/** Resolves with how long it took until the store answered as it should. */
async function recovery(look: () => MaybePromise<unknown>): Promise<number> {
  const begunAt = performance.now();
  while ((await codeOf(look())) !== 'ok') {
    expect(performance.now() - begunAt).toBeLessThan(15_000);
    await delay(5);
  }
  return performance.now() - begunAt;
}

const contract = (name: string, url: () => string) =>
  storeContract({
    name,
    toldWithinMs: 0,
    openTwice: () => {
      const options = { url: url(), timeoutMs: patientMs };
      return Promise.all([redis.open(options), redis.open(options)]);
    },
  });

const slotOfUser = ({ userId }: StoredSession) => slotOf(`{${userTag(userId)}}`);

/** A session of a user whose slot is in that range. */
function sessionIn(from: number, to: number): StoredSession {
  for (;;) {
    const session = newSession();
    if (slotOfUser(session) >= from && slotOfUser(session) <= to) return session;
  }
}

describe('Redis Cluster', () => {
  let servers: RedisServers;
  let members: readonly Server[];
  const port = (index: number) => members[index]?.port ?? 0;
  const url = () => `redis+cluster://127.0.0.1:${port(2)},127.0.0.1:${port(1)}`;

  beforeAll(async () => {
    servers = new RedisServers();
    members = await startCluster(servers);
  });
  afterAll(() => servers[Symbol.asyncDispose]());

  contract('on a cluster of three masters', url);

  test('a user is served while the slot moves to another master, and after that', async () => {
    await using store = await redis.open({ url: url(), timeoutMs: patientMs });
    const session = sessionIn(6_000, 6_999);
    const { id, userId, createdAt: now } = session;
    await store.create(session);
    const slot = String(slotOfUser(session));
    const [from, to] = [{ port: port(1) }, { port: port(2) }];
    const fromId = String(await tell(from, ['CLUSTER', 'MYID']));
    const toId = String(await tell(to, ['CLUSTER', 'MYID']));
    await tell(to, ['SCRIPT', 'FLUSH']);
    await tell(to, ['CLUSTER', 'SETSLOT', slot, 'IMPORTING', fromId]);
    await tell(from, ['CLUSTER', 'SETSLOT', slot, 'MIGRATING', toId]);
    const keys = (await tell(from, ['CLUSTER', 'GETKEYSINSLOT', slot, '9'])) as string[];
    const target = ['127.0.0.1', String(to.port), '', '0', '5000'];
    await tell(from, ['MIGRATE', ...target, 'KEYS', ...keys]);
    const change = { op: 'increment', field: 'n', by: 1 } as const;
    expect(await store.read(id, now)).toMatchObject({ revision: 0 });
    expect(await store.update(id, [change], now)).toMatchObject({ fields: { n: 1 } });
    // Redis refuses scripts that name a key which is on neither side, until the slot has moved.
    const login = newSession({ userId });
    expect(await codeOf(store.create(login))).toBe('store-unavailable');
    for (const one of [to, from]) await tell(one, ['CLUSTER', 'SETSLOT', slot, 'NODE', toId]);
    expect(await store.create(login)).toMatchObject({ outcome: 'ok' });
    expect(await store.update(id, [change], now)).toMatchObject({ fields: { n: 2 } });
    expect(await store.revokeAll(userId, 'logout', now)).toBe(2);
  });

  test('an ending is acknowledged where its own master has a replica, and nowhere else', async () => {
    await using store = await redis.open({ url: url(), timeoutMs, replicas: 1 });
    const [followed, alone] = [sessionIn(0, 5_460), sessionIn(11_000, 16_383)];
    for (const one of [followed, alone]) await store.create(one);
    expect(await store.revoke(followed.id, 'logout', followed.createdAt)).toBe(true);
    const ending = store.revoke(alone.id, 'logout', alone.createdAt);
    expect(await codeOf(ending)).toBe('revocation-not-durable');
  });

  test('it starts with the first master that answers, and waits two seconds for that', async () => {
    const masters = members.slice(0, 3);
    for (const { process } of masters) process.kill('SIGSTOP');
    const opening = redis.open({ url: `redis+cluster://127.0.0.1:${port(3)}`, timeoutMs: 250 });
    opening.catch(() => undefined);
    await delay(1_000);
    const [stopped, ...others] = masters;
    for (const { process } of others) process.kill('SIGCONT');
    try {
      await using store = await opening;
      await store.ping();
    } finally {
      stopped?.process.kill('SIGCONT');
    }
    await using store = await redis.open({ url: url(), timeoutMs });
    for (const slot of [0, 6_000, 12_000]) {
      await recovery(() => store.create(sessionIn(slot, slot + 2_000)));
    }
  });

  test('a lost master takes only its own users with it, until its replica stands in', async () => {
    const [lost, other] = [sessionIn(0, 5_460), sessionIn(11_000, 16_383)];
    await using store = await redis.open({ url: url(), timeoutMs });
    for (const one of [lost, other]) await store.create(one);
    expect(await tell({ port: port(0) }, ['WAIT', '1', '20000'])).toBe(1);
    const look = (one: StoredSession) => store.read(one.id, one.createdAt);
    await beAlert(members);
    members[0]?.process.kill('SIGKILL');
    // Both at once: soon the others say that they lack a master.
    const seen = await Promise.all([codeOf(look(lost)), look(other)]);
    expect(seen).toMatchObject(['store-unavailable', { id: other.id }]);
    expect(store.breaker?.()).not.toBe('closed');
    await recovery(() => look(lost));
    expect(await look(lost)).toMatchObject({ id: lost.id });
    await recovery(() => look(other));
    while (store.breaker?.() !== 'closed') await delay(5);
  });
});

describe('Redis behind sentinels', () => {
  let servers: RedisServers;
  let set: Awaited<ReturnType<typeof startSentinels>>;
  const url = () =>
    `redis+sentinel://${set.sentinels.map(({ port }) => `127.0.0.1:${port}`).join(',')}/mine`;

  beforeAll(async () => {
    servers = new RedisServers();
    set = await startSentinels(servers);
  });
  afterAll(() => servers[Symbol.asyncDispose]());

  contract('on the master that sentinels name', url);

  test('what sentinels do not know is no store', async () => {
    const opening = redis.open({ url: url().replace('/mine', '/yours'), timeoutMs });
    await expect(opening).rejects.toThrow('the sentinels know no master of that name');
  });

  test('an ending is acknowledged only when a replica has it, and reads never wait for it', async () => {
    await using store = await redis.open({ url: url(), timeoutMs, replicas: 1 });
    const sessions = Array.from({ length: 9 }, () => newSession());
    for (const session of sessions) await store.create(session);
    const now = Date.now();
    const [first, ...others] = sessions.map(({ id }) => id) as [string, ...string[]];
    expect(await store.revoke(first, 'logout', now)).toBe(true);
    set.replica.process.kill('SIGSTOP');
    const endings = others.map((id) => codeOf(store.revoke(id, 'logout', now)));
    expect(await store.read(first, now)).toBeUndefined();
    const codes = await Promise.all(endings);
    expect(codes).toEqual(codes.map(() => 'revocation-not-durable'));
    expect(await codeOf(store.revoke(others[0] ?? '', 'logout', now))).toBe(codes[0]);
    expect(store.breaker?.()).toBe('closed');
    set.replica.process.kill('SIGCONT');
    await recovery(() => store.revoke(others[0] ?? '', 'logout', now));
    for (const id of others) expect(await store.read(id, now)).toBeUndefined();
  });

  test('who is told that a session is gone, because it was reused, is told so when a replica knows', async () => {
    await using store = await redis.open({ url: url(), timeoutMs, replicas: 1 });
    const session = newSession();
    const { id, createdAt: now } = session;
    await store.create(session);
    set.replica.process.kill('SIGSTOP');
    const old = () => store.rotate(id, rotation('never-issued', 'next', now));
    for (const _ of ['once', 'again']) expect(await codeOf(old())).toBe('revocation-not-durable');
    set.replica.process.kill('SIGCONT');
    await recovery(old);
    expect(await old()).toEqual({ outcome: 'gone' });
  });

  test('after a failover the store is that of the new master, and endings have stayed', async () => {
    await using naive = await redis.open({ url: url(), timeoutMs });
    await using store = await redis.open({ url: url(), timeoutMs, replicas: 1 });
    const [kept, ended] = [newSession(), newSession()];
    for (const session of [kept, ended]) await store.create(session);
    await recovery(() => store.revoke(ended.id, 'logout', ended.createdAt));
    await watchClosely(set.sentinels);
    set.master.process.kill('SIGKILL');
    expect(await codeOf(naive.read(kept.id, kept.createdAt))).toBe('store-unavailable');
    await recovery(() => naive.update(kept.id, [{ op: 'remove', field: 'x' }], kept.createdAt));
    expect(await naive.read(kept.id, kept.createdAt)).toMatchObject({ revision: 1 });
    expect(await naive.read(ended.id, ended.createdAt)).toBeUndefined();
    await recovery(() => store.read(kept.id, kept.createdAt));
    let code = 'store-unavailable';
    while (code.startsWith('store-')) {
      code = await codeOf(store.revoke(kept.id, 'logout', kept.createdAt));
      await delay(5);
    }
    expect(code).toBe('revocation-not-durable');
  });
});

test('a master that was replaced, does not know it and cuts nobody off is left all the same, and so is one of which no sentinel speaks', async () => {
  await using servers = new RedisServers();
  const { master, replica, sentinels } = await startSentinels(servers);
  const hosts = sentinels.map((one) => `127.0.0.1:${one.port}`).join(',');
  const options = { url: `redis+sentinel://${hosts}/mine`, timeoutMs };
  await using store = await redis.open(options);
  await using cache = await cached.open(options);
  await using before = await redis.open({ url: `redis://127.0.0.1:${master.port}`, timeoutMs });
  await using after = await redis.open({ url: `redis://127.0.0.1:${replica.port}`, timeoutMs });
  const session = newSession();
  const { id, createdAt: now } = session;
  const patience = { timeout: 20_000, interval: 20 };
  await store.create(session);
  await expect.poll(() => after.read(id, now), patience).toBeDefined();
  await tell(master, ['ACL', 'SETUSER', 'default', '-replicaof', '-slaveof']);
  await tell(sentinels[0] as Server, ['SENTINEL', 'FAILOVER', 'mine']);
  await recovery(() => after.revoke(id, 'logout', now));
  for (const one of [store, cache]) {
    await expect.poll(() => codeOf(one.read(id, now)), patience).toBe('ok');
    await expect.poll(async () => one.read(id, now), patience).toBeUndefined();
  }
  expect(await before.read(id, now)).toBeDefined();
  for (const sentinel of sentinels) sentinel.process.kill('SIGKILL');
  await expect.poll(() => codeOf(store.read(id, now)), patience).toBe('store-unavailable');
});

describe('Redis over TLS with a user of few rights', () => {
  const password = 'p@ss:word/%';
  const page = readFileSync('docs/howto/run-on-redis.md', 'utf8');
  const documented = /^user (store on .*)$/m.exec(page)?.[1] ?? '';
  const more = /`STORE=cached` \| `(.*)` \|/.exec(page)?.[1]?.replace('\\', '') ?? '';
  const user = `store:${encodeURIComponent(password)}@`;
  let servers: RedisServers;
  let tlsPort: number;
  let plainPort: number;
  let files: Awaited<ReturnType<RedisServers['makeCertificate']>>;
  const overTls = () => ({ socket: { tls: true, ca: readFileSync(files.authority) } }) as const;
  const url = (ca = files.authority, who = user) =>
    `rediss://${who}127.0.0.1:${tlsPort}?ca=${encodeURIComponent(ca)}`;

  beforeAll(async () => {
    servers = new RedisServers();
    files = await servers.makeCertificate('redis');
    const settings = {
      'tls-cert-file': files.certificate,
      'tls-key-file': files.key,
      'tls-ca-cert-file': files.authority,
      'tls-auth-clients': 'no',
      user: ['default off', 'admin on >admin +@all', documented.replace('PASSWORD', password)],
    };
    tlsPort = (await servers.start(settings)).port;
    plainPort = (await servers.start()).port;
  });
  afterAll(() => servers[Symbol.asyncDispose]());

  contract('over TLS, limited to what it needs', () => url());

  test('an ending that is to be replicated needs no further right', async () => {
    await using store = await redis.open({ url: url(), timeoutMs, replicas: 1 });
    const session = newSession();
    await store.create(session);
    const ending = store.revoke(session.id, 'logout', session.createdAt);
    await expect(ending).rejects.toMatchObject({ code: 'revocation-not-durable' });
    expect(await store.read(session.id, session.createdAt)).toBeUndefined();
  });

  test('for the cache in front it needs one right more', async () => {
    const options = { url: url(), timeoutMs: patientMs };
    await expect(cached.open(options)).rejects.toThrow('NOPERM');
    const admin = { username: 'admin', password: 'admin', ...overTls() };
    await tell({ port: tlsPort }, ['ACL', 'SETUSER', 'store', more], admin);
    await using store = await cached.open(options);
    const session = newSession();
    await store.create(session);
    expect(await store.read(session.id, session.createdAt)).toMatchObject({ id: session.id });
  });

  test('it may touch no key of others, and that does not look like a session or its absence', async () => {
    using connection = await RedisConnection.open(url(), timeoutMs);
    const outside = connection.ask('read', 'other', (to) => to.hGetAll('other'));
    await expect(outside).rejects.toMatchObject({ code: 'store-unavailable' });
    const hazards = await redisHazards(url());
    expect(hazards).toEqual([expect.stringContaining('unknown')]);
  });

  test('a wrong authority, password, or kind of port is told apart at the start', async () => {
    const other = (await servers.makeCertificate('other')).authority;
    const reasons: readonly (readonly [string, RegExp])[] = [
      [url(other), /SELF_SIGNED_CERT_IN_CHAIN/],
      [url(files.authority, 'store:wrong-secret@'), /WRONGPASS/],
      [url(files.authority, ''), /NOAUTH/],
      [url('/nowhere'), /ENOENT/],
      [`redis://${user}127.0.0.1:${tlsPort}`, /speaks TLS/],
      [url().replace(String(tlsPort), String(plainPort)), /speaks TLS|ERR_SSL/],
    ];
    const tries = reasons.map(async ([from, reason]) => {
      const failure = await redis.open({ url: from, timeoutMs }).catch((error: Error) => error);
      expect(failure).toMatchObject({ code: 'store-unavailable' });
      expect(String(failure)).toMatch(reason);
      expect(String(failure)).not.toMatch(/wrong-secret|p@ss|p%40ss/);
    });
    await Promise.all(tries);
  });
});

describe('Valkey', () => {
  let servers: RedisServers;
  let server: Server;

  beforeAll(async () => {
    const program = findValkey();
    if (program === undefined) throw new Error('Valkey is not here: run `npm run setup`');
    servers = new RedisServers(program);
    server = await servers.start();
  });
  afterAll(() => servers[Symbol.asyncDispose]());

  contract('on Valkey', () => `redis://127.0.0.1:${server.port}`);

  test('it is Valkey that answers', async () => {
    expect(await tell(server, ['INFO', 'server'])).toMatch(/server_name:valkey/);
  });
});
