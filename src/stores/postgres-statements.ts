// The verbs of the PostgreSQL store as single statements, each of which is one step by itself under
// the row's lock: a statement that waited for another writer looks at the row again before it acts
// (PostgreSQL 13.2.1, Read Committed). Only the two that create insert. No statement reads a clock
// to judge a session; the sweep alone goes by the database's own.

const unended = (now: string) =>
  `revoked_at IS NULL AND ${now} < absolute_expires_at AND ${now} < idle_expires_at`;

/** What holds no fields is no session, and no verb fails on it. */
const alive = (now: string) => `${unended(now)} AND jsonb_typeof(fields) = 'object'`;

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

const written = `id, handle, user_id, user_name, created_at, last_seen_at, authenticated_at,
  rotated_at, absolute_expires_at, idle_expires_at, revision, epoch, data_version, fields,
  secret_hash, previous_secret_hash, sealed_secret`;

const row = `$1::text, $2::text, $3::text, $4::text, $5::float8, $6::float8, $7::float8, $8::float8,
  $9::float8, $10::float8, $11::integer, $12::float8, $13::integer, $14::jsonb, $15::text,
  $16::text, $17::text`;

export const statements = {
  create: `INSERT INTO sessions (${written}) VALUES (${row}) ON CONFLICT (id) DO NOTHING`,

  /** $18 how many sessions at most, $19 what to do at that. No room is null. */
  createWithin: `WITH
    room AS MATERIALIZED (SELECT sessions_make_room($1, $3, $5, $18, $19) AS ended),
    made AS (
      INSERT INTO sessions (${written}) SELECT ${row} FROM room WHERE ended IS NOT NULL
      ON CONFLICT (id) DO NOTHING RETURNING id)
    SELECT ended, EXISTS (SELECT FROM made) AS made FROM room`,

  /** Also what is no session, so that it can be discarded. */
  read: `SELECT ${columns} FROM sessions WHERE id = $1 AND ${unended('$2')}`,

  discard: `UPDATE sessions SET ${ending('$2', "'undecodable'")}
    WHERE id = $1 AND ${unended('$2')} AND jsonb_typeof(fields) <> 'object'`,

  /**
   * $3 the fields to remove, $4 those to set, $5 and $6 what to add to which: a row with null adds
   * what was there before. Sums are of double precision and in order, so as JavaScript adds.
   */
  update: `UPDATE sessions SET
      revision = revision + 1,
      data_version = coalesce($9::integer, data_version),
      fields = (fields - $3::text[]) || $4::jsonb || (
        SELECT coalesce(jsonb_object_agg(field, total), '{}') FROM (
          SELECT field, sum(coalesce(summand, CASE jsonb_typeof(fields -> field)
              WHEN 'number' THEN (fields ->> field)::double precision ELSE 0 END) ORDER BY n) AS total
          FROM unnest($5::text[], $6::double precision[])
            WITH ORDINALITY AS summands (field, summand, n)
          GROUP BY field) AS sums)
    WHERE id = $1 AND ${alive('$2')} AND revision = coalesce($7::integer, revision)
      AND data_version = coalesce($8::integer, data_version)
    RETURNING revision, fields`,

  revision: `SELECT revision FROM sessions WHERE id = $1 AND ${alive('$2')}`,

  touch: `UPDATE sessions SET last_seen_at = greatest(last_seen_at, $2),
      idle_expires_at = greatest(idle_expires_at, $3),
      authenticated_at = greatest(authenticated_at, $4)
    WHERE id = $1 AND ${alive('$2')}`,

  rotate: `UPDATE sessions SET
      previous_secret_hash = secret_hash, secret_hash = $4, sealed_secret = $5, rotated_at = $2
    WHERE id = $1 AND ${alive('$2')} AND secret_hash = $3
    RETURNING ${columns}`,

  absorb: `SELECT ${columns} FROM sessions
    WHERE id = $1 AND ${alive('$2')} AND previous_secret_hash = $3 AND $2 < rotated_at + $4
    FOR UPDATE`,

  reuse: `UPDATE sessions SET ${ending('$2', "'reuse'")}
    WHERE id = $1 AND ${alive('$2')} RETURNING handle`,

  /**
   * Ends also what has expired by that clock: a touch may be under way that is judged by an earlier
   * one. Answers whether it was living.
   */
  revoke: `UPDATE sessions SET ${ending('$2', '$3')} WHERE id = $1 AND revoked_at IS NULL
    RETURNING $2 < absolute_expires_at AND $2 < idle_expires_at AS living`,

  /** As above. Locks in one order, so that two of these never wait for each other in a circle. */
  revokeAll: `WITH doomed AS (
      SELECT id, ${alive('$2')} AS living FROM sessions
      WHERE user_id = $1 AND revoked_at IS NULL AND ($4::text IS NULL OR id <> $4)
      ORDER BY id FOR UPDATE)
    UPDATE sessions SET ${ending('$2', '$3')}
    FROM doomed WHERE sessions.id = doomed.id AND revoked_at IS NULL RETURNING living`,

  list: `SELECT ${columns} FROM sessions
    WHERE user_id = $1 AND ${alive('$2')} ORDER BY created_at, id`,

  sweep: `DELETE FROM sessions WHERE ctid = ANY (ARRAY (
      SELECT ctid FROM sessions
      WHERE absolute_expires_at < extract(epoch FROM now()) * 1000 - ${sweepSlackMs}
      LIMIT $1 FOR UPDATE SKIP LOCKED))`,

  ping: 'SELECT 1',
};
