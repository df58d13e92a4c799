// When a part is out of order the server says so, quickly, and takes nobody for nobody: a real
// Redis that is stopped in the middle of the work, and a PostgreSQL that lets nobody in.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Backing, openBacking, type PrivateRedis } from '../../src/backing/backing.ts';
import { withClient } from '../../src/backing/databases.ts';
import { answers, type Client, clientOf, password, startApp } from './ground.ts';

let backing: Backing;
let redis: PrivateRedis;

beforeAll(async () => {
  backing = await openBacking();
  const started = await backing.startRedis();
  if (started === undefined) throw new Error(backing.redisHint);
  redis = started;
});
afterAll(async () => {
  await redis[Symbol.asyncDispose]();
  await backing[Symbol.asyncDispose]();
});

async function loggedIn(client: Client): Promise<Client> {
  await client.ask('POST', '/register', { username: 'alice', password });
  expect((await client.logIn('alice')).status).toBe(200);
  return client;
}

test('while the store is silent everybody hears so, in time, and keeps the cookie', async () => {
  const settings = { SESSION_STORE_URL: redis.url, STORE_TIMEOUT_MS: '600' };
  await using server = await startApp(answers[2], settings);
  const me = await loggedIn(clientOf(server.app));
  await me.ask('POST', '/cart/items', { item: 'apple', quantity: 2 });
  process.kill(redis.pid, 'SIGSTOP');
  try {
    const asked = [
      ['GET', '/dashboard'],
      ['GET', '/cart'],
      ['POST', '/logout'],
      ['POST', '/logout-everywhere'],
      ['GET', '/sessions'],
    ] as const;
    for (const [method, path] of asked) {
      const start = performance.now();
      const { status, headers, body } = await me.ask(method, path);
      expect(performance.now() - start, path).toBeLessThan(1_100);
      expect([path, status, body.code]).toEqual([path, 503, 'store-unavailable']);
      expect(Number(headers['retry-after'])).toBeGreaterThan(0);
      expect(headers).not.toHaveProperty('set-cookie');
    }
    const stranger = clientOf(server.app);
    expect((await stranger.ask('GET', '/dashboard')).status).toBe(401);
    expect((await stranger.ask('GET', '/health/live')).status).toBe(200);
    expect((await stranger.ask('GET', '/health/ready')).status).toBe(200);
    const health = await stranger.ask('GET', '/health');
    const parts = { store: 'unreachable', accounts: 'ok' };
    const breaker = expect.stringMatching('open');
    expect(health.body).toEqual({ status: 'degraded', parts, breaker });
  } finally {
    process.kill(redis.pid, 'SIGCONT');
  }
  await expect.poll(async () => (await me.ask('GET', '/cart')).status).toBe(200);
  expect((await me.ask('GET', '/cart')).body).toEqual({ items: { apple: 2 } });
  expect(server.logged()).not.toContain('the server failed');
});

test('without the accounts nobody logs in, and who is logged in stays so', async () => {
  await using server = await startApp(answers[1], { STORE_TIMEOUT_MS: '1000' });
  const me = await loggedIn(clientOf(server.app));
  const name = new URL(server.databaseUrl).pathname.slice(1);
  const elsewhere = Object.assign(new URL(server.databaseUrl), { pathname: '/postgres' }).href;
  await withClient(elsewhere, async (client) => {
    await client.query(`ALTER DATABASE "${name}" ALLOW_CONNECTIONS false`);
    await client.query(
      'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1',
      [name],
    );
  });
  const refused = await clientOf(server.app).logIn('alice');
  expect([refused.status, refused.body.code]).toEqual([503, 'accounts-unavailable']);
  expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
  expect((await me.ask('GET', '/dashboard')).status).toBe(200);
  expect((await me.ask('GET', '/health')).body.parts.accounts).toBe('unreachable');
});
