// Redis Cluster: 16,384 slots, shared out among masters. Each master has its own connection and
// circuit breaker, so that one that is lost takes only its own users with it. Who has which slot is
// asked at the start, when a server says that a slot has moved, and while a master is lost; a
// redirection is followed, because the command was not carried out (Redis cluster specification).

import { setTimeout as delay } from 'node:timers/promises';
import { ErrorReply } from '@redis/client';
import { OperatingError } from '../core/errors.ts';
import type { Endpoint, RedisAddress } from '../core/redis-address.ts';
import type { BreakerState } from './breaker.ts';
import { inTime, type Kind, unanswered, unavailable } from './outage.ts';
import { askOnce, connectTo } from './redis-client.ts';
import type { Send } from './redis-node.ts';
import { RedisPlace } from './redis-place.ts';
import { scripts } from './redis-scripts.ts';

const slotCount = 16_384;
const redirectionsMax = 3;

interface Redirection extends Endpoint {
  /** The key is on its way: only this command, announced by ASKING, goes there. */
  readonly asking: boolean;
}

export class RedisCluster implements Disposable {
  readonly #address: RedisAddress;
  readonly #timeoutMs: number;
  readonly #replicas: number;
  readonly #places = new Map<string, RedisPlace>();
  #slots: readonly (RedisPlace | undefined)[] = [];
  #refreshing: Promise<void> | undefined;
  #startUntil = 0;
  #closed = false;

  constructor(address: RedisAddress, timeoutMs: number, replicas: number) {
    this.#address = address;
    this.#timeoutMs = timeoutMs;
    this.#replicas = replicas;
  }

  /** 'open' while any of the masters is not asked. */
  get state(): BreakerState {
    const states = [...this.#places.values()].map(({ state }) => state);
    return states.find((state) => state !== 'closed') ?? 'closed';
  }

  /** One master will do, as a lost one takes only its own users with it; others are given time. */
  async start(budgetMs: number): Promise<void> {
    this.#startUntil = performance.now() + budgetMs;
    const learn = () => this.#refresh().catch((failure: unknown) => failure);
    for (let failure = await learn(); failure !== undefined; failure = await learn()) {
      if (performance.now() > this.#startUntil) throw failure;
      await delay(25);
    }
    const started = [...this.#places.values()].map((place) => place.started);
    await Promise.any(started);
    await inTime(this.#timeoutMs, Promise.allSettled(started)).catch(() => undefined);
  }

  async ask<T>(kind: Kind, key: string, send: Send<T>): Promise<T> {
    const begunAt = performance.now();
    const place = this.#slots[slotOf(key)];
    if (place === undefined) throw unavailable();
    try {
      return await place.ask(kind, key, send);
    } catch (failure) {
      const to = redirectionOf(failure);
      if (to === undefined) throw failure;
      const leftMs = Math.max(0, this.#timeoutMs - (performance.now() - begunAt));
      const following = this.#follow(to, kind, key, send);
      return await inTime(leftMs, following, () => unanswered(kind));
    }
  }

  /** Any master that answers will do: users of the others are told 503 one by one. */
  async ping(): Promise<void> {
    const pings = [...this.#places.values()].map((place) => place.ping());
    await Promise.any(pings).catch((cause) => Promise.reject(unavailable(cause)));
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    for (const place of this.#places.values()) place[Symbol.dispose]();
  }

  async #follow<T>(first: Redirection, kind: Kind, key: string, send: Send<T>): Promise<T> {
    let to = first;
    for (let count = 1; ; count += 1) {
      const place = await this.#placeAt(to);
      try {
        return await place.ask(kind, key, to.asking ? asking(send) : send);
      } catch (failure) {
        const further = redirectionOf(failure);
        if (further === undefined || count === redirectionsMax) throw failure;
        to = further;
      }
    }
  }

  async #placeAt(to: Redirection): Promise<RedisPlace> {
    const refreshed = to.asking ? undefined : this.#refresh().catch(() => undefined);
    if (!this.#places.has(nameOf(to))) await refreshed;
    const place = this.#place(to);
    await place.started.catch(() => undefined);
    return place;
  }

  /** The master there, which begins to connect when it is new. */
  #place(endpoint: Endpoint): RedisPlace {
    const known = this.#places.get(nameOf(endpoint));
    if (known !== undefined) return known;
    const place = new RedisPlace(
      {
        connect: () => connectTo(this.#address, endpoint, this.#timeoutMs),
        timeoutMs: this.#timeoutMs,
        onFailure: () => void this.#refresh().catch(() => undefined),
      },
      this.#replicas,
    );
    this.#places.set(nameOf(endpoint), place);
    const budgetMs = Math.max(this.#timeoutMs, this.#startUntil - performance.now());
    place.start(budgetMs).catch(() => undefined);
    return place;
  }

  #refresh(): Promise<void> {
    this.#refreshing ??= this.#learn().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  /** Asks whoever answers first who has which slots, and forgets masters that have none. */
  async #learn(): Promise<void> {
    const asked = [...this.#places.values()].map((place) =>
      place.ask('read', '', (to) => to.clusterSlots()),
    );
    const ranges = await Promise.any(asked).catch(() => this.#askMembers());
    if (this.#closed) return;
    const slots = Array<RedisPlace | undefined>(slotCount);
    for (const { from, to, master } of ranges) {
      const host = master.host || this.#address.endpoints[0].host;
      slots.fill(this.#place({ host, port: master.port }), from, to + 1);
    }
    this.#slots = slots;
    const used = new Set(slots);
    for (const [name, place] of this.#places) {
      if (used.has(place)) continue;
      this.#places.delete(name);
      place[Symbol.dispose]();
    }
  }

  async #askMembers() {
    const asked = this.#address.endpoints.map((member) =>
      askOnce(this.#address, member, this.#timeoutMs, (to) => to.clusterSlots()),
    );
    return await Promise.any(asked);
  }
}

/** Scripts go along: where one is unknown the library asks twice, but ASKING holds only once. */
function asking<T>(send: Send<T>): Send<T> {
  return async (client) => {
    await Promise.all(Object.values(scripts).map(({ SCRIPT }) => client.scriptLoad(SCRIPT)));
    return (await Promise.all([client.sendCommand(['ASKING']), send(client)]))[1];
  };
}

function nameOf({ host, port }: Endpoint): string {
  return `${host} ${port}`;
}

/** As in `MOVED 3999 127.0.0.1:6381`; a host that is not said is unknown, and not followed. */
function redirectionOf(failure: unknown): Redirection | undefined {
  if (!(failure instanceof OperatingError && failure.cause instanceof ErrorReply)) return undefined;
  const said = /^(MOVED|ASK) \d+ (.+):(\d+)$/.exec(failure.cause.message);
  if (said === null) return undefined;
  return { asking: said[1] === 'ASK', host: said[2] ?? '', port: Number(said[3]) };
}

/** CRC-16/XMODEM of the hash tag, or of the whole key without one, modulo the number of slots. */
export function slotOf(key: string): number {
  let crc = 0;
  for (const byte of Buffer.from(/\{([^}]+)\}/.exec(key)?.[1] ?? key)) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1;
  }
  return (crc & 0xffff) % slotCount;
}
