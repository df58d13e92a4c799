// The accounts' tables, and a few connections to them. All of the waiting is bounded, for a
// connection and for its answer together. A connection that did not answer is thrown away with all
// that are as old, because a cut link kills them in silence; and when that happens several times in
// a row a circuit breaker refuses all but probes. Replicas that start together make the tables
// once: the migrator takes a lock in the database.

import { type Generated, Kysely, PostgresDialect, type PostgresPoolClient, sql } from 'kysely';
import { type Migration, Migrator } from 'kysely/migration';
import { Pool, type PoolClient } from 'pg';
import { inTime } from '../core/deadline.ts';
import { Breaker } from '../stores/breaker.ts';
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
  return new Kysely({
    dialect: new PostgresDialect({ pool: new Connections(url, max, timeoutMs) }),
  });
}

/** Those of a pool, as Kysely takes them: each for one statement, or for the migrations. */
class Connections {
  readonly #breaker = new Breaker({ failuresMax: 3, restMs: 50, restMsMax: 200 });
  readonly #timeoutMs: number;
  readonly #pool: Pool;
  readonly #madeIn = new WeakMap<PoolClient, number>();
  /** Counts the times that trust in the connections was lost. */
  #era = 0;

  constructor(connectionString: string, max: number, timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
    this.#pool = new Pool({
      connectionString,
      max,
      // Leaves some of the time to the statement.
      connectionTimeoutMillis: Math.ceil(timeoutMs * 0.8),
      // The server gives up first, for then we know that nothing was done.
      statement_timeout: Math.ceil(timeoutMs * 0.9),
      query_timeout: timeoutMs,
    });
    this.#pool.on('error', () => undefined);
    this.#pool.on('connect', (client) => this.#madeIn.set(client, this.#era));
  }

  async connect(): Promise<PostgresPoolClient> {
    if (!this.#breaker.admits()) throw unavailable('the database has not answered of late');
    const begunAt = performance.now();
    const client = await this.#trusted().catch((cause) => {
      this.#breaker.failed();
      throw unavailable(cause);
    });
    let leftMs = Math.max(0, this.#timeoutMs - (performance.now() - begunAt));
    let answers = Promise.resolve(true);
    // The connection has its full time, even where its user, who waited for it, has less.
    const query = (text: string, values: readonly unknown[]) => {
      const asked = client.query(text, [...values]);
      answers = asked.then(() => true, isAnswer);
      const answered = inTime(leftMs, asked);
      leftMs = this.#timeoutMs;
      return answered;
    };
    return {
      // The other way to call it is for cursors, which are not used.
      query: query as unknown as PostgresPoolClient['query'],
      release: async (destroy) => this.#release(client, (await answers) && !destroy),
    };
  }

  get options(): object {
    return this.#pool.options;
  }

  end(): Promise<void> {
    return this.#pool.end();
  }

  async #trusted(): Promise<PoolClient> {
    for (;;) {
      const client = await this.#pool.connect();
      if (this.#madeIn.get(client) === this.#era) return client;
      client.release(true);
    }
  }

  #release(client: PoolClient, answers: boolean): void {
    client.release(!answers);
    if (answers) this.#breaker.succeeded();
    else {
      this.#breaker.failed();
      if (this.#madeIn.get(client) === this.#era) this.#era += 1;
    }
  }
}
