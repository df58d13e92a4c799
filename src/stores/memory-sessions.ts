// The sessions of one process, in Maps. Records are immutable values that a write replaces whole,
// so that a read copies nothing. Every create sweeps a few old entries, which keeps the garbage
// bounded without any timer. Nothing waits here: each verb is one step of the event loop.

import {
  applyChanges,
  type EndReason,
  expiresAt,
  type FieldChange,
  type Session,
  type StoredSession,
  withoutSecrets,
} from '../core/session.ts';
import { checkChanges, checkFields, owned } from './plain.ts';
import { rotate } from './rotation.ts';
import type {
  Created,
  Rotated,
  Rotation,
  SessionLimit,
  SessionStore,
  Updated,
  UpdateOptions,
} from './store.ts';

/** More than one, so that the sweep overtakes the growth. */
const sweptPerCreate = 4;

interface Tombstone {
  readonly absoluteExpiresAt: number;
  readonly revokedAt: number;
  readonly reason: EndReason;
}

export class MemorySessions implements SessionStore {
  readonly #living = new Map<string, StoredSession>();
  readonly #ended = new Map<string, Tombstone>();
  readonly #idsByUser = new Map<string, Set<string>>();
  readonly #sweep = this.#sweeping();

  constructor() {
    this.#sweep.next(0);
  }

  async create(session: StoredSession, limit?: SessionLimit): Promise<Created> {
    checkFields(session.fields);
    for (let step = 0; step < sweptPerCreate; step += 1) this.#sweep.next(session.createdAt);
    const { id, userId, createdAt } = session;
    if (this.#living.has(id) || this.#ended.has(id)) return { outcome: 'taken' };
    const living = limit === undefined ? [] : this.#aliveOf(userId, createdAt);
    const surplus = limit === undefined ? 0 : living.length + 1 - limit.sessionsMax;
    if (surplus > 0 && limit?.atLimit === 'refuse') return { outcome: 'full' };
    const tooMany = living.slice(0, Math.max(0, surplus));
    for (const one of tooMany) this.#end(one, 'session-limit', createdAt);
    this.#living.set(id, { ...session, fields: owned(session.fields) });
    const ids = this.#idsByUser.get(userId);
    if (ids === undefined) this.#idsByUser.set(userId, new Set([id]));
    else ids.add(id);
    return { outcome: 'ok', ended: tooMany.map((one) => one.id) };
  }

  read(id: string, now: number): StoredSession | undefined {
    return this.#alive(id, now);
  }

  async update(
    id: string,
    changes: readonly FieldChange[],
    now: number,
    { expected, madeFor, dataVersion }: UpdateOptions = {},
  ): Promise<Updated> {
    checkChanges(changes);
    const session = this.#alive(id, now);
    if (session === undefined) return { outcome: 'gone' };
    const isOther = (madeFor ?? session.dataVersion) !== session.dataVersion;
    if (isOther || (expected ?? session.revision) !== session.revision) {
      return { outcome: 'conflict', revision: session.revision };
    }
    const revision = session.revision + 1;
    const fields = applyChanges(session.fields, owned(changes));
    const version = dataVersion ?? session.dataVersion;
    this.#living.set(id, { ...session, revision, fields, dataVersion: version });
    return { outcome: 'ok', revision, fields };
  }

  async touch(
    id: string,
    lastSeenAt: number,
    idleExpiresAt: number,
    authenticatedAt = 0,
  ): Promise<boolean> {
    const session = this.#alive(id, lastSeenAt);
    if (session === undefined) return false;
    this.#living.set(id, {
      ...session,
      lastSeenAt: Math.max(session.lastSeenAt, lastSeenAt),
      idleExpiresAt: Math.max(session.idleExpiresAt, idleExpiresAt),
      authenticatedAt: Math.max(session.authenticatedAt, authenticatedAt),
    });
    return true;
  }

  async rotate(id: string, rotation: Rotation): Promise<Rotated> {
    const session = this.#alive(id, rotation.now);
    if (session === undefined) return { outcome: 'gone' };
    const [rotated, next] = rotate(session, rotation);
    if (next === undefined) this.#end(session, 'reuse', rotation.now);
    else this.#living.set(id, next);
    return rotated;
  }

  async revoke(id: string, reason: EndReason, now: number): Promise<boolean> {
    const wasLiving = this.#alive(id, now) !== undefined;
    const session = this.#living.get(id);
    if (session !== undefined) this.#end(session, reason, now);
    return wasLiving;
  }

  async revokeAll(
    userId: string,
    reason: EndReason,
    now: number,
    except?: string,
  ): Promise<number> {
    const doomed = this.#idsOf(userId).filter((id) => id !== except);
    const ended = await Promise.all(doomed.map((id) => this.revoke(id, reason, now)));
    return ended.filter(Boolean).length;
  }

  async list(userId: string, now: number): Promise<Session[]> {
    return this.#aliveOf(userId, now).map(withoutSecrets);
  }

  held(now: number): Session[] {
    const living = [...this.#living.values()].filter((each) => now < expiresAt(each));
    return living.map(withoutSecrets);
  }

  async ping(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {}

  #alive(id: string, now: number): StoredSession | undefined {
    const session = this.#living.get(id);
    return session !== undefined && now < expiresAt(session) ? session : undefined;
  }

  /** Oldest first. */
  #aliveOf(userId: string, now: number): StoredSession[] {
    return this.#idsOf(userId)
      .flatMap((id) => this.#alive(id, now) ?? [])
      .sort((one, other) => one.createdAt - other.createdAt);
  }

  #idsOf(userId: string): string[] {
    return [...(this.#idsByUser.get(userId) ?? [])];
  }

  #end(session: StoredSession, reason: EndReason, now: number): void {
    this.#forget(session);
    const { id, absoluteExpiresAt } = session;
    this.#ended.set(id, { absoluteExpiresAt, revokedAt: now, reason });
  }

  #forget({ id, userId }: StoredSession): void {
    this.#living.delete(id);
    const ids = this.#idsByUser.get(userId);
    ids?.delete(id);
    if (ids?.size === 0) this.#idsByUser.delete(userId);
  }

  /** Looks at one entry each time it is resumed, round and round. */
  *#sweeping(): Generator<void, never, number> {
    let now = yield;
    for (;;) {
      for (const session of this.#living.values()) {
        if (now >= session.absoluteExpiresAt) this.#forget(session);
        now = yield;
      }
      for (const [id, tombstone] of this.#ended) {
        if (now >= tombstone.absoluteExpiresAt) this.#ended.delete(id);
        now = yield;
      }
      now = yield;
    }
  }
}
