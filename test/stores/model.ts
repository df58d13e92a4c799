// A session store too simple to be wrong: one list, looked through from the start by every verb. It
// shares no code with the stores that are compared with it, and keeps everything for ever.

import type { FieldChange, Json, Session, StoredSession } from '../../src/core/session.ts';
import type { Rotated, Rotation, SessionStore, Updated } from '../../src/stores/store.ts';

type Mutable<T> = { -readonly [Name in keyof T]: T[Name] };
type Entry = Mutable<StoredSession> & { ended: boolean };

function seen({ ended: _, ...stored }: Entry): StoredSession {
  return stored;
}

function shown({ ended: _, secretHash: __, previousSecretHash: ___, ...session }: Entry): Session {
  return session;
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
    return this.#entries.filter((one) => one.userId === userId && this.#living(one.id, now));
  }

  async create(session: StoredSession): Promise<boolean> {
    if (this.#entries.some((one) => one.id === session.id)) return false;
    this.#entries.push({ ...session, ended: false });
    return true;
  }

  async read(id: string, now: number): Promise<StoredSession | undefined> {
    const entry = this.#living(id, now);
    return entry && seen(entry);
  }

  async update(
    id: string,
    changes: readonly FieldChange[],
    now: number,
    expected?: number,
  ): Promise<Updated> {
    const entry = this.#living(id, now);
    if (entry === undefined) return { outcome: 'gone' };
    if (expected !== undefined && expected !== entry.revision) {
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
    return { outcome: 'ok', revision: entry.revision, fields: entry.fields };
  }

  async touch(id: string, lastSeenAt: number, idleExpiresAt: number): Promise<boolean> {
    const entry = this.#living(id, lastSeenAt);
    if (entry === undefined) return false;
    if (lastSeenAt > entry.lastSeenAt) entry.lastSeenAt = lastSeenAt;
    if (idleExpiresAt > entry.idleExpiresAt) entry.idleExpiresAt = idleExpiresAt;
    return true;
  }

  async rotate(id: string, { presentedHash, nextHash, now, graceMs }: Rotation): Promise<Rotated> {
    const entry = this.#living(id, now);
    if (entry === undefined) return { outcome: 'gone' };
    const isCurrent = presentedHash === entry.secretHash;
    const isRecent = presentedHash === entry.previousSecretHash && now - entry.rotatedAt < graceMs;
    if (!isCurrent && !isRecent) {
      entry.ended = true;
      return { outcome: 'reuse', handle: entry.handle };
    }
    entry.secretHash = nextHash;
    if (!isCurrent) return { outcome: 'absorbed', session: shown(entry) };
    entry.previousSecretHash = presentedHash;
    entry.rotatedAt = now;
    return { outcome: 'rotated', session: shown(entry) };
  }

  async revoke(id: string, _reason: string, now: number): Promise<boolean> {
    const entry = this.#living(id, now);
    if (entry) entry.ended = true;
    return entry !== undefined;
  }

  async revokeAll(userId: string, _reason: string, now: number): Promise<number> {
    const doomed = this.#livingOf(userId, now);
    for (const entry of doomed) entry.ended = true;
    return doomed.length;
  }

  async list(userId: string, now: number): Promise<Session[]> {
    return this.#livingOf(userId, now).map(shown);
  }

  async ping(): Promise<void> {}
  async [Symbol.asyncDispose](): Promise<void> {}
}
