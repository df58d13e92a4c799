// A session as a Redis hash of few entries, as every entry costs at every read. `state` is what
// the verbs look at and change: words with spaces between them, which a script splits, and whose
// numbers stay the texts that JavaScript wrote. `who` never changes: JSON that no script reads, but
// for the user id that it opens with. `f:<name>` is one field of the session's data, as JSON. What
// ended is a hash with nothing but `ended`. A later layout takes another prefix of keys, so that
// servers of two versions never take each other's records for broken ones. Where Redis is told
// `hash-max-listpack-value 512`, it keeps all of this in one piece.

import type { Fields, Json, StoredSession } from '../core/session.ts';

/** The words of `state`, in their order; scripts know them by the same names. */
export const stateWords = [
  ...['absoluteExpiresAt', 'idleExpiresAt', 'createdAt', 'lastSeenAt', 'authenticatedAt'],
  ...['rotatedAt', 'revision', 'dataVersion', 'secretHash', 'previousSecretHash', 'sealedSecret'],
] as const satisfies readonly (keyof StoredSession)[];

const fieldPrefix = 'f:';

export type RedisHash = Readonly<Record<string, string>>;

/** The record as a flat list of names and texts, as HSET takes it. */
export function encode(session: StoredSession): string[] {
  const { userId, handle, userName, epoch, fields } = session;
  const words = stateWords.flatMap((word) => session[word] ?? []);
  const data = Object.entries(fields).flatMap(([field, value]) => [
    fieldPrefix + field,
    JSON.stringify(value),
  ]);
  return [
    'state',
    words.join(' '),
    'who',
    JSON.stringify([userId, handle, userName, epoch]),
    ...data,
  ];
}

/** How `who` begins in every session of this user, and of nobody else. */
export function whoOf(userId: string): string {
  return `[${JSON.stringify(userId)},`;
}

export function handleOf(who: string): string {
  return JSON.parse(who)[1];
}

/** A hash as scripts answer it: names and texts in turn. */
export function hashOf(flat: readonly string[]): RedisHash {
  const hash: Record<string, string> = Object.create(null);
  for (let at = 0; at + 1 < flat.length; at += 2) hash[flat[at] ?? ''] = flat[at + 1] ?? '';
  return hash;
}

/** True for what should be a session: neither nothing nor the tombstone of one. */
export function isRecord(hash: RedisHash): boolean {
  return hash.ended === undefined && Object.keys(hash).length > 0;
}

/** undefined for what is no session, and for what was never written by `encode`. */
export function decode(id: string, hash: RedisHash): StoredSession | undefined {
  if (hash.state === undefined || hash.who === undefined) return undefined;
  try {
    const session = sessionFrom(id, hash.state.split(' '), JSON.parse(hash.who), fieldsOf(hash));
    return isWhole(session) ? session : undefined;
  } catch {
    return undefined;
  }
}

function fieldsOf(hash: RedisHash): Fields {
  const fields: Record<string, Json> = Object.create(null);
  for (const name in hash) {
    if (!name.startsWith(fieldPrefix)) continue;
    fields[name.slice(fieldPrefix.length)] = JSON.parse(hash[name] ?? '');
  }
  return fields;
}

type Who = [userId: string, handle: string, userName: string, epoch: number];

/** In the order of `stateWords`. */
function sessionFrom(id: string, state: string[], who: Who, fields: Fields): StoredSession {
  return {
    id,
    handle: who[1],
    userId: who[0],
    userName: who[2],
    createdAt: Number(state[2]),
    lastSeenAt: Number(state[3]),
    authenticatedAt: Number(state[4]),
    rotatedAt: Number(state[5]),
    absoluteExpiresAt: Number(state[0]),
    idleExpiresAt: Number(state[1]),
    revision: Number(state[6]),
    epoch: who[3],
    dataVersion: Number(state[7]),
    fields,
    secretHash: state[8] ?? '',
    previousSecretHash: state[9] ?? null,
    sealedSecret: state[10] ?? null,
  };
}

function isWhole(session: StoredSession): boolean {
  const { createdAt, lastSeenAt, authenticatedAt, rotatedAt, revision, epoch } = session;
  const numbers = createdAt + lastSeenAt + authenticatedAt + rotatedAt + revision + epoch;
  const limits = session.absoluteExpiresAt + session.idleExpiresAt + session.dataVersion;
  const { userId, handle, userName, secretHash } = session;
  return (
    Number.isFinite(numbers + limits) &&
    typeof userId === 'string' &&
    typeof handle === 'string' &&
    typeof userName === 'string' &&
    secretHash !== ''
  );
}
