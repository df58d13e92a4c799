// Redis, wherever its URL says it is: one server, the master that sentinels name, or a cluster.
// Whoever asks names the key, which decides about the master, and whether an ending must be there
// when the master dies. Every answer comes in time or is an error that says what is known.

import { OperatingError } from '../core/errors.ts';
import { type RedisAddress, redisAddress } from '../core/redis-address.ts';
import type { BreakerState } from './breaker.ts';
import type { Kind } from './outage.ts';
import { connectTo, reasonOf } from './redis-client.ts';
import { RedisCluster } from './redis-cluster.ts';
import type { Send } from './redis-node.ts';
import { RedisPlace } from './redis-place.ts';
import { connectToMaster } from './redis-sentinel.ts';

const startBudgetMs = 2_000;

export class RedisConnection implements Disposable {
  readonly #place: RedisPlace | RedisCluster;

  private constructor(place: RedisPlace | RedisCluster) {
    this.#place = place;
  }

  /**
   * Endings wait for that many replicas.
   * @throws OperatingError `store-unavailable` for a URL that is none, and when Redis does not take
   * us in and answer within two seconds; its detail says why.
   */
  static async open(url: string, timeoutMs: number, replicas = 0): Promise<RedisConnection> {
    const address = redisAddress(url);
    const place = placeOf(address, timeoutMs, replicas);
    try {
      await place.start(startBudgetMs);
      return new RedisConnection(place);
    } catch (cause) {
      place[Symbol.dispose]();
      throw unusable(address, cause);
    }
  }

  /** For metrics. */
  get breaker(): BreakerState {
    return this.#place.state;
  }

  /**
   * @throws OperatingError `store-unavailable` when it was surely not done, `store-outcome-unknown`
   * when a write was sent and not answered in time, and `revocation-not-durable` when an ending was
   * done, and too few replicas have it.
   */
  ask<T>(kind: Kind, key: string, send: Send<T>): Promise<T> {
    return this.#place.ask(kind, key, send);
  }

  async ping(): Promise<void> {
    await this.#place.ping();
  }

  [Symbol.dispose](): void {
    this.#place[Symbol.dispose]();
  }
}

function placeOf(address: RedisAddress, timeoutMs: number, replicas: number) {
  if (address.topology === 'cluster') return new RedisCluster(address, timeoutMs, replicas);
  const connect =
    address.topology === 'sentinel'
      ? () => connectToMaster(address, timeoutMs)
      : () => connectTo(address, address.endpoints[0], timeoutMs);
  return new RedisPlace({ connect, timeoutMs }, replicas);
}

function unusable({ endpoints }: RedisAddress, cause: unknown): OperatingError {
  const where = endpoints.map(({ host, port }) => `${host}:${port}`).join(', ');
  const detail = `Redis at ${where} cannot be used: ${reasonOf(cause)}`;
  return new OperatingError('store-unavailable', { detail, retryAfterSeconds: 1, cause });
}
