// Sessions in Redis, for any number of servers: a hash for each, one script for each verb that
// writes, and one HGETALL to read. The reader judges the clocks; the TTL only clears away. A user's
// sessions are indexed by a sorted set under the same hash tag, written by the same scripts, so
// that the index cannot miss one. What Redis itself forgets (a restart without persistence, a
// failover that was not replicated yet) is forgotten here too.

import { userTag, userTagChars } from '../core/credential.ts';
import { expiresAt, withoutSecrets } from '../core/session.ts';
import { checkChanges, checkFields } from './plain.ts';
import { RedisConnection } from './redis-connection.ts';
import { decode, encode, hashOf } from './redis-record.ts';
import type { Rotated, SessionStore, Store, StoreOptions, Updated } from './store.ts';

/** How much longer than its session a key lives, so that no server's clock finds it too early. */
const ttlSlackMs = 60_000;

const keyPrefix = (tag: string) => `sessionlab:session:{${tag}}:`;
const indexOf = (tag: string) => `sessionlab:index:{${tag}}`;
const tagOf = (id: string) => id.slice(0, userTagChars);
const keyOf = (id: string) => keyPrefix(tagOf(id)) + id;
const keysOf = (id: string) => [keyOf(id), indexOf(tagOf(id))];

async function openRedis({ url, timeoutMs, replicas }: StoreOptions): Promise<SessionStore> {
  const redis = await RedisConnection.open(url ?? 'redis://127.0.0.1:6379', timeoutMs, replicas);

  async function list(userId: string, now: number) {
    const tag = userTag(userId);
    const records = (await redis.ask('read', indexOf(tag), (to) =>
      to.listSessions([indexOf(tag)], [keyPrefix(tag), userId]),
    )) as string[][];
    return records
      .flatMap((record) => decode(hashOf(record)) ?? [])
      .filter((session) => now < expiresAt(session))
      .sort((one, other) => one.createdAt - other.createdAt)
      .map(withoutSecrets);
  }

  return {
    async create(session) {
      checkFields(session.fields);
      const { id, absoluteExpiresAt, createdAt } = session;
      const ttlMs = Math.max(0, Math.ceil(absoluteExpiresAt - createdAt)) + ttlSlackMs;
      const head = [keyPrefix(tagOf(id)), id, String(absoluteExpiresAt), String(ttlMs)];
      const args = [...head, ...encode(session)];
      return (await redis.ask('write', keyOf(id), (to) => to.createSession(keysOf(id), args))) === 1
        ? { outcome: 'ok', ended: [] }
        : { outcome: 'taken' };
    },
    async read(id, now) {
      const record = await redis.ask('read', keyOf(id), (to) => to.hGetAll(keyOf(id)));
      const session = decode(record);
      return session !== undefined && now < expiresAt(session) ? session : undefined;
    },
    async update(id, changes, now, { expected } = {}) {
      checkChanges(changes);
      const steps = changes.flatMap((change) => {
        if (change.op === 'set') return [change.op, change.field, JSON.stringify(change.value)];
        return [change.op, change.field, change.op === 'increment' ? String(change.by) : ''];
      });
      const args = [String(now), String(expected ?? ''), ...steps];
      const reply = await redis.ask('write', keyOf(id), (to) => to.updateSession([keyOf(id)], args));
      return updatedFrom(reply as Reply);
    },
    async touch(id, lastSeenAt, idleExpiresAt) {
      const args = [String(lastSeenAt), String(idleExpiresAt)];
      return (await redis.ask('write', keyOf(id), (to) => to.touchSession([keyOf(id)], args))) === 1;
    },
    async rotate(id, { now, presentedHash, nextHash, sealedNext, graceMs }) {
      const args = [id, String(now), presentedHash, nextHash, sealedNext, String(graceMs)];
      const reply = await redis.ask('write', keyOf(id), (to) => to.rotateSession(keysOf(id), args));
      return rotatedFrom(reply as Reply);
    },
    async revoke(id, reason, now) {
      const args = [id, String(now), reason];
      return (await redis.ask('ending', keyOf(id), (to) => to.revokeSession(keysOf(id), args))) === 1;
    },
    async revokeAll(userId, reason, now) {
      const tag = userTag(userId);
      const args = [keyPrefix(tag), userId, String(now), reason];
      return Number(await redis.ask('ending', indexOf(tag), (to) => to.revokeSessions([indexOf(tag)], args)));
    },
    list,
    breaker: () => redis.breaker,
    async ping() {
      await redis.ping();
    },
    async [Symbol.asyncDispose]() {
      redis[Symbol.dispose]();
    },
  };
}

/** What a script answers: a word, and then the record or one value. */
type Reply = readonly [outcome: string, detail?: string | readonly string[]];

function updatedFrom([outcome, detail]: Reply): Updated {
  if (outcome === 'conflict') return { outcome, revision: Number(detail) };
  const session = outcome === 'ok' && Array.isArray(detail) ? decode(hashOf(detail)) : undefined;
  if (session === undefined) return { outcome: 'gone' };
  return { outcome: 'ok', revision: session.revision, fields: session.fields };
}

function rotatedFrom([outcome, detail]: Reply): Rotated {
  if (outcome === 'reuse') return { outcome, handle: String(detail) };
  const session = Array.isArray(detail) ? decode(hashOf(detail)) : undefined;
  if (session === undefined || (outcome !== 'rotated' && outcome !== 'absorbed')) {
    return { outcome: 'gone' };
  }
  if (outcome === 'rotated') return { outcome, session: withoutSecrets(session) };
  const { sealedSecret } = session;
  if (sealedSecret === null) return { outcome: 'gone' };
  return { outcome, session: withoutSecrets(session), sealedSecret };
}

const scripted = 'every write is one script, which looks at the session and changes it in one step';

export const redis: Store = {
  says: 'in Redis, which every server asks',
  shared: true,
  survivesRestart: true,
  claims: {
    identity: { holds: true, because: 'a record is found by its id alone and names its user' },
    durability: { holds: true, because: 'every server reads the same Redis, while Redis keeps it' },
    revocation: { holds: true, because: 'every request asks Redis, where the session has ended' },
    'no-resurrection': { holds: true, because: `${scripted}, and only create creates` },
    'no-lost-update': { holds: true, because: `${scripted}, field by field` },
    'fails-closed': { holds: true, because: 'no answer in time is an error, never "no session"' },
    convergence: { holds: true, because: 'there is one copy, and no server keeps another' },
  },
  open: openRedis,
};
