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
    readonly #options: ExpressSessionOptions;
    /** What a session object held when it was loaded or saved last: it exists in the store. */
    readonly #known = new WeakMap<object, Fields>();

    constructor(options: ExpressSessionOptions) {
      super();
      this.#options = options;
    }

    override createSession(
      request: Parameters<ExpressStore['createSession']>[0],
      data: SessionData,
    ) {
      const loaded = fieldsOf(data);
      const session = super.createSession(request, data);
      this.#known.set(session, loaded);
      return session;
    }

    override get(sid: string, done: (error: unknown, data?: SessionData | null) => void): void {
      const now = Date.now();
      Promise.resolve(this.#options.store.read(idOf(sid), now)).then(
        (stored) => done(null, stored ? dataOf(stored.fields, stored.idleExpiresAt) : null),
        (error: unknown) => done(error),
      );
    }

    override set(sid: string, data: SessionData, done: Done = () => undefined): void {
      const known = this.#known.get(data);
      const saved = known === undefined ? this.#create(sid, data) : this.#save(sid, data, known);
      saved.then(() => done(), done);
    }

    override touch(sid: string, data: SessionData, done: Done = () => undefined): void {
      const now = Date.now();
      const touched = this.#options.store.touch(idOf(sid), now, now + this.#idleMs(data));
      touched.then(() => done(), done);
    }

    override destroy(sid: string, done: Done = () => undefined): void {
      const revoked = this.#options.store.revoke(idOf(sid), 'logout', Date.now());
      revoked.then(() => done(), done);
    }

    async #create(sid: string, data: SessionData): Promise<void> {
      const { store, absoluteMs = lifetimes.absoluteMs } = this.#options;
      const [id, now, fields] = [idOf(sid), Date.now(), fieldsOf(data)];
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
      if (outcome === 'ok') this.#known.set(data, fields);
    }

    /** Of a session that has ended nothing is written; the answer goes out, its cookie is dead. */
    async #save(sid: string, data: SessionData, known: Fields): Promise<void> {
      const [id, now, fields] = [idOf(sid), Date.now(), fieldsOf(data)];
      const changes = changesBetween(known, fields);
      if (changes.length > 0) await this.#options.store.update(id, changes, now);
      await this.#options.store.touch(id, now, now + this.#idleMs(data));
      this.#known.set(data, fields);
    }

    #idleMs(data: SessionData): number {
      return data.cookie.originalMaxAge ?? this.#options.idleMs ?? lifetimes.idleMs;
    }
  };
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
