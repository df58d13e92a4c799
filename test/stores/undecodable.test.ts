// A record that cannot be decoded is no session: it is counted, ended, and never fails a request.

import { createClient } from '@redis/client';
import { Client } from 'pg';
import { describe, expect, inject, test, vi } from 'vitest';
import { userTag } from '../../src/core/credential.ts';
import { postgres, redis } from '../../src/stores/index.ts';
import type { SessionStore } from '../../src/stores/store.ts';
import { freshDatabase } from '../support/backing.ts';
import { Ground, increment, rotation } from './ground.ts';
import { newSession, newUser } from './subject.ts';

const timeoutMs = 10_000;

/** Nothing that is asked of it fails, all say that it is gone, and it is counted once. */
async function expectNoSession(store: SessionStore, id: string, userId: string, now: number) {
  expect(await store.list(userId, now)).toEqual([]);
  expect(await store.read(id, now)).toBeUndefined();
  expect(await store.revokeAll(userId, 'logout-everywhere', now)).toBe(0);
  expect(await store.create(newSession({ userId }), { sessionsMax: 1, atLimit: 'refuse' })).toEqual(
    { outcome: 'ok', ended: [] },
  );
  const ground = new Ground();
  ground.here = store;
  ground.there = store;
  await ground.expectGone(id, now);
  expect(await store.create(newSession({ id }))).toEqual({ outcome: 'taken' });
}

test.each([['5'], ['null'], ['[1]'], ['"text"']])(
  'a row of PostgreSQL whose fields are %s is ended and counted',
  async (fields) => {
    const url = await freshDatabase();
    const onUndecodable = vi.fn();
    await using store = await postgres.open({ url, timeoutMs, onUndecodable });
    const session = newSession();
    const { id, userId, createdAt: now } = session;
    await store.create(session);
    const client = new Client({ connectionString: url });
    await client.connect();
    try {
      await client.query('UPDATE sessions SET fields = $1', [fields]);
      expect(await store.update(id, [increment('n', 1)], now)).toEqual({ outcome: 'gone' });
      expect(await store.rotate(id, rotation('secret-0', 'n', now))).toEqual({ outcome: 'gone' });
      await expectNoSession(store, id, userId, now);
      expect(onUndecodable).toHaveBeenCalledTimes(1);
      const { rows } = await client.query('SELECT end_reason FROM sessions WHERE id = $1', [id]);
      expect(rows).toEqual([{ end_reason: 'undecodable' }]);
    } finally {
      await client.end();
    }
  },
);

describe.skipIf(inject('redisUrl') === undefined)('a hash of Redis', () => {
  test.each<[what: string, damage: Readonly<Record<string, string>>]>([
    ['whose state is cut short', { state: '1 2 3' }],
    ['whose state is no state', { state: 'x'.repeat(200) }],
    ['whose limits are no numbers', { state: `soon later ${'1 '.repeat(6)}secret` }],
    ['that does not say whose it is', { who: '{' }],
    ['whose owner is no owner', { who: '[1,2]' }],
  ])('%s is ended and counted', async (_, damage) => {
    const url = inject('redisUrl') ?? '';
    const onUndecodable = vi.fn();
    await using store = await redis.open({ url, timeoutMs, onUndecodable });
    const client = await createClient({ url }).connect();
    try {
      const session = newSession({ userId: newUser() });
      const { id, userId, createdAt: now } = session;
      const key = `sessionlab:session:{${userTag(userId)}}:${id}`;
      await store.create(session);
      await client.hSet(key, damage);
      await expectNoSession(store, id, userId, now);
      expect(onUndecodable).toHaveBeenCalledTimes(1);
      expect({ ...(await client.hGetAll(key)) }).toEqual({ ended: `undecodable ${now}` });
      expect(await client.pTTL(key)).toBeGreaterThan(500_000);
    } finally {
      client.destroy();
    }
  });

  test('with a field that is no JSON is ended by whichever verb meets it first', async () => {
    const url = inject('redisUrl') ?? '';
    await using store = await redis.open({ url, timeoutMs });
    const client = await createClient({ url }).connect();
    try {
      for (const verb of ['read', 'update', 'rotate'] as const) {
        const session = newSession();
        const { id, userId, createdAt: now } = session;
        const key = `sessionlab:session:{${userTag(userId)}}:${id}`;
        await store.create(session);
        await client.hSet(key, 'f:cart', '{');
        if (verb === 'read') expect(await store.read(id, now)).toBeUndefined();
        else {
          const outcome =
            verb === 'update'
              ? await store.update(id, [increment('n', 1)], now)
              : await store.rotate(id, rotation('secret-0', 'secret-1', now));
          expect(outcome).toEqual({ outcome: 'gone' });
        }
        expect(await client.hGet(key, 'ended')).toBe(`undecodable ${now}`);
      }
    } finally {
      client.destroy();
    }
  });
});
