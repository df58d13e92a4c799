// A session as a Redis hash: its own properties by name, and each field of its data, as JSON, under
// the prefix `f:`. No previous secret is no entry. A tombstone has no secret, and is no session.

import type { Fields, Json, StoredSession } from '../core/session.ts';

const fieldPrefix = 'f:';

/** The record as a flat list of names and texts, as HSET takes it. */
export function encode({ fields, previousSecretHash, ...rest }: StoredSession): string[] {
  const previous = previousSecretHash === null ? {} : { previousSecretHash };
  return [
    ...Object.entries({ ...rest, ...previous }).flatMap(([name, value]) => [name, String(value)]),
    ...Object.entries(fields).flatMap(([field, value]) => [
      fieldPrefix + field,
      JSON.stringify(value),
    ]),
  ];
}

/** undefined for a tombstone, for nothing, and for what was never written by `encode`. */
export function decode(record: readonly string[]): StoredSession | undefined {
  const texts = new Map<string, string>();
  const fields: [string, Json][] = [];
  try {
    for (let at = 0; at + 1 < record.length; at += 2) {
      const [name = '', text = ''] = [record[at], record[at + 1]];
      if (name.startsWith(fieldPrefix)) {
        fields.push([name.slice(fieldPrefix.length), JSON.parse(text)]);
      } else texts.set(name, text);
    }
  } catch {
    return undefined;
  }
  return texts.has('secretHash') ? sessionFrom(texts, Object.fromEntries(fields)) : undefined;
}

function sessionFrom(texts: ReadonlyMap<string, string>, fields: Fields): StoredSession {
  const text = (name: keyof StoredSession) => texts.get(name) ?? '';
  const number = (name: keyof StoredSession) => Number(texts.get(name));
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
    fields,
    secretHash: text('secretHash'),
    previousSecretHash: texts.get('previousSecretHash') ?? null,
  };
}
