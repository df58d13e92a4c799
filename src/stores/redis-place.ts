// One master of Redis as the verbs need it. Where endings must reach replicas before they are
// acknowledged, they have a connection of their own: WAIT holds up all that comes after it on the
// same connection, and reads must not suffer for that. Asynchronous replication loses what it has
// not sent yet when the master dies; `min-replicas-to-write` does not change that, WAIT does, if its
// answer is looked at.

import { OperatingError } from '../core/errors.ts';
import type { BreakerState } from './breaker.ts';
import type { Kind } from './outage.ts';
import type { Client } from './redis-client.ts';
import { RedisNode, type RedisNodeOptions, type Send } from './redis-node.ts';

/**
 * A write that is surely replicated, also where an ending found everything ended already (by a
 * request whose WAIT failed). Deleting first makes a full Redis allow it.
 */
const mark = `redis.call('DEL', KEYS[1]) redis.call('SET', KEYS[1], '', 'PX', 1000)`;

export class RedisPlace implements Disposable {
  readonly #commands: RedisNode;
  readonly #endings: RedisNode | undefined;
  readonly #replicas: number;
  readonly #waitMs: number;
  /** How the first connection goes. */
  started: Promise<void> = Promise.resolve();
  /** The WAIT that has been decided on and not been sent. */
  readonly #next = new WeakMap<Client, Promise<number>>();

  constructor(options: RedisNodeOptions, replicas: number) {
    this.#commands = new RedisNode(options);
    this.#endings = replicas > 0 ? new RedisNode(options) : undefined;
    this.#replicas = replicas;
    // An ending may have to let the WAIT of another pass before its own.
    this.#waitMs = Math.max(1, Math.floor(0.4 * options.timeoutMs));
  }

  /** That of endings while these cannot be asked, and of the rest otherwise. */
  get state(): BreakerState {
    const endings = this.#endings?.breaker.state ?? 'closed';
    return endings === 'closed' ? this.#commands.breaker.state : endings;
  }

  /** Connects, and goes on trying after that time. */
  start(budgetMs: number): Promise<void> {
    const nodes = [this.#commands, this.#endings];
    this.started = Promise.all(nodes.map((node) => node?.start(budgetMs))).then(() => undefined);
    return this.started;
  }

  /** @throws OperatingError as RedisNode does, and `revocation-not-durable` for an ending. */
  ask<T>(kind: Kind, key: string, send: Send<T>): Promise<T> {
    if (kind !== 'ending' || !this.#endings) return this.#commands.ask(kind, send);
    return this.#endings.ask(kind, async (client) => {
      const done = await send(client);
      const replicas = await this.#replicated(client, key).catch(notDurable);
      return replicas < this.#replicas ? notDurable() : done;
    });
  }

  async ping(): Promise<void> {
    await this.#commands.ask('read', (to) => to.ping());
  }

  [Symbol.dispose](): void {
    this.#commands[Symbol.dispose]();
    this.#endings?.[Symbol.dispose]();
  }

  /** One mark and one WAIT answer for all endings that this connection has acknowledged by then. */
  #replicated(client: Client, key: string): Promise<number> {
    const decided = this.#next.get(client);
    if (decided !== undefined) return decided;
    const { promise, resolve } = Promise.withResolvers<void>();
    setImmediate(resolve);
    const next = promise.then(async () => {
      this.#next.delete(client);
      const [, replicas] = await Promise.all([
        client.eval(mark, { keys: [markBeside(key)] }),
        client.wait(this.#replicas, this.#waitMs),
      ]);
      return replicas;
    });
    this.#next.set(client, next);
    return next;
  }
}

/** In the slot of the key, which has a hash tag. */
function markBeside(key: string): string {
  return `sessionlab:mark:${/\{.+?\}/.exec(key)?.[0] ?? ''}`;
}

function notDurable(cause?: unknown): never {
  throw new OperatingError('revocation-not-durable', { retryAfterSeconds: 1, cause });
}
