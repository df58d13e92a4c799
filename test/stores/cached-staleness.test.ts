// How long a server may serve from its cache what another one has ended, with real Redis: measured
// while all is well, and held to the bound while the announcements are refused, fall silent, are
// cut off by Redis or flushed. Every read that begins later than the bound must say gone.

import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { createClient } from '@redis/client';
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { type Backing, openBacking, type PrivateRedis } from '../../src/backing/backing.ts';
import type { StoredSession } from '../../src/core/session.ts';
import { type Link, openLink } from '../../src/lab/link.ts';
import { CachedSessions } from '../../src/stores/cached-sessions.ts';
import { cached, redis } from '../../src/stores/index.ts';
import { sessionKeys } from '../../src/stores/redis-sessions.ts';
import { RedisTracking } from '../../src/stores/redis-tracking.ts';
import type { SessionStore } from '../../src/stores/store.ts';
import { override } from '../support/override.ts';
import type { Acknowledged } from './revoker.ts';
import { newSession } from './subject.ts';

const timeoutMs = 10_000;
const boundMs = cached.claims.revocation?.withinMs ?? 0;
const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error('it does not come about');
    await nextTurn();
  }
}

function percentiles(lagsMs: readonly number[]): string {
  const sorted = lagsMs.toSorted((one, other) => one - other);
  const at = (share: number) => sorted[Math.ceil(share * sorted.length) - 1]?.toFixed(2);
  return `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, max ${at(1)} ms of ${sorted.length}`;
}

describe.skipIf(inject('redisUrl') === undefined)('what another server ended', () => {
  let backing: Backing;
  let server: PrivateRedis;
  let link: Link;
  let feed: RedisTracking;
  /** How often the cache had to ask. */
  let asked = 0;
  let here: SessionStore;
  let there: SessionStore;
  let admin: Awaited<ReturnType<typeof connected>>;
  const connected = () => createClient({ url: server.url }).connect();

  beforeAll(async () => {
    backing = await openBacking();
    const started = await backing.startRedis();
    if (started === undefined) throw new Error('there is no Redis');
    server = started;
    admin = await connected();
    // A table this small overflows at once, where announcements need one.
    await admin.configSet('tracking-table-max-keys', '1');
    const url = new URL(server.url);
    const to = { host: url.hostname, port: Number(url.port) };
    link = await openLink({ name: 'announcements', to });
    url.port = String(link.port);
    const shared = await redis.open({ url: server.url, timeoutMs });
    feed = await RedisTracking.open(url.href, sessionKeys);
    const counting = override(shared, {
      read(id: string, now: number) {
        asked += 1;
        return shared.read(id, now);
      },
    });
    here = new CachedSessions(counting, feed);
    there = await redis.open({ url: server.url, timeoutMs });
  });
  afterAll(async () => {
    await here?.[Symbol.asyncDispose]();
    await there?.[Symbol.asyncDispose]();
    admin?.destroy();
    await link?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
    await backing?.[Symbol.asyncDispose]();
  });

  /** Sessions that another server began, and this one keeps in its cache. */
  async function kept(count: number): Promise<StoredSession[]> {
    await until(() => feed.isTrusted);
    const sessions = Array.from({ length: count }, () => newSession());
    for (const session of sessions) await there.create(session);
    // What is announced of their beginning may come after the first read.
    do {
      asked = 0;
      for (const { id, createdAt } of sessions) await here.read(id, createdAt);
    } while (asked > 0);
    return sessions;
  }

  test('is gone here about a millisecond after it was acknowledged there', async () => {
    const worker = new Worker(new URL('./revoker.ts', import.meta.url), {
      workerData: { url: server.url },
    });
    await once(worker, 'message');
    const lagsMs: number[] = [];
    for (const { id, createdAt } of await kept(1_000)) {
      let acknowledged: Acknowledged | undefined;
      worker.once('message', (message: Acknowledged) => {
        acknowledged = message;
      });
      worker.postMessage(id);
      let servedAt = 0n;
      for (;;) {
        const begunAt = process.hrtime.bigint();
        if ((await here.read(id, createdAt)) === undefined) break;
        servedAt = begunAt;
        await nextTurn();
      }
      await until(() => acknowledged !== undefined);
      lagsMs.push(Math.max(0, Number(servedAt - (acknowledged?.at ?? 0n)) / 1e6));
    }
    worker.postMessage(null);
    await once(worker, 'exit');
    console.log(`served after the end was acknowledged: ${percentiles(lagsMs)}`);
    expect(Math.max(...lagsMs)).toBeLessThan(boundMs);
  });

  const faults = {
    'refused and reset': { inject: () => link.refuse(), stale: false },
    'lost in silence': { inject: () => link.cut(), stale: true },
    'cut off by Redis': {
      inject: async () => {
        const clients = await admin.sendCommand<string>(['CLIENT', 'LIST']);
        const [, id = ''] = /id=(\d+) .* flags=tB /.exec(clients) ?? [];
        await admin.sendCommand(['CLIENT', 'KILL', 'ID', id]);
      },
      stale: false,
    },
  };

  test.each(Object.entries(faults))(
    'is gone here within the bound when announcements are %s',
    async (_, fault) => {
      const sessions = await kept(700);
      const endedAt = new Map<StoredSession, number>();
      const served = { count: 0, longestMs: 0 };
      await fault.inject();
      const reading = (async () => {
        for (let gone = 0; gone < sessions.length; ) {
          gone = 0;
          for (const session of sessions) {
            const begunAt = performance.now();
            const found = await here.read(session.id, session.createdAt);
            if (found === undefined) gone += 1;
            const acknowledgedAt = endedAt.get(session);
            if (found === undefined || acknowledgedAt === undefined) continue;
            served.count += 1;
            served.longestMs = Math.max(served.longestMs, begunAt - acknowledgedAt);
          }
          await nextTurn();
        }
      })();
      for (const session of sessions) {
        await there.revoke(session.id, 'logout', session.createdAt);
        endedAt.set(session, performance.now());
      }
      await reading;
      link.heal();
      const { count, longestMs } = served;
      console.log(`${count} stale reads, the last ${longestMs.toFixed(1)} ms after the end`);
      expect(longestMs).toBeLessThan(boundMs);
      if (fault.stale) expect(longestMs).toBeGreaterThan(0);
    },
  );

  test('is asked for by a server that has slept, whichever clock stood still meanwhile', async () => {
    const [{ id, createdAt } = newSession()] = await kept(1);
    const [steadyMs, wallMs] = [performance.now(), Date.now()];
    for (const slept of [
      () => vi.spyOn(Date, 'now').mockReturnValue(wallMs + 2 * boundMs),
      () => vi.spyOn(performance, 'now').mockReturnValue(steadyMs + 2 * boundMs),
    ]) {
      await until(() => feed.isTrusted);
      slept();
      const before = asked;
      const reading = here.read(id, createdAt);
      vi.restoreAllMocks();
      expect(await reading).toBeDefined();
      expect(asked).toBe(before + 1);
    }
  });

  test('is gone here when Redis is emptied, also where a fill was under way', async () => {
    const sessions = await kept(200);
    const filling = newSession();
    await there.create(filling);
    const fill = here.read(filling.id, filling.createdAt);
    await admin.flushAll();
    const flushedAt = performance.now();
    await fill;
    await until(() => feed.ageMs() < performance.now() - flushedAt);
    for (const { id, createdAt } of [...sessions, filling]) {
      expect(await here.read(id, createdAt)).toBeUndefined();
    }
  });
});

test('a cache that could not be told of changes does not open, and says why', async () => {
  const code = 'store-unavailable';
  const detail = expect.stringContaining('more than one master');
  const cluster = cached.open({ url: 'redis+cluster://127.0.0.1:1', timeoutMs });
  await expect(cluster).rejects.toMatchObject({ code, detail });
  const nobody = cached.open({ url: 'redis://127.0.0.1:1', timeoutMs });
  const refused = expect.stringContaining('ECONNREFUSED');
  await expect(nobody).rejects.toMatchObject({ code, detail: refused });
});
