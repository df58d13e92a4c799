// One connection to Redis, for questions and for what Redis pushes (RESP3 carries both). A question
// that is not answered in time ends it, with everything in flight, so that a late answer is never
// taken for another's; the next question makes the next one.
// Where replicas must have an answer before it counts, one WAIT stands for all questions that were
// answered before it, and its number is looked at.

import { createClient } from '@redis/client';
import { afterTime } from '../core/deadline.ts';
import { clientOptions, type RedisAddress } from '../core/redis-address.ts';
import { channelIn, scripts } from './redis-scripts.ts';

function clientFor(address: RedisAddress, timeoutMs: number) {
  return createClient({ scripts, ...clientOptions(address, address.endpoints[0], timeoutMs / 4) });
}

type Client = ReturnType<typeof clientFor>;

export interface RedisLineOptions {
  readonly address: RedisAddress;
  readonly timeoutMs: number;
  /** How many replicas must have what an answer rests on. */
  readonly replicas: number;
  readonly onMessage: (message: string) => void;
}

const restMs = 50;

export class RedisLine implements Disposable {
  readonly channel: string;
  readonly #options: RedisLineOptions;
  #client: Client | undefined;
  #connecting: Promise<Client> | undefined;
  #connections = 0;
  #closed = false;
  /** The WAIT that has been decided on and not been sent. */
  #nextWait: Promise<number> | undefined;

  constructor(options: RedisLineOptions) {
    this.#options = options;
    this.channel = channelIn(options.address.database);
  }

  /** Which connection this is; what was pushed before it began was missed. */
  async connection(): Promise<number> {
    await this.#up();
    return this.#connections;
  }

  async ask<T>(send: (client: Client) => Promise<T>): Promise<T> {
    const { timeoutMs, replicas } = this.#options;
    let client: Client | undefined;
    using _ = afterTime(timeoutMs, () => client && this.#lose(client));
    client = await this.#up();
    const answer = await send(client);
    if (replicas > 0 && (await this.#replicated(client)) < replicas) {
      throw new Error(`fewer than ${replicas} replicas have it`);
    }
    return answer;
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    if (this.#client) this.#lose(this.#client);
  }

  /** One attempt for all that ask meanwhile, and a rest after one that failed. */
  #up(): Promise<Client> {
    if (this.#client !== undefined) return Promise.resolve(this.#client);
    this.#connecting ??= this.#connect();
    return this.#connecting;
  }

  async #connect(): Promise<Client> {
    const { address, timeoutMs, onMessage } = this.#options;
    let made: Client | undefined;
    using _ = afterTime(timeoutMs / 2, () => made?.destroy());
    try {
      const client = clientFor(address, timeoutMs);
      made = client;
      client.on('error', () => this.#lose(client));
      await client.connect();
      // Listens before anything is asked, so that nothing falls between.
      await client.subscribe(this.channel, onMessage);
      if (this.#closed) throw new Error('closed');
      this.#client = client;
      this.#connections += 1;
      this.#connecting = undefined;
      return client;
    } catch (failure) {
      made?.destroy();
      setTimeout(() => {
        this.#connecting = undefined;
      }, restMs).unref();
      throw failure;
    }
  }

  #lose(client: Client): void {
    if (client === this.#client) this.#client = undefined;
    this.#nextWait = undefined;
    client.destroy();
  }

  /** WAIT holds up the connection, so no more than two follow one another in the time there is. */
  #replicated(client: Client): Promise<number> {
    const { replicas, timeoutMs } = this.#options;
    this.#nextWait ??= new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
      this.#nextWait = undefined;
      return client.wait(replicas, Math.floor(0.4 * timeoutMs));
    });
    return this.#nextWait;
  }
}
