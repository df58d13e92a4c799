// Sessions in a table of PostgreSQL, for any number of servers: an ended session stays as a row
// with the reason, emptied, so that nothing in flight revives it. Changes of fields are computed by
// the database under the row's lock, never from what a server read before. Old rows are swept a few
// at a time, now and then, beside a create.

import {
  applyChanges,
  type FieldChange,
  type Json,
  type Session,
  type StoredSession,
  withoutSecrets,
} from '../core/session.ts';
import type { Kind } from './outage.ts';
import { checkChanges, checkFields } from './plain.ts';
import { type Ask, PostgresConnections } from './postgres-connections.ts';
import { makeTables } from './postgres-schema.ts';
import { statements } from './postgres-statements.ts';
import type { Rotated, Rotation, SessionStore, Store, StoreOptions, Updated } from './store.ts';

const createsPerSweep = 64;
const sweptRowsMax = 256;

type Verb = keyof typeof statements;

async function openPostgres({ url, timeoutMs }: StoreOptions): Promise<SessionStore> {
  const connectionString = url ?? 'postgresql://127.0.0.1:5432/postgres';
  await makeTables(connectionString);
  const connections = new PostgresConnections(connectionString, timeoutMs);
  let creates = 0;

  const ask = (kind: Kind, verb: Verb, values: readonly unknown[]) =>
    connections.use(kind, (to) => to(statement(verb, values)));

  return {
    async create(session) {
      checkFields(session.fields);
      const { rowCount } = await ask('write', 'create', rowOf(session));
      creates += 1;
      if (creates % createsPerSweep === 1) {
        // Nobody waits for it, and the next one makes up for one that failed.
        ask('write', 'sweep', [sweptRowsMax]).catch(() => undefined);
      }
      return rowCount === 1 ? { outcome: 'ok', ended: [] } : { outcome: 'taken' };
    },
    async read(id, now) {
      return (await ask('read', 'read', [id, now])).rows[0];
    },
    async update(id, changes, now, { expected } = {}) {
      checkChanges(changes);
      const values = [id, now, ...netOf(changes), expected ?? null];
      return connections.use('write', async (to): Promise<Updated> => {
        const { rows } = await to(statement('update', values));
        if (rows[0] !== undefined) return { outcome: 'ok', ...rows[0] };
        if (expected === undefined) return { outcome: 'gone' };
        const found = await to(statement('revision', [id, now]));
        return found.rows[0] ? { outcome: 'conflict', ...found.rows[0] } : { outcome: 'gone' };
      });
    },
    async touch(id, lastSeenAt, idleExpiresAt) {
      return (await ask('write', 'touch', [id, lastSeenAt, idleExpiresAt])).rowCount === 1;
    },
    rotate: (id, rotation) => connections.use('write', (to) => rotate(to, id, rotation)),
    async revoke(id, reason, now) {
      return (await ask('write', 'revoke', [id, now, reason])).rowCount === 1;
    },
    async revokeAll(userId, reason, now) {
      return (await ask('write', 'revokeAll', [userId, now, reason])).rowCount ?? 0;
    },
    async list(userId, now): Promise<Session[]> {
      return (await ask('read', 'list', [userId, now])).rows.map(withoutSecrets);
    },
    async ping() {
      await ask('read', 'ping', []);
    },
    [Symbol.asyncDispose]: () => connections[Symbol.asyncDispose](),
  };
}

/**
 * A secret is the current one, then the previous one (unless another refresh within the grace
 * displaced it), then an old one, and never goes back. So a statement that finds it in neither of
 * the first two places has seen an old one.
 */
async function rotate(to: Ask, id: string, rotation: Rotation): Promise<Rotated> {
  const { presentedHash, nextHash, sealedNext, now, graceMs } = rotation;
  const rotated = await to(statement('rotate', [id, now, presentedHash, nextHash, sealedNext]));
  if (rotated.rows[0]) return { outcome: 'rotated', session: withoutSecrets(rotated.rows[0]) };
  const absorbed = await to(statement('absorb', [id, now, presentedHash, graceMs]));
  const late: StoredSession | undefined = absorbed.rows[0];
  if (late?.sealedSecret) {
    const { sealedSecret } = late;
    return { outcome: 'absorbed', session: withoutSecrets(late), sealedSecret };
  }
  const { rows } = await to(statement('revoke', [id, now, 'reuse']));
  return rows[0] ? { outcome: 'reuse', handle: rows[0].handle } : { outcome: 'gone' };
}

/** Prepared once for each connection. */
function statement(verb: Verb, values: readonly unknown[]) {
  return { name: verb, text: statements[verb], values: [...values] };
}

function rowOf(session: StoredSession): unknown[] {
  return [
    ...[session.id, session.handle, session.userId, session.userName],
    ...[session.createdAt, session.lastSeenAt, session.authenticatedAt, session.rotatedAt],
    ...[session.absoluteExpiresAt, session.idleExpiresAt],
    ...[session.revision, session.epoch, session.dataVersion, JSON.stringify(session.fields)],
    ...[session.secretHash, session.previousSecretHash, session.sealedSecret],
  ];
}

/**
 * What the changes come to, for each field: its removal, its new value, or what is added to it.
 * Whatever came before the last set or removal of a field does not matter.
 */
function netOf(changes: readonly FieldChange[]): [string[], string, string[], (number | null)[]] {
  const removed: string[] = [];
  const set: [string, Json][] = [];
  const fields: string[] = [];
  const summands: (number | null)[] = [];
  for (const [field, steps = []] of Object.entries(Object.groupBy(changes, (one) => one.field))) {
    const last = steps.findLastIndex((step) => step.op !== 'increment');
    if (last >= 0) {
      const value = applyChanges({}, steps.slice(last))[field];
      if (value === undefined) removed.push(field);
      else set.push([field, value]);
    } else {
      const added = steps.flatMap((step) => (step.op === 'increment' ? step.by : []));
      fields.push(field, ...added.map(() => field));
      summands.push(null, ...added);
    }
  }
  return [removed, JSON.stringify(Object.fromEntries(set)), fields, summands];
}

const locked = 'every write is one statement under the lock of the row';

export const postgres: Store = {
  says: 'in PostgreSQL, which every server asks',
  shared: true,
  survivesRestart: true,
  claims: {
    identity: { holds: true, because: 'a row is found by its id alone and names its user' },
    durability: { holds: true, because: 'a login is committed to disk before it is acknowledged' },
    revocation: { holds: true, because: 'every request asks PostgreSQL, where the row has ended' },
    'no-resurrection': { holds: true, because: `${locked}, and ended rows stay ended` },
    'no-lost-update': { holds: true, because: `${locked}, field by field` },
    'fails-closed': { holds: true, because: 'no answer in time is an error, never "no session"' },
    convergence: { holds: true, because: 'there is one copy, and no server keeps another' },
  },
  open: openPostgres,
};
