// What is particular to the log in PostgreSQL: transactions that commit late, servers that start
// together, and a database that is set to acknowledge what it has not written.

import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { beforeEach, expect, test, vi } from 'vitest';
import { postgres } from '../../src/revocations/postgres.ts';
import { freshDatabase } from '../support/backing.ts';
import { expectStanding, inAnHour, newSession, nextView } from './revocation-log.contract.ts';

const options = { timeoutMs: 5_000, stalenessMs: 1_000 };

let url: string;
beforeEach(async () => {
  url = await freshDatabase();
});

async function connected(): Promise<Client & AsyncDisposable> {
  const client = new Client(url);
  client.on('error', () => undefined);
  await client.connect();
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.end() });
}

test('an ending whose transaction began before others and commits after them is not missed', async () => {
  await using log = await postgres.open({ url, ...options });
  await using late = await connected();
  const session = newSession();
  await late.query('BEGIN');
  await late.query(
    `INSERT INTO endings (kind, subject, until, xid)
     VALUES ('session', $1, $2, pg_current_xact_id())`,
    [session.id, inAnHour()],
  );
  for (let round = 0; round < 3; round += 1) {
    await log.endSession(randomUUID(), inAnHour());
    await nextView(log);
  }
  expect(log.standing(session)).toBe('stands');
  await late.query('COMMIT');
  await expectStanding(log, session, 'ended');
});

test('of eight servers that start together one makes the table', async () => {
  const logs = await Promise.all(
    Array.from({ length: 8 }, () => postgres.open({ url, ...options })),
  );
  const session = newSession();
  await logs[0]?.endSession(session.id, inAnHour());
  for (const log of logs) await expectStanding(log, session, 'ended');
  await Promise.all(logs.map((log) => log[Symbol.asyncDispose]()));
});

test('an ending is committed to disk also where the database says that others need not be', async () => {
  await using admin = await connected();
  await admin.query(
    `ALTER DATABASE ${new URL(url).pathname.slice(1)} SET synchronous_commit = off`,
  );
  await using log = await postgres.open({ url, ...options });
  await admin.query(`
    CREATE FUNCTION refuse_off() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      ASSERT current_setting('synchronous_commit') = 'on';
      RETURN NEW;
    END $$;
    CREATE TRIGGER refuse_off BEFORE INSERT ON endings FOR EACH ROW EXECUTE FUNCTION refuse_off();`);
  await log.endSession(randomUUID(), inAnHour());
  await log.endUser(randomUUID(), inAnHour());
});

test('a server whose connections are ended finds all that it missed', async () => {
  await using log = await postgres.open({ url, ...options });
  await using other = await postgres.open({ url, ...options });
  await using admin = await connected();
  for (let round = 0; round < 5; round += 1) {
    const session = newSession();
    await admin.query(
      'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()',
    );
    await vi.waitFor(() => other.endSession(session.id, inAnHour()), { timeout: 20_000 });
    await expectStanding(log, session, 'ended');
    await expectStanding(log, newSession(), 'stands');
  }
});

test('what no longer matters is cleared away, and an epoch grows all the same', async () => {
  await using log = await postgres.open({ url, ...options });
  await using admin = await connected();
  const { userId } = newSession();
  const longAgo = Date.now() - 3_600_000;
  const first = await log.endUser(userId, longAgo);
  const endings = Array.from({ length: 200 }, () => log.endSession(randomUUID(), longAgo));
  await Promise.all(endings);
  const count = async () => (await admin.query('SELECT count(*)::int AS n FROM endings')).rows[0].n;
  await expect.poll(count).toBeLessThan(100);
  expect(await log.endUser(userId, inAnHour())).toBeGreaterThan(first);
});

test('what others notify and is no ending is nothing', async () => {
  await using log = await postgres.open({ url, ...options });
  await using admin = await connected();
  for (const text of ['', 'hello', 'null', '[]', '{"kind":"user","subject":"u"}']) {
    await admin.query('SELECT pg_notify($1, $2)', ['sessionlab_endings', text]);
  }
  const session = newSession();
  await using other = await postgres.open({ url, ...options });
  await other.endSession(session.id, inAnHour());
  await expectStanding(log, session, 'ended');
});
