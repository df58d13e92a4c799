// The table of sessions in PostgreSQL and its one function, made at the first start. Replicas that
// start together wait for one another (an advisory lock), and only the first makes them; a role
// without the right to create tables can start once they are there. Each later layout is one more
// step at the end.

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
     ADD COLUMN epoch double precision NOT NULL DEFAULT 0,
     ADD COLUMN data_version integer NOT NULL DEFAULT 0,
     ADD COLUMN sealed_secret text;`,
  // Locks the user until the login is written. A function, because each of its statements sees what
  // was committed while it waited, where a single statement would count what was there before; and
  // no transaction stays open when a server is halted between two of them.
  `CREATE FUNCTION sessions_make_room(
     new_id text, owner text, at_ms double precision, sessions_max integer, at_limit text)
   RETURNS text[] LANGUAGE plpgsql AS $$
   DECLARE
     living text[];
     surplus integer;
   BEGIN
     PERFORM pg_advisory_xact_lock(hashtextextended(owner, ${lockKey}));
     IF EXISTS (SELECT FROM sessions WHERE id = new_id) THEN RETURN '{}'; END IF;
     SELECT array_agg(id ORDER BY created_at, id) INTO living FROM (
       SELECT id, created_at FROM sessions
       WHERE user_id = owner AND revoked_at IS NULL
         AND at_ms < absolute_expires_at AND at_ms < idle_expires_at
         AND jsonb_typeof(fields) = 'object'
       ORDER BY id FOR UPDATE) AS one;
     surplus := coalesce(cardinality(living), 0) + 1 - sessions_max;
     IF surplus <= 0 THEN RETURN '{}'; END IF;
     IF at_limit = 'refuse' THEN RETURN NULL; END IF;
     UPDATE sessions SET revoked_at = at_ms, end_reason = 'session-limit', fields = '{}',
       secret_hash = '', previous_secret_hash = NULL, sealed_secret = NULL
       WHERE id = ANY (living[1:surplus]);
     RETURN living[1:surplus];
   END $$;`,
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
