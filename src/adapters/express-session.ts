// A store for an existing express-session application that ends its logout race: that library saves
// at the end of a request what it loaded at the start, by upsert, so a request in flight brings an
// ended session back. Here a session that was loaded can only be updated, field by field, and one
// that was destroyed stays so. The application keeps its code. Only one thing is not ours to mend:
// the cookie still holds a bare id, which is why the id is hashed before it is stored.

import { hash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { Store as ExpressStore, SessionData } from 'express-session';
import { newHandle } from '../core/credential.ts';
import { lifetimes } from '../core/limits.ts';
import type { FieldChange, Fields, Json } from '../core/session.ts';
import type { SessionStore } from '../stores/store.ts';

type Done = (error?: unknown) => void;

/** The class that express-session exports, for stores to extend. */
type StoreClass = abstract new () => ExpressStore;

export interface ExpressSessionOptions {
  readonly store: SessionStore;
  /** A session ends this long after its beginning, used or not. Default: `lifetimes.absoluteMs`. */
  readonly absoluteMs?: number;
  /** For cookies without an age: how long an unused session lives. Default: `lifetimes.idleMs`. */
  readonly idleMs?: number;
}

/** `new (raceFree(session.Store))({ store })`, for express-session's `store` option. */
export function raceFree(Base: StoreClass): new (options: ExpressSessionOptions) => ExpressStore {
  return class RaceFreeStore extends Base {
    readonly #saved: SavedSessions;

    constructor(options: ExpressSessionOptions) {
      super();
      this.#saved = new SavedSessions(options);
    }

    override createSession(
      request: Parameters<ExpressStore['createSession']>[0],
      data: SessionData,
    ) {
      const fields = fieldsOf(data);
      const session = super.createSession(request, data);
      this.#saved.know(session, fields);
      return session;
    }

    override get(sid: string, done: (error: unknown, data?: SessionData | null) => void): void {
      this.#saved.load(sid).then((data) => done(null, data), done);
    }

    override set(sid: string, data: SessionData, done: Done = () => undefined): void {
      this.#saved.save(sid, data).then(() => done(), done);
    }

    override touch(sid: string, data: SessionData, done: Done = () => undefined): void {
      this.#saved.touch(sid, data).then(() => done(), done);
    }

    override destroy(sid: string, done: Done = () => undefined): void {
      this.#saved.end(sid).then(() => done(), done);
    }
  };
}

/** The same with promises: what is stored, and what each session object was made from. */
class SavedSessions {
  readonly #options: ExpressSessionOptions;
  /** What a session object held when it was loaded or saved last: it exists in the store. */
  readonly #known = new WeakMap<object, Fields>();
  /** The last save of a session object, which the next one waits for. */
  readonly #saving = new WeakMap<object, Promise<void>>();

  constructor(options: ExpressSessionOptions) {
    this.#options = options;
  }

  know(data: object, fields: Fields): void {
    this.#known.set(data, fields);
  }

  async load(sid: string): Promise<SessionData | null> {
    const stored = await this.#options.store.read(idOf(sid), Date.now());
    if (stored === undefined) return null;
    const data = dataOf(stored.fields, stored.idleExpiresAt);
    this.know(data, fieldsOf(data));
    return data;
  }

  async save(sid: string, data: SessionData): Promise<void> {
    const fields = fieldsOf(data);
    const before = this.#saving.get(data) ?? Promise.resolve();
    const saved = before.then(() => this.#write(sid, data, fields));
    const settled = saved.catch(() => undefined);
    this.#saving.set(data, settled);
    return saved;
  }

  async touch(sid: string, data: SessionData): Promise<void> {
    const now = Date.now();
    await this.#options.store.touch(idOf(sid), now, now + this.#idleMs(data));
  }

  async end(sid: string): Promise<void> {
    await this.#options.store.revoke(idOf(sid), 'logout', Date.now());
  }

  /** An object that others loaded is brought to what is there. */
  async #write(sid: string, data: SessionData, fields: Fields): Promise<void> {
    let known = this.#known.get(data);
    if (known === undefined && !(await this.#create(sid, data, fields))) {
      known = (await this.#options.store.read(idOf(sid), Date.now()))?.fields;
    }
    if (known !== undefined) await this.#update(sid, data, changesBetween(known, fields));
    this.know(data, fields);
  }

  /** False when there is one, or was. */
  async #create(sid: string, data: SessionData, fields: Fields): Promise<boolean> {
    const { store, absoluteMs = lifetimes.absoluteMs } = this.#options;
    const [id, now] = [idOf(sid), Date.now()];
    const clocks = { createdAt: now, lastSeenAt: now, authenticatedAt: now, rotatedAt: now };
    const { outcome } = await store.create({
      ...clocks,
      // It begins before anybody logs in, and the library does not say whose it becomes.
      ...{ id, handle: newHandle(), userId: id, userName: id, fields },
      ...{ revision: 0, epoch: 0, dataVersion: 0 },
      absoluteExpiresAt: now + absoluteMs,
      idleExpiresAt: now + this.#idleMs(data),
      // Nothing matches it: whoever has the id is let in by express-session itself.
      ...{ secretHash: '-', previousSecretHash: null, sealedSecret: null },
    });
    return outcome === 'ok';
  }

  /** Of a session that has ended nothing is written; the answer goes out, its cookie is dead. */
  async #update(sid: string, data: SessionData, changes: readonly FieldChange[]): Promise<void> {
    if (changes.length > 0) await this.#options.store.update(idOf(sid), changes, Date.now());
    await this.touch(sid, data);
  }

  #idleMs(data: SessionData): number {
    return data.cookie.originalMaxAge ?? this.#options.idleMs ?? lifetimes.idleMs;
  }
}

/** A stolen table of ids opens no session. */
const idOf = (sid: string) => hash('sha256', sid, 'base64url');

/**
 * As the store will hold them: what JSON makes of the session's own members. When the cookie expires
 * is the session's idle limit, and moves with every request.
 */
function fieldsOf(data: SessionData): Fields {
  const { cookie, ...fields } = JSON.parse(JSON.stringify(data));
  return { ...fields, cookie: { ...cookie, expires: null } };
}

function dataOf(fields: Fields, expiresAt: number): SessionData {
  const data = structuredClone(fields) as unknown as SessionData;
  data.cookie.expires = data.cookie.originalMaxAge === null ? null : new Date(expiresAt);
  return data;
}

function changesBetween(before: Fields, after: Fields): FieldChange[] {
  const removed = Object.keys(before).filter((field) => !(field in after));
  const set = Object.entries(after).filter(([field, value]) => differs(before[field], value));
  return [
    ...removed.map((field) => ({ op: 'remove', field }) as const),
    ...set.map(([field, value]) => ({ op: 'set', field, value }) as const),
  ];
}

const differs = (one: Json | undefined, other: Json) => !isDeepStrictEqual(one, other);
