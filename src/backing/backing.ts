// The real PostgreSQL and Redis that a run stands on. Servers named by the environment are used as
// they are; what is missing is started privately and is gone when its last owner is, however that
// one ends. Only what was started here is ended here: databases made on a server of the environment
// are dropped by an orderly end, and stay when the owner is killed.
import assert from 'node:assert/strict';
import { createDatabase, dropDatabases } from './databases.ts';
import { existingPostgres, existingRedis } from './existing.ts';
import { type Ground, groundAt } from './ground.ts';
import { lease } from './lease.ts';
import type { Want } from './protocol.ts';

export interface Backing extends AsyncDisposable {
  /** Connection URL of a maintenance database; databases of runs are made beside it. */
  readonly databaseUrl: string;
  /** undefined when no Redis was found. */
  readonly redisUrl: string | undefined;
  /** One line saying how to add Redis, when `redisUrl` is undefined. */
  readonly redisHint: string | undefined;
  /** Where they came from, for the first lines of a run: 'PostgreSQL 18 (embedded)', 'REDIS_URL'. */
  readonly origin: { readonly postgres: string; readonly redis: string | undefined };
  /** Makes a fresh database, empty or as a copy of a template without users; returns its URL. */
  createDatabase(name: string, template?: string): Promise<string>;
  /** One more private Redis, for its caller alone; undefined when this machine has none. */
  startRedis(): Promise<PrivateRedis | undefined>;
}

export interface PrivateRedis extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
}

export interface BackingOptions {
  /** Where data outlives the run; owners of one folder share its services. Default: nowhere. */
  readonly folder?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Ends the opening early; it then rejects with its reason, when nothing is left of it. */
  readonly signal?: AbortSignal | undefined;
}

const redisHint =
  'Redis is not here: run `npm run setup`, install redis-server or valkey-server, or set REDIS_URL';

/** Throws OperatingError 'backing-unavailable' saying what does not answer, and where. */
export async function openBacking(options: BackingOptions = {}): Promise<Backing> {
  const env = options.env ?? process.env;
  const named = await Promise.all([existingPostgres(env), existingRedis(env)]);
  options.signal?.throwIfAborted();
  const wants: Want[] = [];
  if (named[0] === undefined) wants.push('postgres');
  if (named[1] === undefined) wants.push('redis');
  const ground = wants.length > 0 ? groundAt(options.folder) : undefined;
  const held = ground && (await lease(ground, wants, options.signal));
  const postgres = named[0] ?? held?.services.postgres;
  assert(postgres !== undefined, 'a lease on PostgreSQL holds PostgreSQL');
  const redis = named[1] ?? held?.services.redis;
  const foreign: string[] = [];
  return {
    databaseUrl: postgres.url,
    redisUrl: redis?.url,
    redisHint: redis ? undefined : redisHint,
    origin: { postgres: postgres.origin, redis: redis?.origin },
    async createDatabase(name, template) {
      const url = await createDatabase(postgres.url, name, template);
      if (named[0] !== undefined && options.folder === undefined) foreign.push(name);
      return url;
    },
    startRedis: () => startRedis(ground ?? groundAt(undefined)),
    async [Symbol.asyncDispose]() {
      if (foreign.length > 0) await dropDatabases(postgres.url, foreign);
      await held?.[Symbol.asyncDispose]();
    },
  };
}

async function startRedis(ground: Ground): Promise<PrivateRedis | undefined> {
  const held = await lease(ground, ['own-redis']);
  const redis = held.services['own-redis'];
  if (redis === undefined) await held[Symbol.asyncDispose]();
  return redis && { ...redis, [Symbol.asyncDispose]: () => held[Symbol.asyncDispose]() };
}
