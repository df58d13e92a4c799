// A Redis and a second one that follows it, for one run alone, reached by one address that leads to
// whichever of the two serves: what a service name or a proxy does in production. Both are leased,
// so that nothing of them is left however the lab ends. Who fails over is the fault, not Redis:
// there are no sentinels here, and what they take to decide is no part of what is studied.

import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { RedisClient } from '@redis/client';
import type { PrivateRedis } from '../backing/backing.ts';
import type { LinkPort, PairPort } from '../faults/fault.ts';
import { type Link, openLink } from './link.ts';

const host = '127.0.0.1';
const followingTimeoutMs = 10_000;
/** From memory to memory, without the five seconds in which others might come to follow too. */
const quickSync = ['repl-diskless-sync-delay', '0', 'repl-diskless-load', 'swapdb'] as const;

type Starting = () => Promise<PrivateRedis | undefined>;

interface Server {
  readonly redis: PrivateRedis;
  readonly port: number;
}

export class RedisPair implements PairPort, AsyncDisposable {
  readonly #start: Starting;
  readonly #owned = new AsyncDisposableStack();
  /** All servers take the password of the first, beside their own. */
  readonly #password: string;
  #first: Server;
  #front: Link | undefined;
  #second: Promise<Server> | undefined;
  #replication: Link | undefined;

  private constructor(start: Starting, first: PrivateRedis) {
    this.#start = start;
    this.#owned.use(first);
    this.#first = { redis: first, port: portOf(first) };
    this.#password = new URL(first.url).password;
  }

  /** Resolves when the second has all that the first has; undefined where there is no Redis. */
  static async open(start: Starting): Promise<RedisPair | undefined> {
    const first = await start();
    if (first === undefined) return undefined;
    await using stack = new AsyncDisposableStack();
    const pair = stack.use(new RedisPair(start, first));
    const to = { host, port: pair.#first.port };
    pair.#front = pair.#owned.use(await openLink({ name: 'store', to }));
    await telling(first.url, (tell) => tell('CONFIG', 'SET', ...quickSync));
    await pair.#join();
    stack.move();
    return pair;
  }

  /** Leads to the server that serves, and stays the same. */
  get url(): string {
    return `redis://:${this.#password}@${host}:${this.#front?.port}`;
  }

  get replication(): LinkPort {
    assert(this.#replication, 'an open pair has a replication');
    return this.#replication;
  }

  async detach(): Promise<void> {
    const second = await this.#second;
    assert(second, 'an open pair has a second server');
    await telling(second.redis.url, (tell) => tell('REPLICAOF', 'NO', 'ONE'));
  }

  async clear(): Promise<void> {
    const second = await this.#second;
    await this.detach();
    if (second) await telling(second.redis.url, (tell) => tell('FLUSHALL'));
  }

  async kill(): Promise<void> {
    process.kill(this.#first.redis.pid, 'SIGKILL');
    await this.#front?.retarget(undefined);
  }

  /** The one that follows from now on may still be joining when this resolves. */
  async takeOver(): Promise<void> {
    const second = await this.#second;
    assert(second, 'an open pair has a second server');
    await this.detach();
    this.#first = second;
    await this.#front?.retarget(second.port);
    this.#join().catch(() => undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#second?.catch(() => undefined);
    await this.#owned.disposeAsync();
  }

  #join(): Promise<unknown> {
    this.#second = this.#follow();
    return this.#second;
  }

  async #follow() {
    const { port: leader } = this.#first;
    const to = { host, port: leader };
    const link = this.#owned.use(await openLink({ name: 'replication', to }));
    const redis = await this.#start();
    assert(redis, 'where there was one Redis there is another');
    this.#owned.use(redis);
    await telling(redis.url, async (tell) => {
      await tell('ACL', 'SETUSER', 'default', `>${this.#password}`);
      await tell('CONFIG', 'SET', ...quickSync, 'masterauth', this.#password);
      await tell('REPLICAOF', host, String(link.port));
      await following(tell);
    });
    this.#replication = link;
    return { redis, port: portOf(redis) };
  }
}

function portOf({ url }: PrivateRedis): number {
  return Number(new URL(url).port);
}

/** Made once: `createClient` would make its class anew each time, and hold up all links for it. */
const newClient = RedisClient.factory();

type Teller = (...command: string[]) => Promise<unknown>;

async function telling<T>(url: string, work: (tell: Teller) => Promise<T>): Promise<T> {
  const client = newClient({ url, socket: { reconnectStrategy: false } });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work((...command) => client.sendCommand(command));
  } finally {
    client.destroy();
  }
}

async function following(tell: Teller): Promise<void> {
  const giveUp = performance.now() + followingTimeoutMs;
  while (!String(await tell('INFO', 'replication')).includes('master_link_status:up')) {
    if (performance.now() > giveUp) throw new Error('the second Redis does not follow the first');
    await sleep(20);
  }
}
