// What the tests of stores have in common: the stores as subjects that can be opened twice, as two
// servers would, and a session as a strategy would write it.

import { randomUUID } from 'node:crypto';
import { inject } from 'vitest';
import { Credential, newHandle } from '../../src/core/credential.ts';
import type { StoredSession } from '../../src/core/session.ts';
import { cached, memory, postgres, redis } from '../../src/stores/index.ts';
import type { SessionStore } from '../../src/stores/store.ts';
import { freshDatabase } from '../support/backing.ts';

/** Patient, so that a busy machine does not look like an outage. */
const timeoutMs = 10_000;

export interface Subject {
  readonly name: string;
  /** How long a reader may still be told what another has just ended, in milliseconds; mostly 0. */
  readonly toldWithinMs: number;
  /** Opens the same sessions from two servers; where only one can see them, it comes twice. */
  openTwice(): Promise<readonly [SessionStore, SessionStore]>;
}

export const subjects: readonly Subject[] = [
  {
    name: 'memory',
    toldWithinMs: 0,
    openTwice: async () => {
      const store = await memory.open({ timeoutMs });
      return [store, store];
    },
  },
  {
    name: 'postgres',
    toldWithinMs: 0,
    openTwice: async () => {
      const options = { url: await freshDatabase(), timeoutMs };
      return Promise.all([postgres.open(options), postgres.open(options)]);
    },
  },
  ...(inject('redisUrl') === undefined
    ? []
    : Object.entries({ redis, cached }).map(([name, store]) => ({
        name,
        toldWithinMs: store.claims.revocation?.withinMs ?? 0,
        openTwice: async () => {
          const options = { url: inject('redisUrl') ?? '', timeoutMs };
          return Promise.all([store.open(options), store.open(options)]);
        },
      }))),
];

export const newUser = () => `user-${randomUUID()}`;

/** A session of ten minutes, five of them idle; its secret's hash is 'secret-0'. */
export function newSession(changes: Partial<StoredSession> = {}): StoredSession {
  const now = changes.createdAt ?? Date.now();
  const userId = changes.userId ?? newUser();
  return {
    id: Credential.issue(userId).id,
    handle: newHandle(),
    userId,
    userName: 'Åsa "Ann" O’Neil 💡',
    createdAt: now,
    lastSeenAt: now,
    authenticatedAt: now,
    rotatedAt: now,
    absoluteExpiresAt: now + 600_000,
    idleExpiresAt: now + 300_000,
    revision: 0,
    epoch: 0,
    dataVersion: 0,
    fields: {},
    secretHash: 'secret-0',
    previousSecretHash: null,
    sealedSecret: null,
    ...changes,
  };
}
