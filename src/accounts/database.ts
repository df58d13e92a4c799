// The accounts' tables, and a few connections to them. All of the waiting is bounded: for a
// connection, and for an answer. A connection that did not answer is thrown away, because its next
// user would wait behind the same question. Replicas that start together make the tables once: the
// migrator takes a lock in the database.

import { type Generated, Kysely, PostgresDialect, type PostgresPoolClient, sql } from 'kysely';
import { type Migration, Migrator } from 'kysely/migration';
import { Pool } from 'pg';
import { isAnswer, translated, unavailable } from './outage.ts';

const connectionsMax = 4;
/** At the first start others may be at it before us. */
const migrationMs = 10_000;

export interface Database {
  users: {
    id: string;
    name: string;
    /** The name as it is found: one key, one user. */
    name_key: string;
    /** A PHC string. */
    password_hash: string;
    created_at: Generated<Date>;
    email: string | null;
    role: Generated<'user' | 'admin'>;
    disabled_at: Date | null;
    password_changed_at: Generated<Date>;
    /** Grows when logins that are under way must no longer succeed. */
    generation: Generated<number>;
  };
  /** Guesses of passwords, by whom and at what: see throttle.ts. */
  login_attempts: { key: string; empty_at: Date };
}

const migrations: Record<string, Migration> = {
  '1-users': {
    up: async (db) => {
      await db.schema
        .createTable('users')
        .addColumn('id', 'uuid', (column) => column.primaryKey())
        .addColumn('name', 'text', (column) => column.notNull())
        .addColumn('name_key', 'text', (column) => column.notNull().unique())
        .addColumn('password_hash', 'text', (column) => column.notNull())
        .addColumn('created_at', 'timestamptz', (column) =>
          column.notNull().defaultTo(db.fn('now')),
        )
        .execute();
    },
  },
  '2-production': {
    up: async (db) => {
      await sql`
        alter table users
          add column email text,
          add column role text not null default 'user' check (role in ('user', 'admin')),
          add column disabled_at timestamptz,
          add column password_changed_at timestamptz not null default now(),
          add column generation integer not null default 0`.execute(db);
      // Unlogged: what a crash of the database loses is an hour's failures.
      await sql`
        create unlogged table login_attempts (
          key text primary key, empty_at timestamptz not null) with (fillfactor = 50)`.execute(db);
    },
  },
};

/** @throws OperatingError `accounts-unavailable` */
export async function openDatabase(url: string, timeoutMs: number): Promise<Kysely<Database>> {
  await migrate(url);
  return connect(url, connectionsMax, timeoutMs);
}

async function migrate(url: string): Promise<void> {
  const db = connect(url, 1, migrationMs);
  try {
    const migrator = new Migrator({
      db,
      provider: { getMigrations: async () => migrations },
      migrationTableName: 'accounts_migration',
      migrationLockTableName: 'accounts_migration_lock',
    });
    const { error } = await migrator.migrateToLatest();
    if (error !== undefined) throw translated('read', error);
  } finally {
    await db.destroy();
  }
}

function connect(url: string, max: number, timeoutMs: number): Kysely<Database> {
  const pool = new Pool({
    connectionString: url,
    max,
    connectionTimeoutMillis: timeoutMs,
    // The server gives up first, for then we know that nothing was done.
    statement_timeout: Math.ceil(timeoutMs * 0.9),
    query_timeout: timeoutMs,
  });
  pool.on('error', () => undefined);
  const connections = {
    options: pool.options,
    connect: () => take(pool),
    end: () => pool.end(),
  };
  return new Kysely({ dialect: new PostgresDialect({ pool: connections }) });
}

async function take(pool: Pool): Promise<PostgresPoolClient> {
  const client = await pool.connect().catch((cause) => {
    throw unavailable(cause);
  });
  let answers = true;
  const query = async (text: string, values: readonly unknown[]) => {
    try {
      return await client.query(text, [...values]);
    } catch (cause) {
      answers = isAnswer(cause);
      throw cause;
    }
  };
  return {
    // The other way to call it is for cursors, which are not used.
    query: query as unknown as PostgresPoolClient['query'],
    release: (destroy) => client.release(destroy || !answers),
  };
}
