// The verbs of the PostgreSQL store as single statements, each of which is one step by itself under
// the row's lock: a statement that waited for another writer looks at the row again before it acts
// (PostgreSQL 13.2.1, Read Committed). Only the first one inserts. No statement reads a clock to
// judge a session; the sweep alone goes by the database's own.

const alive = (now: string) =>
  `revoked_at IS NULL AND ${now} < absolute_expires_at AND ${now} < idle_expires_at`;

const columns = `id, handle, user_id AS "userId", user_name AS "userName",
  created_at AS "createdAt", last_seen_at AS "lastSeenAt",
  authenticated_at AS "authenticatedAt", rotated_at AS "rotatedAt",
  absolute_expires_at AS "absoluteExpiresAt", idle_expires_at AS "idleExpiresAt",
  revision, epoch, data_version AS "dataVersion", fields, secret_hash AS "secretHash",
  previous_secret_hash AS "previousSecretHash", sealed_secret AS "sealedSecret"`;

const ending = (now: string, reason: string) =>
  `revoked_at = ${now}, end_reason = ${reason}, fields = '{}',
   secret_hash = '', previous_secret_hash = NULL, sealed_secret = NULL`;

/** How long a dead row is kept beyond its limit, for servers whose clocks are behind. */
const sweepSlackMs = 60_000;

export const statements = {
  create: `INSERT INTO sessions
      (id, handle, user_id, user_name, created_at, last_seen_at, authenticated_at, rotated_at,
       absolute_expires_at, idle_expires_at, revision, epoch, data_version, fields, secret_hash,
       previous_secret_hash, sealed_secret)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
    ON CONFLICT (id) DO NOTHING`,

  read: `SELECT ${columns} FROM sessions WHERE id = $1 AND ${alive('$2')}`,

  /**
   * $3 the fields to remove, $4 those to set, $5 and $6 what to add to which: a row with null adds
   * what was there before. Sums are of double precision and in order, so as JavaScript adds.
   */
  update: `UPDATE sessions SET
      revision = revision + 1,
      fields = (fields - $3::text[]) || $4::jsonb || (
        SELECT coalesce(jsonb_object_agg(field, total), '{}') FROM (
          SELECT field, sum(coalesce(summand, CASE jsonb_typeof(fields -> field)
              WHEN 'number' THEN (fields ->> field)::double precision ELSE 0 END) ORDER BY n) AS total
          FROM unnest($5::text[], $6::double precision[])
            WITH ORDINALITY AS summands (field, summand, n)
          GROUP BY field) AS sums)
    WHERE id = $1 AND ${alive('$2')} AND ($7::integer IS NULL OR revision = $7)
    RETURNING revision, fields`,

  revision: `SELECT revision FROM sessions WHERE id = $1 AND ${alive('$2')}`,

  touch: `UPDATE sessions SET last_seen_at = greatest(last_seen_at, $2),
      idle_expires_at = greatest(idle_expires_at, $3)
    WHERE id = $1 AND ${alive('$2')}`,

  rotate: `UPDATE sessions SET
      previous_secret_hash = secret_hash, secret_hash = $4, sealed_secret = $5, rotated_at = $2
    WHERE id = $1 AND ${alive('$2')} AND secret_hash = $3
    RETURNING ${columns}`,

  absorb: `SELECT ${columns} FROM sessions
    WHERE id = $1 AND ${alive('$2')} AND previous_secret_hash = $3 AND $2 < rotated_at + $4
    FOR UPDATE`,

  revoke: `UPDATE sessions SET ${ending('$2', '$3')}
    WHERE id = $1 AND ${alive('$2')} RETURNING handle`,

  /** Locks in one order, so that two of these never wait for each other in a circle. */
  revokeAll: `WITH doomed AS (
      SELECT id FROM sessions WHERE user_id = $1 AND ${alive('$2')} ORDER BY id FOR UPDATE)
    UPDATE sessions SET ${ending('$2', '$3')}
    FROM doomed WHERE sessions.id = doomed.id AND revoked_at IS NULL`,

  list: `SELECT ${columns} FROM sessions
    WHERE user_id = $1 AND ${alive('$2')} ORDER BY created_at, id`,

  sweep: `DELETE FROM sessions WHERE ctid = ANY (ARRAY (
      SELECT ctid FROM sessions
      WHERE absolute_expires_at < extract(epoch FROM now()) * 1000 - ${sweepSlackMs}
      LIMIT $1 FOR UPDATE SKIP LOCKED))`,

  ping: 'SELECT 1',
};
