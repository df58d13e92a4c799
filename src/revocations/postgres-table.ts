// The table of endings in PostgreSQL: made at the first start, by one of the servers that start
// together (an advisory lock), and the statements on it. An epoch is the database's time in
// milliseconds, pushed forward where that would not make it grow: it grows even after an ending
// that no longer mattered was cleared away.

import { Client } from 'pg';

const startBudgetMs = 5_000;

/** Any constant will do, as long as nothing else in the database locks it. */
const lockKey = 7_305_474;

export const channel = 'sessionlab_endings';

const layout = `
  CREATE TABLE IF NOT EXISTS endings (
    kind text COLLATE "C" NOT NULL CHECK (kind IN ('session', 'user')),
    subject text COLLATE "C" NOT NULL,
    epoch double precision NOT NULL DEFAULT 0,
    spared text,
    until double precision NOT NULL,
    xid xid8 NOT NULL,
    PRIMARY KEY (kind, subject)
  );
  CREATE INDEX IF NOT EXISTS endings_by_transaction ON endings (xid, kind, subject);
  CREATE INDEX IF NOT EXISTS endings_by_limit ON endings (until);`;

const columns = 'kind, subject, epoch, spared, until';

/** How much longer than it matters a row is kept, for servers whose clocks are behind. */
const sweepSlackMs = 60_000;
const sweptRowsMax = 256;

const nowMs = 'floor(extract(epoch FROM clock_timestamp()) * 1000)';

/** The ending is told to those who listen when, and only when, it is committed. */
const keep = (values: string, change: string, condition = 'true') => `
  WITH kept AS (
    INSERT INTO endings (kind, subject, until, epoch, spared, xid)
    VALUES (${values}, pg_current_xact_id())
    ON CONFLICT (kind, subject) DO UPDATE SET ${change},
      until = greatest(endings.until, excluded.until), xid = excluded.xid
      WHERE ${condition}
    RETURNING ${columns})
  SELECT epoch, pg_notify('${channel}', row_to_json(kept)::text) FROM kept`;

export const statements = {
  /** Session id, until. */
  endSession: keep(`'session', $1, $2, 0, NULL`, 'epoch = 0'),

  /** User id, until, session that is spared, and its epoch. No row when it has ended itself. */
  endUser: keep(
    `'user', $1, $2, ${nowMs}, $3`,
    'epoch = greatest(endings.epoch + 1, excluded.epoch), spared = excluded.spared',
    `$3::text IS NULL OR endings.spared = $3 OR endings.epoch <= $4 OR endings.until <= ${nowMs}`,
  ),

  /** User id, session id. */
  find: `SELECT ${columns} FROM endings
    WHERE (kind = 'user' AND subject = $1) OR (kind = 'session' AND subject = $2)`,

  /** Transaction, kind and subject after which to begin; rows at most. One row in any case. */
  page: `SELECT head.position, page.*
    FROM (SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS position) AS head
    LEFT JOIN LATERAL (
      SELECT ${columns}, xid::text AS transaction FROM endings
      WHERE (xid, kind, subject) > ($1::xid8, $2, $3)
      ORDER BY xid, kind, subject LIMIT $4
    ) AS page ON true`,

  sweep: `DELETE FROM endings WHERE (kind, subject) IN (
    SELECT kind, subject FROM endings WHERE until < ${nowMs} - ${sweepSlackMs}
    LIMIT ${sweptRowsMax})`,

  /** A stricter setting than 'on' stays; 'off' would acknowledge what a crash can lose. */
  commitDurably: `SELECT set_config('synchronous_commit', 'on', false)
    WHERE current_setting('synchronous_commit') = 'off'`,
};

export async function makeTable(connectionString: string): Promise<void> {
  const client = new Client({
    connectionString,
    connectionTimeoutMillis: startBudgetMs,
    query_timeout: startBudgetMs,
    statement_timeout: startBudgetMs,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query("SELECT to_regclass('endings') AS made");
    if (rows[0]?.made !== null) return;
    await client.query('BEGIN');
    await client.query('SELECT pg_advisory_xact_lock($1)', [lockKey]);
    await client.query(layout);
    await client.query('COMMIT');
  } finally {
    void client.end().catch(() => undefined);
  }
}
