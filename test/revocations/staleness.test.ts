// How old a view may be. Servers follow one log, one of them through a link that fails: whatever
// happens to it, within the bound an ending is known there, or the server says that it is stale.
// Times are generous: they are about bounds, and the machine may be busy.

import { setTimeout as delay } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createClient } from '@redis/client';
import { Client } from 'pg';
import { afterEach, beforeEach, describe, expect, inject, test, vi } from 'vitest';
import { type Link, openLink } from '../../src/lab/link.ts';
import { postgres, redis } from '../../src/revocations/index.ts';
import type { Judged, RevocationLog } from '../../src/revocations/revocation-log.ts';
import { freshDatabase } from '../support/backing.ts';
import { expectStanding, inAnHour, newSession } from './revocation-log.contract.ts';

const timeoutMs = 1_000;
const stalenessMs = 2_000;

const options = { timeoutMs, stalenessMs };

/**
 * How long after a moment the server still takes it that the session stands. Only when it is asked
 * counts: the answer is not to be older than the bound, whenever that is.
 */
async function standsForMs(log: RevocationLog, session: Judged, sinceMs: number): Promise<number> {
  for (let stoodMs = 0; ; ) {
    const askedMs = performance.now();
    if (log.standing(session) !== 'stands') return stoodMs;
    stoodMs = askedMs - sinceMs;
    await delay(5);
  }
}

/** Endings that are in the log and were pushed to nobody. */
type Quietly = (url: string, sessionIds: readonly string[]) => Promise<void>;

const quietlyInPostgres: Quietly = async (url, sessionIds) => {
  const client = new Client(url);
  await client.connect();
  const insert = `INSERT INTO endings (kind, subject, until, xid)
    SELECT 'session', unnest($1::text[]), $2, pg_current_xact_id()`;
  await client.query(insert, [sessionIds, inAnHour()]);
  await client.end();
};

const quietlyInRedis: Quietly = async (url, sessionIds) => {
  const client = await createClient({ url }).connect();
  const key = (name: string) => `sessionlab:endings:{log}:${name}`;
  const last = await client.incrBy(key('head'), sessionIds.length);
  const members = sessionIds.map((id, at) => ({ value: `s:${id}`, score: last - at }));
  for (let at = 0; at < members.length; at += 10_000) {
    const some = members.slice(at, at + 10_000);
    await client.zAdd(key('version'), some);
    await client.zAdd(
      key('until'),
      some.map(({ value }) => ({ value, score: inAnHour() })),
    );
  }
  client.destroy();
};

const subjects = [
  { name: 'postgres', log: postgres, url: freshDatabase, quietly: quietlyInPostgres },
  ...(inject('redisUrl') === undefined
    ? []
    : [
        {
          name: 'redis',
          log: redis,
          // A logical database of its own: this log grows large.
          url: async () => new URL('/7', inject('redisUrl')).href,
          quietly: quietlyInRedis,
        },
      ]),
];

describe.each(subjects)('$name', (subject) => {
  let url: string;
  let link: Link;
  let near: RevocationLog;
  let far: RevocationLog;

  beforeEach(async () => {
    url = await subject.url();
    const through = new URL(url);
    const to = { host: through.hostname, port: Number(through.port) };
    link = await openLink({ name: 'server -> log', to });
    through.port = String(link.port);
    near = await subject.log.open({ url, ...options });
    far = await subject.log.open({ url: through.href, ...options });
  });
  afterEach(async () => {
    await far[Symbol.asyncDispose]();
    await near[Symbol.asyncDispose]();
    await link[Symbol.asyncDispose]();
  });

  test('without a push, an ending is known within the bound all the same', async () => {
    const session = newSession();
    await subject.quietly(url, [session.id]);
    const endedAt = performance.now();
    expect(await standsForMs(far, session, endedAt)).toBeLessThan(stalenessMs);
    await expectStanding(far, session, 'ended');
  });

  test('cut off, a server is stale within the bound, and asking fails in time', async () => {
    const session = newSession();
    link.cut();
    const cutAt = performance.now();
    await near.endSession(session.id, inAnHour());
    expect(await standsForMs(far, session, cutAt)).toBeLessThan(stalenessMs);
    expect(far.standing(session)).toBe('stale');
    const askedAt = performance.now();
    const unavailable = { code: 'store-unavailable', retryAfterSeconds: 1 };
    await expect(far.ask(session)).rejects.toMatchObject(unavailable);
    await expect(far.epochOf(session.userId)).rejects.toMatchObject(unavailable);
    expect(performance.now() - askedAt).toBeLessThan(3 * timeoutMs);
    const end = far.endSession(session.id, inAnHour());
    await expect(end).rejects.toMatchObject({ code: 'revocation-not-durable' });
    link.heal();
    await expectStanding(far, session, 'ended');
    await expectStanding(far, newSession(), 'stands');
  });

  test('what was known is known also while nothing can be asked', async () => {
    const [session, { userId }] = [newSession(), newSession()];
    await near.endSession(session.id, inAnHour());
    await near.endUser(userId, inAnHour());
    await expectStanding(far, session, 'ended');
    await expectStanding(far, newSession(0, userId), 'ended');
    link.refuse();
    await expectStanding(far, newSession(), 'stale');
    expect(far.standing(session)).toBe('ended');
    expect(await far.ask(session)).toBe('ended');
    expect(await far.ask(newSession(0, userId))).toBe('ended');
  });

  test('an ending whose answer is lost holds all the same, and may be repeated', async () => {
    const session = newSession();
    await far.ask(session);
    link.delay(400);
    const heard = new Promise<void>((resolve) => {
      near.follow((ending) => {
        if (ending.kind === 'session' && ending.sessionId === session.id) resolve();
      });
    });
    const ending = far.endSession(session.id, inAnHour()).catch((error: unknown) => error);
    await heard;
    link.cut();
    expect(await ending).toMatchObject({ code: 'revocation-not-durable', definite: false });
    expect(near.standing(session)).toBe('ended');
    link.heal();
    await expectStanding(far, session, 'ended');
    await vi.waitFor(() => far.endSession(session.id, inAnHour()), { timeout: 20_000 });
  });

  test('1,000 endings are known elsewhere soon after, and none is missed', async () => {
    const endedAt = new Map<string, number>();
    const lagsMs: number[] = [];
    using _ = far.follow((ending) => {
      if (ending.kind !== 'session') return;
      const at = endedAt.get(ending.sessionId);
      // Known before it is acknowledged: no lag at all.
      if (endedAt.has(ending.sessionId)) lagsMs.push(at ? performance.now() - at : 0);
    });
    for (let n = 0; n < 1_000; n += 1) {
      const { id } = newSession();
      endedAt.set(id, 0);
      await near.endSession(id, inAnHour());
      endedAt.set(id, performance.now());
    }
    await expect.poll(() => lagsMs).toHaveLength(1_000);
    lagsMs.sort((one, other) => one - other);
    const [p50, p99, max] = [499, 989, 999].map((at) => lagsMs[at]?.toFixed(1));
    const early = lagsMs.filter((lag) => lag === 0).length;
    console.log(
      `${subject.name}: after the acknowledgement, ms: p50 ${p50} p99 ${p99} max ${max}; ` +
        `${early} of 1000 known before it`,
    );
    expect(Number(max)).toBeLessThan(stalenessMs);
  });

  test('100,000 endings are read at the start, a page at a time', async () => {
    const ids = Array.from({ length: 100_000 }, () => newSession().id);
    await subject.quietly(url, ids);
    const before = heapBytes();
    const openedAt = performance.now();
    await using late = await subject.log.open({ url, ...options });
    const tookMs = performance.now() - openedAt;
    const bytes = (heapBytes() - before) / ids.length;
    console.log(
      `${subject.name}: 100000 endings read in ${tookMs.toFixed(0)} ms, ` +
        `${bytes.toFixed(0)} bytes of memory each`,
    );
    for (const id of ids) {
      if (late.standing({ ...newSession(), id }) !== 'ended') expect.fail(`${id} is unknown`);
    }
    expect(tookMs).toBeLessThan(20_000);
    expect(bytes).toBeLessThan(400);
  });
});

function heapBytes(): number {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  return process.memoryUsage().heapUsed;
}
