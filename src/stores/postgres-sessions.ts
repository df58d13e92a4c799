// The sessions in a PostgreSQL: what each verb asks and what the rows mean. Changes of fields are
// computed by the database under the row's lock, never from what a server read before. Old rows are
// swept a few at a time, now and then, beside a create.

import {
  applyChanges,
  type EndReason,
  type FieldChange,
  type Json,
  type Session,
  type StoredSession,
  withoutSecrets,
} from '../core/session.ts';
import type { Kind } from './outage.ts';
import { checkChanges, checkFields } from './plain.ts';
import type { PostgresConnections } from './postgres-connections.ts';
import { statements } from './postgres-statements.ts';
import type {
  Created,
  Rotated,
  Rotation,
  SessionLimit,
  SessionStore,
  Updated,
  UpdateOptions,
} from './store.ts';

const createsPerSweep = 64;
const sweptRowsMax = 256;

type Verb = keyof typeof statements;

export class PostgresSessions implements SessionStore {
  readonly #connections: PostgresConnections;
  readonly #onUndecodable: () => void;
  #creates = 0;

  constructor(connections: PostgresConnections, onUndecodable: () => void = () => undefined) {
    this.#connections = connections;
    this.#onUndecodable = onUndecodable;
  }

  async create(session: StoredSession, limit?: SessionLimit): Promise<Created> {
    checkFields(session.fields);
    this.#sweepSometimes();
    if (limit === undefined) {
      const { rowCount } = await this.#ask('write', 'create', rowOf(session));
      return rowCount === 1 ? { outcome: 'ok', ended: [] } : { outcome: 'taken' };
    }
    const values = [...rowOf(session), limit.sessionsMax, limit.atLimit];
    const { ended, made } = (await this.#ask('write', 'createWithin', values)).rows[0];
    if (ended === null) return { outcome: 'full' };
    return made ? { outcome: 'ok', ended } : { outcome: 'taken' };
  }

  async read(id: string, now: number): Promise<StoredSession | undefined> {
    const [row] = (await this.#ask('read', 'read', [id, now])).rows;
    if (row === undefined || isObject(row.fields)) return row;
    const { rowCount } = await this.#ask('ending', 'discard', [id, now]);
    if (rowCount === 1) this.#onUndecodable();
    return undefined;
  }

  async update(
    id: string,
    changes: readonly FieldChange[],
    now: number,
    { expected, madeFor, dataVersion }: UpdateOptions = {},
  ): Promise<Updated> {
    checkChanges(changes);
    const wanted = [expected ?? null, madeFor ?? null];
    const values = [id, now, ...netOf(changes), ...wanted, dataVersion ?? null];
    return this.#connections.use('write', async (to): Promise<Updated> => {
      const { rows } = await to(statement('update', values));
      if (rows[0] !== undefined) return { outcome: 'ok', ...rows[0] };
      if ((expected ?? madeFor) === undefined) return { outcome: 'gone' };
      const found = await to(statement('revision', [id, now]));
      return found.rows[0] ? { outcome: 'conflict', ...found.rows[0] } : { outcome: 'gone' };
    });
  }

  async touch(
    id: string,
    lastSeenAt: number,
    idleExpiresAt: number,
    authenticatedAt = 0,
  ): Promise<boolean> {
    const values = [id, lastSeenAt, idleExpiresAt, authenticatedAt];
    return (await this.#ask('write', 'touch', values)).rowCount === 1;
  }

  /**
   * A secret is the current one, then the previous one, then an old one, and never goes back. So a
   * statement that finds it in neither of the first two places has seen an old one.
   */
  rotate(id: string, rotation: Rotation): Promise<Rotated> {
    const { presentedHash, nextHash, sealedNext, now, graceMs } = rotation;
    return this.#connections.use('write', async (to): Promise<Rotated> => {
      const hashes = [presentedHash, nextHash, sealedNext];
      const rotated = await to(statement('rotate', [id, now, ...hashes]));
      if (rotated.rows[0]) return { outcome: 'rotated', session: withoutSecrets(rotated.rows[0]) };
      const absorbed = await to(statement('absorb', [id, now, presentedHash, graceMs]));
      const [late]: StoredSession[] = absorbed.rows;
      if (late?.sealedSecret) {
        const { sealedSecret } = late;
        return { outcome: 'absorbed', session: withoutSecrets(late), sealedSecret };
      }
      const { rows } = await to(statement('reuse', [id, now]));
      return rows[0] ? { outcome: 'reuse', handle: rows[0].handle } : { outcome: 'gone' };
    });
  }

  async revoke(id: string, reason: EndReason, now: number): Promise<boolean> {
    const { rows } = await this.#ask('ending', 'revoke', [id, now, reason]);
    return rows[0]?.living === true;
  }

  async revokeAll(
    userId: string,
    reason: EndReason,
    now: number,
    except?: string,
  ): Promise<number> {
    const values = [userId, now, reason, except ?? null];
    const { rows } = await this.#ask('ending', 'revokeAll', values);
    return rows.filter(({ living }) => living).length;
  }

  async list(userId: string, now: number): Promise<Session[]> {
    const { rows } = await this.#ask('read', 'list', [userId, now]);
    return rows.map(withoutSecrets);
  }

  breaker() {
    return this.#connections.breaker.state;
  }

  async ping(): Promise<void> {
    await this.#ask('read', 'ping', []);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#connections[Symbol.asyncDispose]();
  }

  #ask(kind: Kind, verb: Verb, values: readonly unknown[]) {
    return this.#connections.use(kind, (to) => to(statement(verb, values)));
  }

  /** Nobody waits for a sweep, and the next one makes up for one that failed. */
  #sweepSometimes(): void {
    this.#creates += 1;
    if (this.#creates % createsPerSweep !== 1) return;
    this.#ask('write', 'sweep', [sweptRowsMax]).catch(() => undefined);
  }
}

function isObject(value: Json): boolean {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
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
