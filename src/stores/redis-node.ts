// One connection to a Redis server that never makes anybody wait. A command that is not answered in
// time ends the connection, with everything in flight on it: a late reply can then never be taken
// for the reply to another command. That opens the circuit breaker, and until a probe in the
// background has found a server again all commands fail at once. It knows nothing of sessions.

import { setTimeout as delay } from 'node:timers/promises';
import { ClientClosedError, ClientOfflineError, ErrorReply } from '@redis/client';
import { OperatingError } from '../core/errors.ts';
import { Breaker } from './breaker.ts';
import { type Kind, SharedDeadline, unanswered, unavailable } from './outage.ts';
import { type Client, codeOf, isOutage } from './redis-client.ts';

export type Send<T> = (client: Client) => Promise<T>;

export interface RedisNodeOptions {
  readonly connect: () => Promise<Client>;
  readonly timeoutMs: number;
  /** Called whenever the server was lost, and for every probe that failed. */
  readonly onFailure?: () => void;
}

export class RedisNode implements Disposable {
  readonly breaker = new Breaker({ failuresMax: 1, restMs: 25, restMsMax: 200 });
  readonly #options: RedisNodeOptions;
  #client: Client | undefined;
  /** For what the client was sent. */
  #deadline: SharedDeadline;
  #closed = false;

  constructor(options: RedisNodeOptions) {
    this.#options = options;
    this.#deadline = new SharedDeadline(options.timeoutMs, () => undefined);
  }

  /** Connects. After that time it goes on trying in the background, and rejects with why. */
  async start(budgetMs: number): Promise<void> {
    const failure = await this.#seek(performance.now() + budgetMs);
    if (this.#client !== undefined) return;
    void this.#seek(Number.POSITIVE_INFINITY);
    throw failure;
  }

  /**
   * @throws OperatingError `store-unavailable` when it was surely not done, and
   * `store-outcome-unknown` when a write was sent and not answered in time.
   */
  ask<T>(kind: Kind, send: Send<T>): Promise<T> {
    const client = this.#client;
    if (client === undefined) return Promise.reject(unavailable());
    if (!client.isReady) this.#lose(client);
    const deadline = this.#deadline;
    const wait = deadline.begin();
    return send(client).then(
      (reply) => {
        deadline.end(wait);
        return reply;
      },
      (cause: unknown) => {
        deadline.end(wait);
        throw this.#translated(cause, kind, client);
      },
    );
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    this.#client?.destroy();
    this.#client = undefined;
  }

  #translated(cause: unknown, kind: Kind, client: Client): unknown {
    if (cause instanceof OperatingError) return cause;
    if (cause instanceof ErrorReply) {
      // It was the master, and is not any more: there must be another.
      if (codeOf(cause) === 'READONLY') this.#lose(client);
      return isOutage(cause) ? unavailable(cause) : cause;
    }
    const notSent = cause instanceof ClientOfflineError || cause instanceof ClientClosedError;
    return notSent ? unavailable(cause) : unanswered(kind, cause);
  }

  /** Rejects all that is in flight on this client, and looks for another. */
  #lose(client: Client): void {
    if (this.#client !== client) return;
    this.#client = undefined;
    client.destroy();
    this.#failed();
    void this.#seek(Number.POSITIVE_INFINITY);
  }

  #failed(): void {
    this.breaker.failed();
    if (!this.#closed) this.#options.onFailure?.();
  }

  /** Probes until connected, closed or too late; then answers the last failure, if any. */
  async #seek(deadline: number): Promise<unknown> {
    let failure: unknown;
    while (!this.#closed && performance.now() < deadline) {
      const { restLeftMs } = this.breaker;
      if (restLeftMs > 0) await delay(restLeftMs, undefined, { ref: Number.isFinite(deadline) });
      if (this.#closed || !this.breaker.admits()) continue;
      try {
        this.#adopt(await this.#options.connect());
        return undefined;
      } catch (cause) {
        failure = cause;
        this.#failed();
      }
    }
    return failure;
  }

  #adopt(client: Client): void {
    this.breaker.succeeded();
    client.on('error', () => this.#lose(client));
    this.#deadline = new SharedDeadline(this.#options.timeoutMs, () => this.#lose(client));
    if (this.#closed) client.destroy();
    else this.#client = client;
  }
}
