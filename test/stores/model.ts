// A session store too simple to be wrong: one list, looked through from the start by every verb. It
// shares no code with the stores that are compared with it, and keeps everything for ever.

import type { FieldChange, Json, Session, StoredSession } from '../../src/core/session.ts';
import type {
  Created,
  Rotated,
  Rotation,
  SessionLimit,
  SessionStore,
  Updated,
  UpdateOptions,
} from '../../src/stores/store.ts';

type Mutable<T> = { -readonly [Name in keyof T]: T[Name] };
type Entry = Mutable<StoredSession> & { ended: boolean };

function seen({ ended: _, ...stored }: Entry): StoredSession {
  return stored;
}

function shown(entry: Entry): Session {
  const { ended: _, secretHash: __, previousSecretHash: ___, sealedSecret: ____, ...rest } = entry;
  return rest;
}

export class Model implements SessionStore {
  readonly #entries: Entry[] = [];

  #living(id: string, now: number): Entry | undefined {
    return this.#entries.find(
      (one) =>
        one.id === id && !one.ended && now < one.absoluteExpiresAt && now < one.idleExpiresAt,
    );
  }

  #livingOf(userId: string, now: number): Entry[] {
    return this.#entries
      .filter((one) => one.userId === userId && this.#living(one.id, now))
      .sort((one, other) => one.createdAt - other.createdAt);
  }

  async create(session: StoredSession, limit?: SessionLimit): Promise<Created> {
    if (this.#entries.some((one) => one.id === session.id)) return { outcome: 'taken' };
    const ended: string[] = [];
    while (limit !== undefined) {
      const [oldest, ...others] = this.#livingOf(session.userId, session.createdAt);
      if (oldest === undefined || others.length + 1 < limit.sessionsMax) break;
      if (limit.atLimit === 'refuse') return { outcome: 'full' };
      oldest.ended = true;
      ended.push(oldest.id);
    }
    this.#entries.push({ ...session, ended: false });
    return { outcome: 'ok', ended };
  }

  async read(id: string, now: number): Promise<StoredSession | undefined> {
    const entry = this.#living(id, now);
    return entry && seen(entry);
  }

  async update(
    id: string,
    changes: readonly FieldChange[],
    now: number,
    { expected, madeFor, dataVersion }: UpdateOptions = {},
  ): Promise<Updated> {
    const entry = this.#living(id, now);
    if (entry === undefined) return { outcome: 'gone' };
    if (expected !== undefined && expected !== entry.revision) {
      return { outcome: 'conflict', revision: entry.revision };
    }
    if (madeFor !== undefined && madeFor !== entry.dataVersion) {
      return { outcome: 'conflict', revision: entry.revision };
    }
    const after = new Map<string, Json>(Object.entries(entry.fields));
    for (const change of changes) {
      const before = after.get(change.field);
      if (change.op === 'remove') after.delete(change.field);
      if (change.op === 'set') after.set(change.field, change.value);
      if (change.op === 'increment') {
        after.set(change.field, (typeof before === 'number' ? before : 0) + change.by);
      }
    }
    entry.fields = Object.fromEntries(after);
    entry.revision += 1;
    if (dataVersion !== undefined) entry.dataVersion = dataVersion;
    return { outcome: 'ok', revision: entry.revision, fields: entry.fields };
  }

  async touch(id: string, seen: number, idle: number, authenticated?: number): Promise<boolean> {
    const entry = this.#living(id, seen);
    if (entry === undefined) return false;
    if (seen > entry.lastSeenAt) entry.lastSeenAt = seen;
    if (idle > entry.idleExpiresAt) entry.idleExpiresAt = idle;
    if (authenticated !== undefined && authenticated > entry.authenticatedAt) {
      entry.authenticatedAt = authenticated;
    }
    return true;
  }

  async rotate(id: string, rotation: Rotation): Promise<Rotated> {
    const { presentedHash, nextHash, sealedNext, now, graceMs } = rotation;
    const entry = this.#living(id, now);
    if (entry === undefined) return { outcome: 'gone' };
    if (presentedHash === entry.secretHash) {
      entry.previousSecretHash = presentedHash;
      entry.secretHash = nextHash;
      entry.sealedSecret = sealedNext;
      entry.rotatedAt = now;
      return { outcome: 'rotated', session: shown(entry) };
    }
    if (presentedHash === entry.previousSecretHash && now - entry.rotatedAt < graceMs) {
      return {
        outcome: 'absorbed',
        session: shown(entry),
        sealedSecret: String(entry.sealedSecret),
      };
    }
    entry.ended = true;
    return { outcome: 'reuse', handle: entry.handle };
  }

  async revoke(id: string, _reason: string, now: number): Promise<boolean> {
    const wasLiving = this.#living(id, now) !== undefined;
    for (const entry of this.#entries) if (entry.id === id) entry.ended = true;
    return wasLiving;
  }

  async revokeAll(userId: string, _: string, now: number, except?: string): Promise<number> {
    const living = this.#livingOf(userId, now).filter(({ id }) => id !== except);
    for (const entry of this.#entries) {
      if (entry.userId === userId && entry.id !== except) entry.ended = true;
    }
    return living.length;
  }

  async list(userId: string, now: number): Promise<Session[]> {
    return this.#livingOf(userId, now).map(shown);
  }

  async ping(): Promise<void> {}
  async [Symbol.asyncDispose](): Promise<void> {}
}
