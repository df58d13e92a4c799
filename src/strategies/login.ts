// What both strategies keep in the store and do with it in the same way: the record of a login, and
// the list in which users see and end their own logins. How a client proves that a login is its
// own is not here; that is where the strategies differ.

import assert from 'node:assert/strict';
import { Credential, newHandle } from '../core/credential.ts';
import { OperatingError } from '../core/errors.ts';
import { type Lifetimes, limits } from '../core/limits.ts';
import {
  applyChanges,
  expiresAt,
  type FieldChange,
  type Fields,
  type Session,
  type StoredSession,
} from '../core/session.ts';
import type { SessionStore } from '../stores/store.ts';
import type { SessionSummary } from './strategy.ts';

/** A session that begins now, with an id that no client had a say in (fixation, ASVS 7.2.4). */
export async function beginLogin(
  store: SessionStore,
  user: { readonly id: string; readonly name: string },
  now: number,
  lifetimes: Lifetimes,
): Promise<{ readonly credential: Credential; readonly record: StoredSession }> {
  const credential = Credential.issue(user.id);
  const record: StoredSession = {
    id: credential.id,
    handle: newHandle(),
    userId: user.id,
    userName: user.name,
    createdAt: now,
    lastSeenAt: now,
    authenticatedAt: now,
    rotatedAt: now,
    absoluteExpiresAt: now + lifetimes.absoluteMs,
    idleExpiresAt: now + lifetimes.idleMs,
    revision: 0,
    epoch: 0,
    dataVersion: 0,
    fields: {},
    secretHash: credential.secretHash,
    previousSecretHash: null,
    sealedSecret: null,
  };
  const { outcome } = await store.create(record);
  assert(outcome === 'ok', 'an id with 144 random bits is new');
  return { credential, record };
}

/**
 * The fields after the changes, if a session may be so large. They are counted on the session as
 * this request saw it: requests that overlap can pass the limit by as many fields as they add.
 *
 * @throws OperatingError `session-too-large`
 */
export function changed(fields: Fields, changes: readonly FieldChange[]): Fields {
  for (const change of changes) {
    if (change.field.length > limits.fieldNameCharsMax) throw tooLarge('a field name is too long');
    if (change.op !== 'set') continue;
    if (Buffer.byteLength(JSON.stringify(change.value)) > limits.fieldValueBytesMax) {
      throw tooLarge('the value of a field is too large');
    }
  }
  const after = applyChanges(fields, changes);
  if (Object.keys(after).length > limits.fieldsMax) throw tooLarge('there are too many fields');
  return after;
}

export function tooLarge(detail: string): OperatingError {
  return new OperatingError('session-too-large', { detail });
}

/** For a second step after a write: when it fails, the whole is half done, and nobody knows. */
export async function afterWrite<T>(step: Promise<T>): Promise<T> {
  try {
    return await step;
  } catch (cause) {
    if (!(cause instanceof OperatingError)) throw cause;
    throw new OperatingError('store-outcome-unknown', { cause });
  }
}

/** The user's logins, as their owner sees them, oldest first. */
export async function listLogins(
  store: SessionStore,
  { userId }: Session,
  now: number,
): Promise<readonly SessionSummary[]> {
  const sessions = await store.list(userId, now);
  return sessions.map((session) => ({
    handle: session.handle,
    createdAt: session.createdAt,
    lastSeenAt: session.lastSeenAt,
    expiresAt: expiresAt(session),
  }));
}

/** Ends the login of this handle if it is the user's own. */
export async function endLogin(
  store: SessionStore,
  { userId }: Session,
  handle: string,
  now: number,
): Promise<boolean> {
  const sessions = await store.list(userId, now);
  const wanted = sessions.find((session) => session.handle === handle);
  return wanted !== undefined && (await store.revoke(wanted.id, 'ended-by-user', now));
}
