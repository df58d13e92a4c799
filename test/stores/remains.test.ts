// What an ended session leaves behind, seen from below the store: no data, no secret, a reason; and
// nothing for longer than its limit asks.

import { createClient } from '@redis/client';
import { Client } from 'pg';
import { expect, inject, test, vi } from 'vitest';
import { userTag } from '../../src/core/credential.ts';
import { memory, postgres, redis } from '../../src/stores/index.ts';
import { freshDatabase } from '../support/backing.ts';
import { newSession, newUser } from './subject.ts';

const timeoutMs = 10_000;
const soon = { timeout: 10_000, interval: 10 };

test('memory forgets a tombstone after its limit, at the cost of a few creates', async () => {
  await using store = await memory.open({ timeoutMs });
  const old = newSession();
  await store.create(old);
  await store.revoke(old.id, 'logout', old.createdAt);
  for (let n = 0; n < 50; n += 1) await store.create(newSession({ createdAt: old.createdAt + 1 }));
  expect(await store.create(old)).toEqual({ outcome: 'taken' });
  const later = old.absoluteExpiresAt;
  for (let n = 0; n < 50; n += 1) await store.create(newSession({ createdAt: later }));
  expect(await store.create(old)).toEqual({ outcome: 'ok', ended: [] });
});

test('PostgreSQL keeps an ended row with its reason, emptied, until a sweep', async () => {
  const url = await freshDatabase();
  const client = new Client({ connectionString: url });
  await client.connect();
  const rows = async (columns: string) =>
    (await client.query(`SELECT ${columns} FROM sessions ORDER BY created_at`)).rows;
  try {
    const now = Date.now();
    const old = newSession({ createdAt: now - 1_000, fields: { secret: 'cart' } });
    {
      await using store = await postgres.open({ url, timeoutMs });
      const living = newSession({ fields: { kept: 1 } });
      await store.create(living);
      await store.create(old);
      await store.revoke(old.id, 'logout', old.createdAt);
      await store.touch(newSession().id, now, now);
      await store.update(newSession().id, [{ op: 'set', field: 'a', value: 1 }], now);
      expect(await rows('fields, secret_hash, end_reason')).toEqual([
        { fields: {}, secret_hash: '', end_reason: 'logout' },
        { fields: { kept: 1 }, secret_hash: 'secret-0', end_reason: null },
      ]);
    }
    await client.query('UPDATE sessions SET absolute_expires_at = 0 WHERE id = $1', [old.id]);
    await using store = await postgres.open({ url, timeoutMs });
    await store.create(newSession());
    await vi.waitFor(async () => expect(await rows('id')).toHaveLength(2), soon);
  } finally {
    await client.end();
  }
});

test('eight servers that start together on an empty database make one table', async () => {
  const url = await freshDatabase();
  const stores = await Promise.all(
    Array.from({ length: 8 }, () => postgres.open({ url, timeoutMs })),
  );
  const session = newSession();
  expect(await stores[0]?.create(session)).toMatchObject({ outcome: 'ok' });
  expect(await stores[7]?.read(session.id, session.createdAt)).toBeDefined();
  for (const store of stores) await store[Symbol.asyncDispose]();
});

test.skipIf(inject('redisUrl') === undefined)(
  'Redis keeps a tombstone without data, and no key without an end',
  async () => {
    const url = inject('redisUrl') ?? '';
    await using store = await redis.open({ url, timeoutMs });
    const client = await createClient({ url }).connect();
    try {
      const userId = newUser();
      const tag = userTag(userId);
      const session = newSession({ userId, fields: { secret: 'cart' } });
      const { id, createdAt: now } = session;
      const keys = async () => (await client.keys(`*{${tag}}*`)).sort();
      await store.touch(id, now, now + 1);
      await store.update(id, [{ op: 'set', field: 'a', value: 1 }], now);
      expect(await keys()).toEqual([]);

      await store.create(session);
      const created = await keys();
      expect(created).toEqual([`sessionlab:index:{${tag}}`, `sessionlab:session:{${tag}}:${id}`]);
      for (const key of created) {
        expect(await client.pTTL(key)).toBeGreaterThan(600_000);
        expect(await client.pTTL(key)).toBeLessThanOrEqual(660_000);
      }

      await store.revoke(id, 'logout', now + 5);
      expect(await keys()).toEqual([`sessionlab:session:{${tag}}:${id}`]);
      const tombstone = await client.hGetAll(`sessionlab:session:{${tag}}:${id}`);
      expect({ ...tombstone }).toEqual({ ended: `logout ${now + 5}` });
      expect(await client.pTTL(`sessionlab:session:{${tag}}:${id}`)).toBeGreaterThan(500_000);
    } finally {
      client.destroy();
    }
  },
);
