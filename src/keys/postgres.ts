// Keys in a table of PostgreSQL, which the servers make and rotate by themselves. Each key has a
// turn, and a turn is taken once: of many servers that start together, or find a key due, one
// inserts it, and all use what they read. A server asks every two seconds, never while it verifies;
// for a key that it does not know it asks sooner, at most once a second. The private keys are in
// the table as they are: whoever can read it can sign, as whoever can read TOKEN_KEY can.

import type { JWK } from 'jose';
import { LRUCache } from 'lru-cache';
import { OperatingError } from '../core/errors.ts';
import type { KeyRing, KeyRingOptions, KeyRings, SigningKey, TokenKey } from './key-ring.ts';
import { KeyTable, type Row } from './key-table.ts';
import { keyStateAt, nextSignsFrom, type Schedule, scheduleOf } from './schedule.ts';
import { canSign, newTokenKey, readTokenKey, unfit } from './token-key.ts';

const askAgainMs = 1_000;
const strangersMax = 1_000;

interface Entry {
  readonly key: SigningKey;
  readonly row: Row;
}

/** What is in the table, and when we asked. */
interface Heard {
  readonly askedAt: number;
  readonly entries: readonly Entry[];
}

class SharedKeyRing implements KeyRing {
  readonly #table: KeyTable;
  readonly #options: KeyRingOptions;
  readonly #schedule: Schedule;
  readonly #timer: NodeJS.Timeout;
  /** By the time at which they begin to sign. */
  #entries: readonly Entry[] = [];
  /** When an id was met that is no key's, for the latest of them. */
  readonly #strangers = new LRUCache<string, number>({ max: strangersMax });
  #asking: Promise<void> | undefined;
  /** By our own steady clock, as is everything that the database's clock says, once corrected. */
  #askedAt = Number.NEGATIVE_INFINITY;
  #heardAt = Number.NEGATIVE_INFINITY;
  #clockOffset = 0;
  generation = 0;

  constructor(table: KeyTable, options: KeyRingOptions) {
    this.#table = table;
    this.#options = options;
    this.#schedule = scheduleOf(options.rotationMs, options.tokenMs);
    this.#timer = setInterval(() => this.#askInBackground(), this.#schedule.pollMs).unref();
  }

  signing(): SigningKey {
    const now = this.#now();
    const entry = this.#entries.findLast(({ row }) => row.signsFrom <= now) ?? this.#entries[0];
    if (entry === undefined) throw new OperatingError('store-unavailable');
    return entry.key;
  }

  verifying(id: string): TokenKey | undefined {
    const at = this.#entries.findIndex(({ key }) => key.id === id);
    if (at >= 0) return this.#stateOf(at) === 'retired' ? undefined : this.#entries[at]?.key;
    const now = performance.now();
    if (!this.#strangers.has(id)) this.#strangers.set(id, now);
    if (now - this.#askedAt > askAgainMs) this.#askInBackground();
    return undefined;
  }

  /**
   * A key that signs was published a lead ago, and whoever has asked since then knows it; but the
   * first key of an empty table signs at once.
   */
  mayExist(id: string): boolean {
    if (performance.now() - this.#heardAt >= this.#schedule.leadMs) return true;
    return (this.#strangers.get(id) ?? Number.NEGATIVE_INFINITY) >= this.#heardAt;
  }

  jwks() {
    const living = this.#entries.filter((_, at) => this.#stateOf(at) !== 'retired');
    return { keys: living.flatMap(({ key }) => key.publicJwk ?? []) };
  }

  /** Asks for the keys, makes one that is due, and forgets those that have retired. */
  ask(): Promise<void> {
    this.#askedAt = performance.now();
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#asking?.catch(() => undefined);
    await this.#table[Symbol.asyncDispose]();
  }

  #askInBackground(): void {
    // The next time makes up for one that failed; meanwhile the known keys are good.
    this.ask().catch(() => undefined);
  }

  async #ask(): Promise<void> {
    const heard = await this.#read();
    const newest = heard.entries.at(-1)?.row;
    const signsFrom = nextSignsFrom(this.#now(), newest?.signsFrom, this.#schedule);
    // An empty table is not taken for what is known: there is always a key to sign with.
    if (signsFrom === undefined) this.#know(heard);
    else {
      const jwk = await newTokenKey(this.#options.algorithm);
      await this.#table.insert({ turn: (newest?.turn ?? 0) + 1, jwk: JSON.parse(jwk), signsFrom });
      this.#know(await this.#read());
    }
    const retired = this.#entries.filter((_, at) => this.#stateOf(at) === 'retired');
    if (retired.length > 0) await this.#table.remove(retired.map(({ row }) => row));
  }

  async #read(): Promise<Heard> {
    const askedAt = performance.now();
    const { now, rows } = await this.#table.read();
    const heardAt = performance.now();
    this.#clockOffset = now - (askedAt + heardAt) / 2;
    return { askedAt, entries: await Promise.all(rows.map((row) => this.#entryOf(row))) };
  }

  #know({ askedAt, entries }: Heard): void {
    const kept = new Set(entries.map(({ key }) => key.id));
    if (this.#entries.some(({ key }) => !kept.has(key.id))) this.generation += 1;
    this.#heardAt = askedAt;
    this.#entries = entries;
  }

  async #entryOf(row: Row): Promise<Entry> {
    const known = this.#entries.find((entry) => sameKey(entry.row, row));
    const key = known?.key ?? (await readTokenKey(row.jwk));
    if (!canSign(key)) throw unfit('the table has only its public half');
    return { key, row };
  }

  #stateOf(at: number) {
    const [own, successor] = [this.#entries[at], this.#entries[at + 1]];
    const signsFrom = own?.row.signsFrom ?? Number.NEGATIVE_INFINITY;
    return keyStateAt(this.#now(), signsFrom, successor?.row.signsFrom, this.#schedule);
  }

  /** The time of the database, which is the same for all servers. */
  #now(): number {
    return performance.now() + this.#clockOffset;
  }
}

function sameKey({ jwk: one }: Row, { jwk: other }: Row): boolean {
  const members: readonly (keyof JWK)[] = ['kty', 'crv', 'x', 'y', 'd', 'k'];
  return members.every((member) => one[member] === other[member]);
}

export const postgres: KeyRings = {
  says: 'in a table of PostgreSQL, made and rotated by the servers themselves',
  async open(options) {
    await using stack = new AsyncDisposableStack();
    const ring = stack.use(new SharedKeyRing(await KeyTable.open(options), options));
    await ring.ask();
    stack.move();
    return ring;
  },
};
