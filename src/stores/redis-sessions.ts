// The sessions in a Redis: what each verb sends and what the reply means. A script decides, so
// nothing is decided here but what a record says; the reader judges the clocks, and the TTL only
// clears away. A user's sessions are indexed by a sorted set under the same hash tag, written by
// the same scripts, so that the index cannot miss one.

import { userTag, userTagChars } from '../core/credential.ts';
import {
  type EndReason,
  expiresAt,
  type FieldChange,
  type Session,
  type StoredSession,
  withoutSecrets,
} from '../core/session.ts';
import { checkChanges, checkFields } from './plain.ts';
import type { RedisConnection } from './redis-connection.ts';
import {
  decode,
  encode,
  handleOf,
  hashOf,
  isRecord,
  type RedisHash,
  whoOf,
} from './redis-record.ts';
import type {
  Created,
  Rotated,
  Rotation,
  SessionLimit,
  SessionStore,
  Updated,
  UpdateOptions,
} from './store.ts';

/** How much longer than its session a key lives, so that no server's clock finds it too early. */
const ttlSlackMs = 60_000;

/** Every session's key begins with this, and ends with ':' and the session's id. */
export const sessionKeys = 'sessionlab:session:';

const keyPrefix = (tag: string) => `${sessionKeys}{${tag}}:`;
const indexOf = (tag: string) => `sessionlab:index:{${tag}}`;
const tagOf = (id: string) => id.slice(0, userTagChars);
const keyOf = (id: string) => keyPrefix(tagOf(id)) + id;
const keysOf = (id: string) => [keyOf(id), indexOf(tagOf(id))];

/** What a script answers: a word, and then what belongs to it. */
type Reply<Detail> = readonly [outcome: string, detail?: Detail];

export class RedisSessions implements SessionStore {
  readonly #redis: RedisConnection;
  readonly #onUndecodable: () => void;

  constructor(redis: RedisConnection, onUndecodable: () => void = () => undefined) {
    this.#redis = redis;
    this.#onUndecodable = onUndecodable;
  }

  async create(session: StoredSession, limit?: SessionLimit): Promise<Created> {
    checkFields(session.fields);
    const args = creation(session, limit);
    const reply = await this.#redis.ask('write', keyOf(session.id), (to) =>
      to.createSession(keysOf(session.id), args),
    );
    const [outcome, ended] = reply as Reply<readonly string[]>;
    if (ended?.length) await this.#settle(session.id);
    if (ended !== undefined) return { outcome: 'ok', ended };
    return { outcome: outcome === 'full' ? 'full' : 'taken' };
  }

  async read(id: string, now: number): Promise<StoredSession | undefined> {
    const key = keyOf(id);
    // Not by the library's method, whose layers cost more than the reply.
    const record = await this.#redis.ask('read', key, (to) =>
      to.sendCommand<RedisHash>(['HGETALL', key]),
    );
    const session = decode(id, record);
    if (session === undefined) return this.#discard(id, record, now);
    return now < expiresAt(session) ? session : undefined;
  }

  async update(
    id: string,
    changes: readonly FieldChange[],
    now: number,
    { expected, madeFor, dataVersion }: UpdateOptions = {},
  ): Promise<Updated> {
    checkChanges(changes);
    const steps = changes.flatMap((change) => {
      if (change.op === 'set') return [change.op, change.field, JSON.stringify(change.value)];
      return [change.op, change.field, change.op === 'increment' ? String(change.by) : ''];
    });
    const options = [expected, madeFor, dataVersion].map((each) => String(each ?? ''));
    const args = [String(now), ...options, ...steps];
    const reply = await this.#redis.ask('write', keyOf(id), (to) =>
      to.updateSession([keyOf(id)], args),
    );
    const [outcome, detail] = reply as Reply<string | readonly string[]>;
    if (outcome === 'conflict') return { outcome, revision: Number(detail) };
    const session = await this.#sessionIn(id, detail, now);
    if (session === undefined) return { outcome: 'gone' };
    return { outcome: 'ok', revision: session.revision, fields: session.fields };
  }

  async touch(
    id: string,
    lastSeenAt: number,
    idleExpiresAt: number,
    authenticatedAt = 0,
  ): Promise<boolean> {
    const args = [lastSeenAt, idleExpiresAt, authenticatedAt].map(String);
    const touched = await this.#redis.ask('write', keyOf(id), (to) =>
      to.touchSession([keyOf(id)], args),
    );
    return touched === 1;
  }

  async rotate(id: string, rotation: Rotation): Promise<Rotated> {
    const { now, presentedHash, nextHash, sealedNext, graceMs } = rotation;
    const args = [id, String(now), presentedHash, nextHash, sealedNext, String(graceMs)];
    const reply = await this.#redis.ask('write', keyOf(id), (to) =>
      to.rotateSession(keysOf(id), args),
    );
    const [outcome, detail] = reply as Reply<string | readonly string[]>;
    // It has ended, now or before; but perhaps not yet as surely as an ending must.
    if (outcome === 'reuse' || outcome === 'gone') await this.#settle(id);
    if (outcome === 'reuse') return { outcome, handle: handleOf(String(detail)) };
    const stored = await this.#sessionIn(id, detail, now);
    if (stored === undefined) return { outcome: 'gone' };
    const session = withoutSecrets(stored);
    if (outcome === 'rotated') return { outcome, session };
    return { outcome: 'absorbed', session, sealedSecret: stored.sealedSecret ?? '' };
  }

  async revoke(id: string, reason: EndReason, now: number): Promise<boolean> {
    const [, wasLiving] = await this.#end(id, reason, now);
    return wasLiving === 1;
  }

  async revokeAll(userId: string, reason: EndReason, now: number, except = ''): Promise<number> {
    const index = indexOf(userTag(userId));
    const args = [keyPrefix(userTag(userId)), whoOf(userId), String(now), reason, except];
    return Number(await this.#redis.ask('ending', index, (to) => to.revokeSessions([index], args)));
  }

  async list(userId: string, now: number): Promise<Session[]> {
    const index = indexOf(userTag(userId));
    const args = [keyPrefix(userTag(userId)), whoOf(userId), String(now)];
    const reply = await this.#redis.ask('read', index, (to) => to.listSessions([index], args));
    const found = reply as readonly (readonly [id: string, record: readonly string[]])[];
    return found.flatMap(([id, record]) => decode(id, hashOf(record)) ?? []).map(withoutSecrets);
  }

  breaker() {
    return this.#redis.breaker;
  }

  async ping(): Promise<void> {
    await this.#redis.ping();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#redis[Symbol.dispose]();
  }

  async #sessionIn(id: string, detail: string | readonly string[] = [], now: number) {
    const record = hashOf(typeof detail === 'string' ? [] : detail);
    return decode(id, record) ?? this.#discard(id, record, now);
  }

  /** Ends what should be a session and cannot be decoded, lest every request meet it again. */
  async #discard(id: string, record: RedisHash, now: number): Promise<undefined> {
    if (!isRecord(record)) return;
    const [ended] = await this.#end(id, 'undecodable', now);
    if (ended === 1) this.#onUndecodable();
  }

  async #end(id: string, reason: EndReason | 'undecodable', now: number) {
    const args = [id, String(now), reason];
    const reply = await this.#redis.ask('ending', keyOf(id), (to) =>
      to.revokeSession(keysOf(id), args),
    );
    return reply as readonly [ended: number, wasLiving: number];
  }

  /** Makes what has ended as durable as an ending must be: nothing is sent, and then waited for. */
  async #settle(id: string): Promise<void> {
    await this.#redis.ask('ending', keyOf(id), async () => undefined);
  }
}

function creation(session: StoredSession, limit: SessionLimit | undefined): string[] {
  const { id, userId, createdAt, absoluteExpiresAt } = session;
  const ttlMs = Math.max(0, Math.ceil(absoluteExpiresAt - createdAt)) + ttlSlackMs;
  return [
    ...[keyPrefix(tagOf(id)), id, whoOf(userId), String(createdAt)],
    ...[String(absoluteExpiresAt), String(ttlMs)],
    ...[String(limit?.sessionsMax ?? ''), limit?.atLimit ?? ''],
    ...encode(session),
  ];
}
