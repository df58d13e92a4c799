// A store behind a cache in this process: what was read is kept, and served again until a feed says
// that somebody changed it. An entry is served only while it is young, unexpired by the reader's
// clock, and while the feed can be trusted; without the feed every read asks the store. Whoever
// reads takes a ticket first, and whatever may have changed the session tears it, so that a fill
// that raced a change is thrown away. What ended through this process leaves a tombstone, which no
// fill and no flush removes: an ended id never lives again. Absence is not cached otherwise.

import { LRUCache } from 'lru-cache';
import { userTag } from '../core/credential.ts';
import type { MaybePromise } from '../core/maybe-promise.ts';
import { expiresAt, type StoredSession } from '../core/session.ts';
import type { SessionStore } from './store.ts';

/** Tells which sessions were changed, by whomever. */
export interface InvalidationFeed extends AsyncDisposable {
  /**
   * Whether nothing is unheard of that was acknowledged longer ago than the bound of staleness that
   * the feed promises. Never while the feed is lost.
   */
  readonly isTrusted: boolean;
  /** Calls back with the id of a session that was changed, or null when it may be any of them. */
  follow(listener: (id: string | null) => void): void;
}

export interface CacheOptions {
  /** No entry is served that was asked for longer ago: for whatever the feed cannot know. */
  readonly maxAgeMs?: number;
  readonly entriesMax?: number;
  /** Of all entries together, as JSON. */
  readonly bytesMax?: number;
  /** A clock that never goes back, in milliseconds. */
  readonly clock?: () => number;
}

interface Entry {
  readonly session: StoredSession;
  readonly until: number;
}

type Verb<Name extends 'create' | 'update' | 'touch' | 'rotate' | 'revoke' | 'revokeAll'> =
  Parameters<SessionStore[Name]>;

export class CachedSessions implements SessionStore {
  readonly #store: SessionStore;
  readonly #feed: InvalidationFeed;
  readonly #maxAgeMs: number;
  readonly #clock: () => number;
  readonly #entries: LRUCache<string, Entry>;
  readonly #tombstones: LRUCache<string, true>;
  /** The reads in flight that may still fill the cache, at most one of a session. */
  readonly #tickets = new Map<string, symbol>();
  readonly #idsByUser = new Map<string, Set<string>>();

  constructor(store: SessionStore, feed: InvalidationFeed, options: CacheOptions = {}) {
    const { maxAgeMs = 10_000, entriesMax = 50_000, bytesMax = 64 * 1024 * 1024 } = options;
    this.#store = store;
    this.#feed = feed;
    this.#maxAgeMs = maxAgeMs;
    this.#clock = options.clock ?? (() => performance.now());
    this.#tombstones = new LRUCache({ max: entriesMax });
    this.#entries = new LRUCache({
      max: entriesMax,
      maxSize: bytesMax,
      sizeCalculation: ({ session }) => JSON.stringify(session).length,
      onInsert: ({ session }, id) => this.#index(session.userId, id),
      dispose: ({ session }, id) => this.#unindex(session.userId, id),
    });
    feed.follow((id) => (id === null ? this.#flush() : this.#drop(id)));
  }

  read(id: string, now: number): MaybePromise<StoredSession | undefined> {
    const at = this.#clock();
    const entry = this.#entries.get(id);
    if (
      entry !== undefined &&
      at < entry.until &&
      this.#feed.isTrusted &&
      now < expiresAt(entry.session)
    ) {
      return entry.session;
    }
    return this.#ask(id, now, at);
  }

  readPastCache(id: string, now: number): Promise<StoredSession | undefined> {
    return this.#ask(id, now, this.#clock());
  }

  async create(...[session, ...rest]: Verb<'create'>) {
    const { id, userId } = session;
    try {
      const created = await this.#store.create(session, ...rest);
      if (created.outcome === 'ok') this.#end(created.ended);
      return created;
    } catch (failure) {
      this.#dropUser(userId);
      throw failure;
    } finally {
      this.#drop(id);
    }
  }

  update(...[id, ...rest]: Verb<'update'>) {
    return this.#change(id, this.#store.update(id, ...rest));
  }

  touch(...[id, ...rest]: Verb<'touch'>) {
    return this.#change(id, this.#store.touch(id, ...rest));
  }

  async rotate(...[id, rotation]: Verb<'rotate'>) {
    const rotated = await this.#change(id, this.#store.rotate(id, rotation));
    if (rotated.outcome === 'reuse') this.#end([id]);
    return rotated;
  }

  async revoke(...[id, ...rest]: Verb<'revoke'>) {
    const ended = await this.#change(id, this.#store.revoke(id, ...rest));
    if (ended) this.#end([id]);
    return ended;
  }

  async revokeAll(...[userId, reason, now, except]: Verb<'revokeAll'>) {
    // Only those known before: one that is met later may have begun after all others ended.
    const known = this.#known(userId).filter((id) => id !== except);
    try {
      const count = await this.#store.revokeAll(userId, reason, now, except);
      this.#end(known);
      return count;
    } finally {
      this.#dropUser(userId);
    }
  }

  list(userId: string, now: number) {
    return this.#store.list(userId, now);
  }

  ping() {
    return this.#store.ping();
  }

  breaker() {
    return this.#store.breaker?.() ?? 'closed';
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#flush();
    await Promise.all([this.#feed[Symbol.asyncDispose](), this.#store[Symbol.asyncDispose]()]);
  }

  async #ask(id: string, now: number, at: number): Promise<StoredSession | undefined> {
    if (this.#tombstones.has(id)) return undefined;
    const mayFill = this.#feed.isTrusted && !this.#tickets.has(id);
    const ticket = Symbol();
    if (mayFill) this.#tickets.set(id, ticket);
    try {
      const session = await this.#store.read(id, now);
      if (this.#tombstones.has(id)) return undefined;
      if (session !== undefined && this.#tickets.get(id) === ticket) {
        this.#entries.set(id, { session, until: at + this.#maxAgeMs });
      }
      return session;
    } finally {
      if (this.#tickets.get(id) === ticket) this.#tickets.delete(id);
    }
  }

  /** Whatever the verb did, and when nobody knows: the entry goes before that is told. */
  async #change<T>(id: string, verb: Promise<T>): Promise<T> {
    try {
      return await verb;
    } finally {
      this.#drop(id);
    }
  }

  #drop(id: string): void {
    this.#tickets.delete(id);
    this.#entries.delete(id);
  }

  #dropUser(userId: string): void {
    for (const id of this.#known(userId)) this.#drop(id);
    const tag = userTag(userId);
    for (const id of this.#tickets.keys()) if (id.startsWith(tag)) this.#tickets.delete(id);
  }

  #end(ids: readonly string[]): void {
    for (const id of ids) {
      this.#tombstones.set(id, true);
      this.#drop(id);
    }
  }

  #flush(): void {
    this.#tickets.clear();
    this.#entries.clear();
  }

  #known(userId: string): string[] {
    return [...(this.#idsByUser.get(userId) ?? [])];
  }

  #index(userId: string, id: string): void {
    const ids = this.#idsByUser.get(userId);
    if (ids === undefined) this.#idsByUser.set(userId, new Set([id]));
    else ids.add(id);
  }

  #unindex(userId: string, id: string): void {
    const ids = this.#idsByUser.get(userId);
    ids?.delete(id);
    if (ids?.size === 0) this.#idsByUser.delete(userId);
  }
}
