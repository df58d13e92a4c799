// A few connections to PostgreSQL, none of which makes anybody wait. Work that is not done in time
// loses its connection, so that a late answer meets nobody; and connections that were idle at that
// moment are not trusted either, because a cut link kills them all in silence. The server gives up
// on a statement a little earlier than we do: then it is certain that nothing was done.

import { DatabaseError, Pool, type PoolClient, type QueryConfig, type QueryResult } from 'pg';
import { afterTime, type Kind, unanswered, unavailable } from './outage.ts';

const connectionsMax = 10;

export type Ask = (query: QueryConfig) => Promise<QueryResult>;

export class PostgresConnections implements AsyncDisposable {
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
      connectionTimeoutMillis: timeoutMs,
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
    const begunAt = performance.now();
    const client = await this.#take();
    let held = true;
    const release = (broken: boolean) => {
      if (held) client.release(broken);
      held = false;
    };
    using _ = afterTime(this.#timeoutMs - (performance.now() - begunAt), () => {
      this.#era += 1;
      release(true);
    });
    try {
      const done = await work((query) => client.query(query));
      release(false);
      return done;
    } catch (cause) {
      const refused = cause instanceof DatabaseError && !isShutdown(cause);
      release(!refused);
      throw refused ? unavailable(cause) : unanswered(kind, cause);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool.end();
  }

  async #take(): Promise<PoolClient> {
    try {
      for (;;) {
        const client = await this.#pool.connect();
        if (this.#madeIn.get(client) === this.#era) return client;
        client.release(true);
      }
    } catch (cause) {
      throw unavailable(cause);
    }
  }
}

/**
 * True when the server ended the connection, perhaps after the change was made: SQLSTATE class 57P
 * (PostgreSQL, appendix A). All other errors of a statement undo it.
 */
function isShutdown({ code }: DatabaseError): boolean {
  return code?.startsWith('57P') === true;
}
