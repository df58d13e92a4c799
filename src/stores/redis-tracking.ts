// Which sessions were changed in Redis, by whichever server: a connection of its own, on which
// Redis announces every key under our prefix that somebody wrote or deleted (client-side caching in
// broadcasting mode). A connection that fell silent looks alive, so it is asked all the time: what
// was acknowledged before a question was sent has been announced before its answer, so each answer
// buys trust for a second from its question, by whichever clock says more. That second is the bound
// of staleness, however the connection fails; one that is seen to fail loses its trust at once. It
// follows one master, and leaves it when it is none any more, or when sentinels name another; until
// they do, only the age of entries bounds.

import { setTimeout as delay } from 'node:timers/promises';
import { OperatingError } from '../core/errors.ts';
import { ageMsOf, justNow, never } from '../core/moment.ts';
import { redisAddress } from '../core/redis-address.ts';
import type { InvalidationFeed } from './cached-sessions.ts';
import { inTime } from './outage.ts';
import { type Client, connectTo, reasonOf } from './redis-client.ts';
import { connectToMaster } from './redis-sentinel.ts';

/** What was acknowledged longer ago has been heard, or nothing is trusted. */
export const trackingStalenessMs = 1_000;
const heartbeatMs = 250;
const dueMs = trackingStalenessMs - heartbeatMs;
const startBudgetMs = 2_000;
const restMs = { least: 25, most: 200 };

export class RedisTracking implements InvalidationFeed {
  /** When the last question was sent that was answered. */
  #asOf = never;
  readonly #connect: () => Promise<Client>;
  readonly #prefix: string;
  readonly #closing = new AbortController();
  readonly #opened = Promise.withResolvers<void>();
  readonly #ended: Promise<void>;
  #tell: (id: string | null) => void = () => undefined;

  private constructor(connect: () => Promise<Client>, prefix: string) {
    this.#connect = connect;
    this.#prefix = prefix;
    this.#ended = this.#stayConnected(performance.now() + startBudgetMs);
  }

  /**
   * Follows the keys that begin with the prefix and end with ':' and the id of a session.
   *
   * @throws OperatingError `store-unavailable` when Redis announces nothing within two seconds, and
   * for a cluster: its detail says why.
   */
  static async open(url: string, prefix: string): Promise<RedisTracking> {
    const tracking = new RedisTracking(connectorTo(url), prefix);
    await tracking.#opened.promise;
    return tracking;
  }

  /** How old what was acknowledged must be to have surely been heard. */
  ageMs(): number {
    return ageMsOf(this.#asOf);
  }

  get isTrusted(): boolean {
    return this.ageMs() < trackingStalenessMs;
  }

  follow(listener: (id: string | null) => void): void {
    this.#tell = listener;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#ended;
  }

  async #stayConnected(deadline: number): Promise<void> {
    const { signal } = this.#closing;
    let opened = false;
    let waitMs = restMs.least;
    while (!signal.aborted) {
      const failure = await this.#hear(() => {
        opened = true;
        waitMs = restMs.least;
        this.#opened.resolve();
      });
      if (!opened && performance.now() + waitMs > deadline) {
        this.#opened.reject(unusable(reasonOf(failure), failure));
        return;
      }
      await delay(waitMs, undefined, { signal, ref: !opened }).catch(() => undefined);
      waitMs = Math.min(2 * waitMs, restMs.most);
    }
  }

  /** The life of one connection. Answers why it ended. */
  async #hear(answered: () => void): Promise<unknown> {
    using connected = new DisposableStack();
    try {
      const client = connected.adopt(await this.#connect(), (each) => each.destroy());
      const lost = new AbortController();
      const signal = AbortSignal.any([lost.signal, this.#closing.signal]);
      signal.addEventListener('abort', () => this.#lapse(), { once: true });
      client.on('error', (error) => lost.abort(error));
      client.on('invalidate', (key) => this.#tell(key === null ? null : idIn(String(key))));
      await inTime(dueMs, track(client, this.#prefix));
      for (;;) {
        const asked = justNow();
        const { role } = await inTime(dueMs, client.hello());
        signal.throwIfAborted();
        if (String(role) !== 'master')
          return new Error('the server that was followed is no master');
        this.#asOf = asked;
        answered();
        const leftMs = Math.max(0, heartbeatMs - this.ageMs());
        await delay(leftMs, undefined, { signal, ref: false });
      }
    } catch (failure) {
      return failure;
    } finally {
      this.#lapse();
    }
  }

  #lapse(): void {
    this.#asOf = never;
    this.#tell(null);
  }
}

function connectorTo(url: string): () => Promise<Client> {
  const address = redisAddress(url);
  const extra = { emitInvalidate: true } as const;
  if (address.topology === 'cluster') throw unusable('a cluster has more than one master');
  return address.topology === 'sentinel'
    ? () => connectToMaster(address, dueMs, extra)
    : () => connectTo(address, address.endpoints[0], dueMs, extra);
}

/** The library has turned on another mode, which must be off before ours. */
async function track(client: Client, prefix: string): Promise<void> {
  await client.sendCommand(['CLIENT', 'TRACKING', 'OFF']);
  await client.sendCommand(['CLIENT', 'TRACKING', 'ON', 'BCAST', 'PREFIX', prefix]);
}

function idIn(key: string): string {
  return key.slice(key.lastIndexOf(':') + 1);
}

function unusable(why: string, cause?: unknown): OperatingError {
  const detail = `Redis cannot announce changes for the cache: ${why}`;
  return new OperatingError('store-unavailable', { detail, retryAfterSeconds: 1, cause });
}
