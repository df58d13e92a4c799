// Sessions in the memory of one process: the fastest store, and the one that only its own server
// can read. Records are immutable values that a write replaces whole, so that a read copies nothing.
// Every create sweeps a few old entries, which keeps the garbage bounded without any timer. Nothing
// here survives the process, nor reaches another one.

import {
  applyChanges,
  type EndReason,
  expiresAt,
  type Fields,
  type StoredSession,
} from '../core/session.ts';
import { checkChanges, checkFields, withoutSecrets } from './plain.ts';
import type { Rotated, Rotation, SessionStore, Store } from './store.ts';

/** More than one, so that the sweep overtakes the growth. */
const sweptPerCreate = 4;

interface Tombstone {
  readonly absoluteExpiresAt: number;
  readonly revokedAt: number;
  readonly reason: EndReason;
}

function openMemory(): SessionStore {
  const living = new Map<string, StoredSession>();
  const ended = new Map<string, Tombstone>();
  const idsByUser = new Map<string, Set<string>>();
  const sweep = sweeping();
  sweep.next(0);

  function alive(id: string, now: number): StoredSession | undefined {
    const session = living.get(id);
    return session !== undefined && now < expiresAt(session) ? session : undefined;
  }

  function forget({ id, userId }: StoredSession): void {
    living.delete(id);
    const ids = idsByUser.get(userId);
    ids?.delete(id);
    if (ids?.size === 0) idsByUser.delete(userId);
  }

  function end(session: StoredSession, reason: EndReason, now: number): void {
    forget(session);
    const { absoluteExpiresAt } = session;
    ended.set(session.id, { absoluteExpiresAt, revokedAt: now, reason });
  }

  function aliveOf(userId: string, now: number): StoredSession[] {
    return [...(idsByUser.get(userId) ?? [])].flatMap((id) => alive(id, now) ?? []);
  }

  /** Looks at one entry each time it is resumed, round and round. */
  function* sweeping(): Generator<void, never, number> {
    let now = yield;
    for (;;) {
      for (const session of living.values()) {
        if (now >= session.absoluteExpiresAt) forget(session);
        now = yield;
      }
      for (const [id, tombstone] of ended) {
        if (now >= tombstone.absoluteExpiresAt) ended.delete(id);
        now = yield;
      }
      now = yield;
    }
  }

  return {
    async create(session) {
      checkFields(session.fields);
      for (let step = 0; step < sweptPerCreate; step += 1) sweep.next(session.createdAt);
      const { id, userId } = session;
      if (living.has(id) || ended.has(id)) return false;
      living.set(id, { ...session, fields: owned(session.fields) });
      const ids = idsByUser.get(userId);
      if (ids === undefined) idsByUser.set(userId, new Set([id]));
      else ids.add(id);
      return true;
    },
    async read(id, now) {
      return alive(id, now);
    },
    async update(id, changes, now, expected) {
      checkChanges(changes);
      const session = alive(id, now);
      if (session === undefined) return { outcome: 'gone' };
      if (expected !== undefined && expected !== session.revision) {
        return { outcome: 'conflict', revision: session.revision };
      }
      const revision = session.revision + 1;
      const fields = applyChanges(session.fields, owned(changes));
      living.set(id, { ...session, revision, fields });
      return { outcome: 'ok', revision, fields };
    },
    async touch(id, lastSeenAt, idleExpiresAt) {
      const session = alive(id, lastSeenAt);
      if (session === undefined) return false;
      living.set(id, {
        ...session,
        lastSeenAt: Math.max(session.lastSeenAt, lastSeenAt),
        idleExpiresAt: Math.max(session.idleExpiresAt, idleExpiresAt),
      });
      return true;
    },
    async rotate(id, rotation) {
      const session = alive(id, rotation.now);
      if (session === undefined) return { outcome: 'gone' };
      const [rotated, next] = rotate(session, rotation);
      if (next === undefined) end(session, 'reuse', rotation.now);
      else living.set(id, next);
      return rotated;
    },
    async revoke(id, reason, now) {
      const session = alive(id, now);
      if (session === undefined) return false;
      end(session, reason, now);
      return true;
    },
    async revokeAll(userId, reason, now) {
      const sessions = aliveOf(userId, now);
      for (const session of sessions) end(session, reason, now);
      return sessions.length;
    },
    async list(userId, now) {
      return aliveOf(userId, now)
        .sort((one, other) => one.createdAt - other.createdAt)
        .map(withoutSecrets);
    },
    async ping() {},
    async [Symbol.asyncDispose]() {},
  };
}

/** The outcome and the record after it; no record when the session must end. */
function rotate(session: StoredSession, rotation: Rotation): [Rotated, StoredSession?] {
  const { presentedHash, nextHash: secretHash, now, graceMs } = rotation;
  if (presentedHash === session.secretHash) {
    const next = { ...session, secretHash, previousSecretHash: presentedHash, rotatedAt: now };
    return [{ outcome: 'rotated', session: withoutSecrets(next) }, next];
  }
  if (presentedHash === session.previousSecretHash && now < session.rotatedAt + graceMs) {
    const next = { ...session, secretHash };
    return [{ outcome: 'absorbed', session: withoutSecrets(next) }, next];
  }
  return [{ outcome: 'reuse', handle: session.handle }];
}

/** A copy that the caller cannot change behind our back, as if it had been written and read. */
function owned<T extends Fields | readonly unknown[]>(data: T): T {
  return JSON.parse(JSON.stringify(data));
}

export const memory: Store = {
  says: 'in the memory of the server that made them',
  shared: false,
  survivesRestart: false,
  claims: {
    identity: { holds: true, because: 'an id that another server issued is found by none' },
    durability: {
      holds: false,
      because: 'other servers do not see the session, and a restart forgets it',
    },
    revocation: { holds: true, because: 'only the server that forgets the session ever knew it' },
    'no-resurrection': {
      holds: false,
      because: 'other servers refuse a session that its own server accepts',
    },
    'no-lost-update': { holds: false, because: 'a restart forgets every change' },
    'fails-closed': { holds: true, because: 'the store is there whenever its server is' },
    convergence: { holds: false, because: 'one server knows the session and others never will' },
  },
  open: async () => openMemory(),
};
