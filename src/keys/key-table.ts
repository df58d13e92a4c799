// The table of shared keys, made at the first start. A row is never changed: it is inserted if its
// turn is not taken, read, and removed.

import type { JWK } from 'jose';
import { Pool } from 'pg';
import { OperatingError } from '../core/errors.ts';

/** Any constant will do, as long as nothing else in the database locks it. */
const lockKey = 7_305_472;

/** Making the table can wait for others who are at it. */
const startBudgetMs = 5_000;

/** The `turn` is the number of the key. Times are milliseconds of the database's clock. */
const layout = `
  CREATE TABLE IF NOT EXISTS token_keys (
    turn integer PRIMARY KEY,
    jwk json NOT NULL,
    signs_from double precision NOT NULL
  )`;

const statements = {
  isThere: "SELECT to_regclass('token_keys') IS NOT NULL AS there",
  // Several statements at once are one transaction, and the lock lasts as long.
  make: `SELECT pg_advisory_xact_lock(${lockKey}); ${layout}`,
  read: `
    SELECT extract(epoch FROM clock_timestamp())::double precision * 1000 AS now,
           coalesce((SELECT json_agg(json_build_object(
             'turn', turn, 'jwk', jwk, 'signsFrom', signs_from) ORDER BY signs_from, turn)
             FROM token_keys), '[]') AS rows`,
  insert: 'INSERT INTO token_keys VALUES ($1, $2, $3) ON CONFLICT DO NOTHING',
  // A turn may have been given away anew, by an operator who took all keys away.
  remove: 'DELETE FROM token_keys WHERE signs_from = ANY($1)',
} as const;

export interface Row {
  readonly turn: number;
  readonly jwk: JWK;
  /** When it begins to sign. */
  readonly signsFrom: number;
}

export class KeyTable implements AsyncDisposable {
  readonly #pool: Pool;

  private constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** @throws OperatingError `store-unavailable` */
  static async open(options: { url?: string; timeoutMs: number }): Promise<KeyTable> {
    const { url = 'postgresql://127.0.0.1:5432/postgres', timeoutMs } = options;
    await using maker = new KeyTable(connect(url, startBudgetMs));
    const [found] = await maker.#ask(statements.isThere);
    if (found?.there !== true) await maker.#ask(statements.make);
    return new KeyTable(connect(url, timeoutMs));
  }

  async read(): Promise<{ readonly now: number; readonly rows: readonly Row[] }> {
    const [answer] = await this.#ask(statements.read);
    return answer;
  }

  /** Nothing happens when the turn is taken. */
  async insert({ turn, jwk, signsFrom }: Row): Promise<void> {
    await this.#ask(statements.insert, [turn, JSON.stringify(jwk), signsFrom]);
  }

  async remove(rows: readonly Row[]): Promise<void> {
    await this.#ask(statements.remove, [rows.map(({ signsFrom }) => signsFrom)]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool.end();
  }

  async #ask(text: string, values?: readonly unknown[]) {
    try {
      return (await this.#pool.query(text, values && [...values])).rows;
    } catch (cause) {
      const detail = 'The database of the keys that sign tokens did not answer';
      throw new OperatingError('store-unavailable', { detail, retryAfterSeconds: 1, cause });
    }
  }
}

/** One connection is enough; it is thrown away when it does not answer. */
function connect(connectionString: string, timeoutMs: number): Pool {
  const pool = new Pool({
    connectionString,
    max: 1,
    connectionTimeoutMillis: timeoutMs,
    statement_timeout: timeoutMs,
    query_timeout: timeoutMs,
  });
  pool.on('error', () => undefined);
  return pool;
}
