// A few connections to PostgreSQL, none of which makes anybody wait. Work that is not done in time
// loses its connection, so that a late answer meets nobody; and when one connection fails, all that
// are as old are not trusted either, because a cut link kills them in silence. The server gives up
// on a statement a little earlier than we do: then it is certain that nothing was done. When that
// happens several times in a row, or nobody gets a connection, a circuit breaker refuses all but
// probes.

import { DatabaseError, Pool, type PoolClient, type QueryConfig, type QueryResult } from 'pg';
import { Breaker } from './breaker.ts';
import { afterTime, inTime, type Kind, unanswered, unavailable } from './outage.ts';

const connectionsMax = 10;

export type Ask = (query: QueryConfig) => Promise<QueryResult>;

export class PostgresConnections implements AsyncDisposable {
  readonly breaker = new Breaker({ failuresMax: 3, restMs: 50, restMsMax: 200 });
  readonly #pool: Pool;
  readonly #timeoutMs: number;
  readonly #madeIn = new WeakMap<PoolClient, number>();
  /** Counts the times that trust in the connections was lost. */
  #era = 0;

  constructor(connectionString: string, timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
    this.#pool = new Pool({
      connectionString,
      max: connectionsMax,
      connectionTimeoutMillis: 2 * timeoutMs,
      statement_timeout: Math.ceil(timeoutMs * 0.9),
    });
    this.#pool.on('error', () => undefined);
    this.#pool.on('connect', (client) => {
      client.on('error', () => undefined);
      this.#madeIn.set(client, this.#era);
    });
  }

  /**
   * @throws OperatingError `store-unavailable` when it was surely not done, and
   * `store-outcome-unknown` when a write was sent and not answered in time.
   */
  async use<T>(kind: Kind, work: (ask: Ask) => Promise<T>): Promise<T> {
    if (!this.breaker.admits()) throw unavailable();
    const begunAt = performance.now();
    const client = await this.#take();
    const leftMs = Math.max(0, this.#timeoutMs - (performance.now() - begunAt));
    try {
      const done = await inTime(leftMs, this.#lend(client, work));
      this.breaker.succeeded();
      return done;
    } catch (cause) {
      if (isAnswer(cause)) this.breaker.succeeded();
      else this.breaker.failed();
      if (isMistake(cause)) throw cause;
      throw isUndone(cause) ? unavailable(cause) : unanswered(kind, cause);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool.end();
  }

  /** Leaves some of the time to the work. A connection that comes too late is for the next. */
  async #take(): Promise<PoolClient> {
    const taking = this.#connect();
    try {
      return await inTime(0.8 * this.#timeoutMs, taking);
    } catch (cause) {
      this.breaker.failed();
      taking.then(
        (client) => client.release(),
        () => undefined,
      );
      throw unavailable(cause);
    }
  }

  async #connect(): Promise<PoolClient> {
    for (;;) {
      const client = await this.#pool.connect();
      if (this.#madeIn.get(client) === this.#era) return client;
      client.release(true);
    }
  }

  /** The connection has its full time, even where its user, who waited for it, has less. */
  async #lend<T>(client: PoolClient, work: (ask: Ask) => Promise<T>): Promise<T> {
    let held = true;
    const release = (broken: boolean) => {
      if (held) client.release(broken);
      held = false;
    };
    using _ = afterTime(this.#timeoutMs, () => release(true));
    try {
      const done = await work((query) => client.query(query));
      release(false);
      return done;
    } catch (cause) {
      release(!isUndone(cause));
      const isTrusted = this.#madeIn.get(client) === this.#era;
      if (!isUndone(cause) && isTrusted) this.#era += 1;
      throw cause;
    }
  }
}

/**
 * True when the server says that the statement failed: it is undone then. Not so when the server
 * ended the connection, perhaps after the change was made: SQLSTATE 57P (PostgreSQL, appendix A).
 */
function isUndone(cause: unknown): boolean {
  return cause instanceof DatabaseError && cause.code?.startsWith('57P') !== true;
}

/** Not so when the statement was given up because it took too long, or the server is ending. */
function isAnswer(cause: unknown): boolean {
  return cause instanceof DatabaseError && cause.code?.startsWith('57') !== true;
}

/** Our data or our SQL is wrong, which no waiting mends; a missing right is for the operator. */
function isMistake(cause: unknown): boolean {
  if (!(cause instanceof DatabaseError) || cause.code === '42501') return false;
  return /^(22|23|42)/.test(cause.code ?? '');
}
