// The table of sessions in PostgreSQL, made at the first start. Replicas that start together wait
// for one another (an advisory lock), and only the first makes it; a role without the right to
// create tables can start once they are there. Each later layout is one more step at the end.

import { Client } from 'pg';
import { unavailable } from './outage.ts';

const startBudgetMs = 5_000;

/** Any constant will do, as long as nothing else in the database locks it. */
const lockKey = 7_305_471;

/** Times are milliseconds since the Unix epoch, as double precision: what JavaScript counts in. */
const steps = [
  `CREATE TABLE sessions (
     id text PRIMARY KEY,
     handle text NOT NULL,
     user_id text NOT NULL,
     user_name text NOT NULL,
     created_at double precision NOT NULL,
     last_seen_at double precision NOT NULL,
     authenticated_at double precision NOT NULL,
     rotated_at double precision NOT NULL,
     absolute_expires_at double precision NOT NULL,
     idle_expires_at double precision NOT NULL,
     revision integer NOT NULL,
     fields jsonb NOT NULL,
     secret_hash text NOT NULL,
     previous_secret_hash text,
     revoked_at double precision,
     end_reason text
   ) WITH (fillfactor = 80);
   CREATE INDEX sessions_by_user ON sessions (user_id);
   CREATE INDEX sessions_by_absolute_limit ON sessions (absolute_expires_at);`,
  `ALTER TABLE sessions
     ADD COLUMN epoch integer NOT NULL DEFAULT 0,
     ADD COLUMN data_version integer NOT NULL DEFAULT 0,
     ADD COLUMN sealed_secret text;`,
];

/** @throws OperatingError `store-unavailable` when it cannot be done within five seconds. */
export async function makeTables(connectionString: string): Promise<void> {
  const client = new Client({
    connectionString,
    connectionTimeoutMillis: startBudgetMs,
    query_timeout: startBudgetMs,
    statement_timeout: startBudgetMs,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    if ((await versionOf(client)) < steps.length) await migrate(client);
  } catch (cause) {
    throw unavailable(cause);
  } finally {
    void client.end().catch(() => undefined);
  }
}

async function migrate(client: Client): Promise<void> {
  await client.query('BEGIN');
  await client.query('SELECT pg_advisory_xact_lock($1)', [lockKey]);
  await client.query('CREATE TABLE IF NOT EXISTS sessions_layout (version integer NOT NULL)');
  for (const step of steps.slice(await versionOf(client))) await client.query(step);
  await client.query('DELETE FROM sessions_layout');
  await client.query('INSERT INTO sessions_layout VALUES ($1)', [steps.length]);
  await client.query('COMMIT');
}

/** Zero when there are no tables yet. */
async function versionOf(client: Client): Promise<number> {
  const { rows } = await client.query("SELECT to_regclass('sessions_layout') AS layout");
  if (rows[0]?.layout === null) return 0;
  const versions = await client.query('SELECT max(version) AS version FROM sessions_layout');
  return versions.rows[0]?.version ?? 0;
}
