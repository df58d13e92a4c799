// A session as a Redis hash: its own properties by name, and each field of its data, as JSON, under
// the prefix `f:`. No previous secret is no entry. A tombstone has no secret, and is no session.

import type { Fields, Json, StoredSession } from '../core/session.ts';

const fieldPrefix = 'f:';

/** The record as a flat list of names and texts, as HSET takes it. */
export function encode(session: StoredSession): string[] {
  const { fields, previousSecretHash, sealedSecret, ...rest } = session;
  const previous = previousSecretHash === null ? {} : { previousSecretHash, sealedSecret };
  return [
    ...Object.entries({ ...rest, ...previous }).flatMap(([name, value]) => [name, String(value)]),
    ...Object.entries(fields).flatMap(([field, value]) => [
      fieldPrefix + field,
      JSON.stringify(value),
    ]),
  ];
}

export type RedisHash = Readonly<Record<string, string>>;

/** A hash as scripts answer it: names and texts in turn. */
export function hashOf(flat: readonly string[]): RedisHash {
  const hash: Record<string, string> = Object.create(null);
  for (let at = 0; at + 1 < flat.length; at += 2) hash[flat[at] ?? ''] = flat[at + 1] ?? '';
  return hash;
}

/** undefined for a tombstone, for nothing, and for what was never written by `encode`. */
export function decode(hash: RedisHash): StoredSession | undefined {
  if (hash.secretHash === undefined) return undefined;
  const fields: Record<string, Json> = Object.create(null);
  try {
    for (const name in hash) {
      if (!name.startsWith(fieldPrefix)) continue;
      fields[name.slice(fieldPrefix.length)] = JSON.parse(hash[name] ?? '');
    }
  } catch {
    return undefined;
  }
  return sessionFrom(hash, fields);
}

function sessionFrom(hash: RedisHash, fields: Fields): StoredSession {
  const text = (name: keyof StoredSession) => hash[name] ?? '';
  const number = (name: keyof StoredSession) => Number(hash[name]);
  return {
    id: text('id'),
    handle: text('handle'),
    userId: text('userId'),
    userName: text('userName'),
    createdAt: number('createdAt'),
    lastSeenAt: number('lastSeenAt'),
    authenticatedAt: number('authenticatedAt'),
    rotatedAt: number('rotatedAt'),
    absoluteExpiresAt: number('absoluteExpiresAt'),
    idleExpiresAt: number('idleExpiresAt'),
    revision: number('revision'),
    epoch: number('epoch'),
    dataVersion: number('dataVersion'),
    fields,
    secretHash: text('secretHash'),
    previousSecretHash: hash.previousSecretHash ?? null,
    sealedSecret: hash.sealedSecret ?? null,
  };
}
