// One connection to Redis that never makes anybody wait. A command that is not answered in time
// ends the connection, with everything in flight on it: a late reply can then never be taken for
// the reply to another command, and while the next connection is being tried in the background all
// commands fail at once. It knows nothing of sessions.

import { setTimeout as delay } from 'node:timers/promises';
import { ClientClosedError, ClientOfflineError, createClient, ErrorReply } from '@redis/client';
import type { BreakerState } from './breaker.ts';
import { afterTime, type Kind, unanswered, unavailable } from './outage.ts';
import { scripts } from './redis-scripts.ts';

const startBudgetMs = 2_000;
const backOffMsMax = 200;

function clientFor(url: string, timeoutMs: number) {
  return createClient({
    url,
    scripts,
    disableOfflineQueue: true,
    commandOptions: { timeout: 0 },
    // Half of the budget for TCP, so that the handshake has time within the whole.
    socket: { connectTimeout: timeoutMs / 2, reconnectStrategy: false },
  });
}

type Client = ReturnType<typeof clientFor>;

export class RedisConnection implements Disposable {
  readonly #url: string;
  readonly #timeoutMs: number;
  #client: Client | undefined;
  #closed = false;

  private constructor(url: string, timeoutMs: number) {
    this.#url = url;
    this.#timeoutMs = timeoutMs;
  }

  /** @throws OperatingError `store-unavailable` when Redis does not answer for two seconds. */
  static async open(url: string, timeoutMs: number, _replicas = 0): Promise<RedisConnection> {
    const connection = new RedisConnection(url, timeoutMs);
    const failure = await connection.#connect(performance.now() + startBudgetMs);
    if (connection.#client === undefined) throw unavailable(failure);
    return connection;
  }

  /**
   * @throws OperatingError `store-unavailable` when it was surely not done, and
   * `store-outcome-unknown` when a write was sent and not answered in time.
   */
  async ask<T>(kind: Kind, _key: string, send: (client: Client) => Promise<T>): Promise<T> {
    const client = this.#client;
    if (client === undefined) throw unavailable();
    if (!client.isReady) this.#lose(client);
    using _ = afterTime(this.#timeoutMs, () => this.#lose(client));
    try {
      return await send(client);
    } catch (cause) {
      const notDone =
        cause instanceof ErrorReply ||
        cause instanceof ClientOfflineError ||
        cause instanceof ClientClosedError;
      throw notDone ? unavailable(cause) : unanswered(kind, cause);
    }
  }

  get breaker(): BreakerState {
    return this.#client === undefined ? 'open' : 'closed';
  }

  async ping(): Promise<void> {
    await this.ask('read', '', (to) => to.ping());
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    this.#client?.destroy();
    this.#client = undefined;
  }

  /** Rejects all that is in flight on this client, and looks for another. */
  #lose(client: Client): void {
    if (this.#client !== client) return;
    this.#client = undefined;
    client.destroy();
    void this.#connect(Number.POSITIVE_INFINITY);
  }

  /** Tries until connected, closed or too late; then answers the last failure, if there was one. */
  async #connect(deadline: number): Promise<unknown> {
    for (let backOffMs = 25; ; backOffMs = Math.min(2 * backOffMs, backOffMsMax)) {
      try {
        const client = await this.#attempt();
        if (this.#closed) client.destroy();
        else this.#client = client;
        return undefined;
      } catch (failure) {
        if (this.#closed || performance.now() + backOffMs > deadline) return failure;
      }
      await delay(backOffMs, undefined, { ref: deadline !== Number.POSITIVE_INFINITY });
      if (this.#closed) return undefined;
    }
  }

  async #attempt(): Promise<Client> {
    const client = clientFor(this.#url, this.#timeoutMs);
    client.on('error', () => this.#lose(client));
    using _ = afterTime(this.#timeoutMs, () => client.destroy());
    try {
      await client.connect();
      if (!client.isReady) throw new ClientOfflineError();
      return client;
    } catch (failure) {
      client.destroy();
      throw failure;
    }
  }
}
