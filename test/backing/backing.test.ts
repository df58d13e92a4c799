// The services of a run are real and answer.
import { createClient } from '@redis/client';
import { expect, inject, test } from 'vitest';
import { withClient } from '../../src/backing/databases.ts';
import { freshDatabase } from '../support/backing.ts';

test('PostgreSQL answers a query in a fresh, empty database', async () => {
  const url = await freshDatabase();
  const tables = await withClient(url, (client) =>
    client.query(`SELECT * FROM pg_tables WHERE schemaname = 'public'`),
  );
  expect(tables.rows).toEqual([]);
});

test.runIf(inject('redisUrl'))(
  'Redis answers PING, and only to who knows the password',
  async () => {
    const url = new URL(inject('redisUrl') ?? '');
    const client = createClient({ url: url.href });
    await client.connect();
    expect(await client.ping()).toBe('PONG');
    client.destroy();
    url.password = 'guess';
    const stranger = createClient({ url: url.href, socket: { reconnectStrategy: false } });
    stranger.on('error', () => undefined);
    await expect(stranger.connect()).rejects.toThrow('WRONGPASS');
  },
);
