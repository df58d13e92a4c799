// The one PostgreSQL of accounts and sessions is away in each way that there is: shut down, silent
// behind a cut link, or full of somebody else's connections. Whoever logs in, renews or changes a
// password hears so within the time that a database is given, and can again soon after the cure.

import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { temporaryRoom } from '../../src/backing/account.ts';
import { withClient } from '../../src/backing/databases.ts';
import { startPostgres } from '../../src/backing/postgres.ts';
import type { Running } from '../../src/backing/process.ts';
import { type Link, openLink } from '../../src/lab/link.ts';
import { clientOf, password, startApp } from './ground.ts';

const budgetMs = 1_000;
/** For what else this machine does meanwhile; less than a second budget. */
const leewayMs = 900;
const connectionsMax = 20;

let folder: string;
let postgres: Running;
let link: Link;

beforeAll(async () => {
  folder = await mkdtemp(join(temporaryRoom(), 'sessionlab-outage-'));
  await chmod(folder, 0o711);
  postgres = await startPostgres(folder, 'temporary');
  link = await openLink({ name: 'database', to: { host: '127.0.0.1', port: portOf(postgres) } });
  await withClient(postgres.url, async (client) => {
    const limit = `CONNECTION LIMIT ${connectionsMax}`;
    await client.query(`CREATE ROLE app LOGIN PASSWORD 'app' ${limit}`);
    await client.query('CREATE DATABASE app OWNER app');
    // It will have much to complain of.
    await client.query("ALTER SYSTEM SET log_min_messages = 'panic'");
    await client.query('SELECT pg_reload_conf()');
  });
});
afterAll(async () => {
  await link[Symbol.asyncDispose]();
  await postgres.stop();
  await rm(folder, { recursive: true });
});

const portOf = ({ url }: Running) => Number(new URL(url).port);
const urlAt = (port: number) => `postgresql://app:app@127.0.0.1:${port}/app`;

const ways: Record<string, () => Promise<() => Promise<void>>> = {
  async 'is shut down'() {
    await postgres.stop();
    return async () => {
      postgres = await startPostgres(folder, 'temporary');
      await link.retarget(portOf(postgres));
    };
  },
  async 'falls silent'() {
    link.cut();
    return async () => link.heal();
  },
  async 'has no connection left'() {
    const held = await holdAll();
    return async () => {
      await Promise.all(held.map((client) => client.end()));
    };
  },
};

/** Takes every connection that the role may have, those of the server included. */
async function holdAll(): Promise<Client[]> {
  const held: Client[] = [];
  const take = async () => {
    const client = new Client(urlAt(portOf(postgres)));
    client.on('error', () => undefined);
    await client.connect();
    held.push(client);
  };
  await expect
    .poll(
      async () => {
        await withClient(postgres.url, async (admin) => {
          const pids = await Promise.all(held.map((each) => each.query('SELECT pg_backend_pid()')));
          const own = pids.map(({ rows }) => rows[0].pg_backend_pid);
          const end = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE usename = 'app' AND pid <> ALL($1)`;
          await admin.query(end, [own]);
        });
        while (held.length < connectionsMax) await take();
        return held.length;
      },
      { timeout: 15_000 },
    )
    .toBe(connectionsMax);
  return held;
}

test.each(Object.keys(ways))('while the database %s everybody hears so in time', async (way) => {
  const settings = { DATABASE_URL: urlAt(link.port), STORE_TIMEOUT_MS: String(budgetMs) };
  await using server = await startApp({ strategy: 'token', store: 'postgres' }, settings);
  const username = `alice, when it ${way}`;
  const me = clientOf(server.app);
  await me.ask('POST', '/register', { username, password });
  const logIn = async () => (await clientOf(server.app).logIn(username)).status;
  await expect.poll(async () => (await me.logIn(username)).status).toBe(200);
  // Several connections, so that more than one is dead.
  await Promise.all([logIn(), logIn(), logIn()]);
  await expect.poll(logIn).toBe(200);
  const cure = await (ways[way] ?? (() => Promise.reject(way)))();
  const asked = [
    ['/login', { username, password }],
    ['/refresh', { refreshToken: me.refreshToken }],
    ['/password', { password, newPassword: 'a new one 4711' }],
  ] as const;
  for (let round = 0; round < 3; round += 1) {
    for (const [path, body] of asked) {
      const begunAt = performance.now();
      const answer = await me.copy().ask('POST', path, body);
      expect(performance.now() - begunAt, path).toBeLessThan(budgetMs + leewayMs);
      expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
      // What was sent to a link that had just been cut may have been done.
      const maybeDone = path === '/refresh' && answer.body.code === 'store-outcome-unknown';
      expect([path, answer.status]).toEqual([path, maybeDone ? 504 : 503]);
    }
  }
  await cure();
  const curedAt = performance.now();
  await expect.poll(logIn, { timeout: 5_000, interval: 20 }).toBe(200);
  expect(performance.now() - curedAt).toBeLessThan(1_000 + leewayMs);
  expect(server.logged()).not.toContain('the server failed');
});
