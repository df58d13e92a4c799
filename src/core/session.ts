// What a server remembers about one login. A session is a record with an identity, four clocks, a
// revision and named fields. Fields are changed one by one, never as a whole, so that two requests
// that change different fields cannot undo each other; two that add to the same counter both count.

export type Json =
  | string
  | number
  | boolean
  | null
  | readonly Json[]
  | { readonly [k: string]: Json };

export type Fields = { readonly [field: string]: Json };

/** How one field changes. What happens when two changes meet is part of the change itself. */
export type FieldChange =
  /** The last writer wins. */
  | { readonly op: 'set'; readonly field: string; readonly value: Json }
  /** Both writers count. A field that is missing or no number counts as 0. */
  | { readonly op: 'increment'; readonly field: string; readonly by: number }
  | { readonly op: 'remove'; readonly field: string };

/** Milliseconds since the Unix epoch. */
export interface SessionClocks {
  /** Starts the absolute limit. */
  readonly createdAt: number;
  /** Starts the idle limit; written at most once per `touchIntervalMs`. */
  readonly lastSeenAt: number;
  /** When the user last proved who they are (freshness, step-up). */
  readonly authenticatedAt: number;
  /** When the secret last changed. */
  readonly rotatedAt: number;
}

export interface Session extends SessionClocks {
  readonly id: string;
  /** Names the session in lists, logs and the audit; opens nothing. */
  readonly handle: string;
  readonly userId: string;
  /** What to call the user without asking the accounts. */
  readonly userName: string;
  /** When the absolute limit strikes. */
  readonly absoluteExpiresAt: number;
  /** When the idle limit strikes, unless the session is touched before. */
  readonly idleExpiresAt: number;
  /** Grows by one with every update. */
  readonly revision: number;
  /** The user's epoch when this one began: ending all sessions of the user raises it. */
  readonly epoch: number;
  /** Which version of the application's session schema the fields are of. */
  readonly dataVersion: number;
  readonly fields: Fields;
}

/** A session with what only stores and strategies may see. */
export interface StoredSession extends Session {
  readonly secretHash: string;
  /** The secret before the last rotation, absorbed for `rotationGraceMs` after `rotatedAt`. */
  readonly previousSecretHash: string | null;
  /**
   * The current secret, sealed with the one before it: who comes late with that one (a lost reply,
   * a second tab) is given the same successor, and nobody else can open it. Null before a rotation.
   */
  readonly sealedSecret: string | null;
}

/**
 * What others than stores and strategies may see. Named one by one: it is made at every request.
 */
export function withoutSecrets(stored: StoredSession): Session {
  return {
    id: stored.id,
    handle: stored.handle,
    userId: stored.userId,
    userName: stored.userName,
    createdAt: stored.createdAt,
    lastSeenAt: stored.lastSeenAt,
    authenticatedAt: stored.authenticatedAt,
    rotatedAt: stored.rotatedAt,
    absoluteExpiresAt: stored.absoluteExpiresAt,
    idleExpiresAt: stored.idleExpiresAt,
    revision: stored.revision,
    epoch: stored.epoch,
    dataVersion: stored.dataVersion,
    fields: stored.fields,
  };
}

/** Why a session ended. */
export type EndReason =
  | 'logout'
  | 'logout-everywhere'
  | 'ended-by-user'
  | 'ended-by-admin'
  | 'account-disabled'
  | 'password-changed'
  | 'session-limit'
  | 'replaced'
  | 'reuse'
  | 'unrecorded';

/** When the session ends if nothing touches it. The reader checks this; a store's TTL only sweeps. */
export function expiresAt(session: Pick<Session, 'absoluteExpiresAt' | 'idleExpiresAt'>): number {
  return Math.min(session.absoluteExpiresAt, session.idleExpiresAt);
}

/** The fields after the changes, in order. Without a prototype, so that any name is only a name. */
export function applyChanges(fields: Fields, changes: readonly FieldChange[]): Fields {
  const after: Record<string, Json> = Object.assign(Object.create(null), fields);
  for (const change of changes) {
    if (change.op === 'set') after[change.field] = change.value;
    else if (change.op === 'remove') delete after[change.field];
    else {
      const before = after[change.field];
      after[change.field] = (typeof before === 'number' ? before : 0) + change.by;
    }
  }
  return after;
}
