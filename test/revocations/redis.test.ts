// What is particular to the log in Redis: it can lose what it acknowledged. With replicas, an
// ending counts when they have it; without, whoever learned of it gives it back.

import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, inject, test, vi } from 'vitest';
import { openLink } from '../../src/lab/link.ts';
import { redis } from '../../src/revocations/redis.ts';
import { channelIn } from '../../src/revocations/redis-scripts.ts';
import { RedisServers, type Server, tell, tellAll } from '../support/redis-servers.ts';
import { expectStanding, inAnHour, newSession, nextView } from './revocation-log.contract.ts';

const options = { timeoutMs: 2_000, stalenessMs: 1_500 };
const patience = { timeout: 10_000 };
const prefix = 'sessionlab:endings:{log}:';
const countEndings = ['ZCARD', `${prefix}version`];
const urlOf = ({ port }: Pick<Server, 'port'>) => `redis://127.0.0.1:${port}`;

// Without a Redis there is nothing to run on; CI has one.
describe.runIf(inject('redisUrl') !== undefined)('redis', () => {
  let servers: RedisServers;
  let primary: Server;
  beforeEach(async () => {
    servers = new RedisServers();
    primary = await servers.start();
  });
  afterEach(async () => {
    await servers[Symbol.asyncDispose]();
  });

  async function startReplica(): Promise<Server> {
    const replica = await servers.start({ replicaof: `127.0.0.1 ${primary.port}` });
    await vi.waitFor(
      async () => expect(await tell(replica, ['ROLE'])).toContain('connected'),
      patience,
    );
    return replica;
  }

  const losses = {
    'all of its memory': ['FLUSHALL'],
    'its latest endings': [
      'EVAL',
      `for _, key in ipairs(ARGV) do redis.call('DEL', '${prefix}' .. key) end`,
      ...['0', 'until', 'version', 'users', 'head'],
    ],
  };

  test.each(Object.entries(losses))(
    'a log that lost %s gets it back from a server that was there',
    async (_, loss) => {
      await using log = await redis.open({ url: urlOf(primary), ...options });
      const [session, { userId }] = [newSession(), newSession()];
      await log.endSession(session.id, inAnHour());
      const epoch = await log.endUser(userId, inAnHour());
      await nextView(log);
      await tell(primary, loss);
      expect(log.standing(session)).toBe('ended');
      await vi.waitFor(async () => expect(await tell(primary, countEndings)).toBe(2), patience);
      await using late = await redis.open({ url: urlOf(primary), ...options });
      await expectStanding(late, session, 'ended');
      await expectStanding(late, newSession(0, userId), 'ended');
      expect(await late.epochOf(userId)).toBe(epoch);
      expect(await late.endUser(userId, inAnHour())).toBeGreaterThan(epoch);
    },
  );

  test('a log that lost the latest ending of a user gets it back, though it knows an older one', async () => {
    await using log = await redis.open({ url: urlOf(primary), ...options });
    const { userId } = newSession();
    const users = ['HGET', `${prefix}users`, `u:${userId}`];
    const first = await log.endUser(userId, inAnHour());
    const older = String(await tell(primary, users));
    const second = await log.endUser(userId, inAnHour());
    await nextView(log);
    await tell(primary, ['HSET', ...users.slice(1), older]);
    await tell(primary, ['SET', `${prefix}head`, '1']);
    const given = async () => expect(String(await tell(primary, users))).toContain(`${second}`);
    await vi.waitFor(given, patience);
    await using late = await redis.open({ url: urlOf(primary), ...options });
    expect(await late.epochOf(userId)).toBe(second);
    expect(await late.ask(newSession(first, userId))).toBe('ended');
  });

  test('what is refused to a server on one connection makes it give back what it holds', async () => {
    await using log = await redis.open({ url: urlOf(primary), ...options });
    const session = newSession();
    await log.endSession(session.id, inAnHour());
    await nextView(log);
    const [min, some] = ['min-replicas-to-write', 'CONFIG'];
    await tell(primary, [some, 'SET', min, '1']);
    await expectStanding(log, newSession(), 'stale');
    await tellAll(primary, [
      [some, 'SET', min, '0'],
      ['ZREM', `${prefix}until`, `s:${session.id}`],
      ['ZREM', `${prefix}version`, `s:${session.id}`],
    ]);
    await vi.waitFor(async () => expect(await tell(primary, countEndings)).toBe(1), patience);
  });

  test('what others publish and is no ending is nothing', async () => {
    await using log = await redis.open({ url: urlOf(primary), ...options });
    const texts = [
      '',
      'hello',
      'null',
      '["u:x","1",""]',
      '["u:x","1","null"]',
      '["s:x"]',
      '[7,7,7]',
    ];
    for (const text of texts) {
      expect(await tell(primary, ['PUBLISH', channelIn(0), text])).toBe(1);
    }
    await nextView(log);
    await log.endSession(randomUUID(), inAnHour());
  });

  test('a log over TLS is reached with the authority that its URL names, and with no other', async () => {
    const { authority, certificate, key } = await servers.makeCertificate('log');
    const files = { 'tls-cert-file': certificate, 'tls-key-file': key };
    const anyone = { 'tls-ca-cert-file': authority, 'tls-auth-clients': 'no' };
    const { port } = await servers.start({ ...files, ...anyone });
    const url = `rediss://127.0.0.1:${port}/1`;
    const opening = redis.open({ url, ...options });
    await expect(opening).rejects.toMatchObject({ code: 'store-unavailable' });
    await using log = await redis.open({ url: `${url}?ca=${authority}`, ...options });
    const session = newSession();
    await log.endSession(session.id, inAnHour());
    expect(await log.ask(session)).toBe('ended');
  });

  test('an epoch grows also when nobody is left who knew the one before', async () => {
    const { userId } = newSession();
    let epoch = 0;
    for (let round = 0; round < 3; round += 1) {
      await using log = await redis.open({ url: urlOf(primary), ...options });
      const next = await log.endUser(userId, inAnHour());
      expect(next).toBeGreaterThan(epoch);
      epoch = next;
      await log[Symbol.asyncDispose]();
      await tell(primary, ['FLUSHALL']);
    }
  });

  test('what was acknowledged with a replica survives the death of the primary', async () => {
    const replica = await startReplica();
    const to = { host: '127.0.0.1', port: primary.port };
    await using link = await openLink({ name: 'server -> log', to });
    await using log = await redis.open({ url: urlOf(link), ...options, replicas: 1 });
    const sessions = Array.from({ length: 100 }, () => newSession());
    await Promise.all(sessions.map(({ id }) => log.endSession(id, inAnHour())));
    primary.process.kill('SIGKILL');
    await tell(replica, ['REPLICAOF', 'NO', 'ONE']);
    await using late = await redis.open({ url: urlOf(replica), ...options });
    for (const session of sessions) expect(late.standing(session)).toBe('ended');
    await link.retarget(replica.port);
    await expectStanding(log, newSession(), 'stale');
    for (const session of sessions) expect(log.standing(session)).toBe('ended');
  });

  test('without its replica nothing is acknowledged, and the view grows stale', async () => {
    const replica = await startReplica();
    await using log = await redis.open({ url: urlOf(primary), ...options, replicas: 1 });
    await log.endSession(randomUUID(), inAnHour());
    replica.process.kill('SIGSTOP');
    const session = newSession();
    const notDurable = { code: 'revocation-not-durable', definite: false };
    await expect(log.endSession(session.id, inAnHour())).rejects.toMatchObject(notDurable);
    const unavailable = { code: 'store-unavailable' };
    await expect(log.epochOf(session.userId)).rejects.toMatchObject(unavailable);
    await expectStanding(log, newSession(), 'stale');
    replica.process.kill('SIGCONT');
    await vi.waitFor(() => log.endSession(session.id, inAnHour()), patience);
    await expectStanding(log, newSession(), 'stands');
  });

  test('a replica answers nothing: it cannot know what it lacks', async () => {
    const replica = await startReplica();
    const opening = redis.open({ url: urlOf(replica), ...options });
    await expect(opening).rejects.toMatchObject({ code: 'store-unavailable' });
  });

  test('an address that it cannot follow is refused, with what to do', async () => {
    const opening = redis.open({ url: 'redis+sentinel://127.0.0.1:1/mine', ...options });
    await expect(opening).rejects.toThrow('REVOCATIONS=postgres');
  });

  test('a Redis without memory to spare still takes endings', async () => {
    await using log = await redis.open({ url: urlOf(primary), ...options });
    await tell(primary, ['CONFIG', 'SET', 'maxmemory', '1']);
    const session = newSession();
    await log.endSession(session.id, inAnHour());
    await log.endUser(session.userId, inAnHour());
    expect(await log.ask(session)).toBe('ended');
  });

  test('what no longer matters is cleared away', async () => {
    await using log = await redis.open({ url: urlOf(primary), ...options });
    const longAgo = Date.now() - 3_600_000;
    for (let n = 0; n < 40; n += 1) await log.endSession(randomUUID(), longAgo);
    expect(await tell(primary, countEndings)).toBe(1);
  });
});
