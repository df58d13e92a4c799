// The ground that all runs of one lab share: backing services, a template database in which the
// users are registered already, the key that tokens are signed with, and a folder for results.
// Opened once; each run takes from it whatever its servers share, a database or a Redis of its own,
// so that runs can go side by side. The accounts they only read.

import { randomBytes } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { openAccounts } from '../accounts/accounts.ts';
import { type Backing, openBacking } from '../backing/backing.ts';
import { programPath } from '../core/program.ts';
import type * as gateways from '../gateways/index.ts';
import { newTokenKey } from '../keys/token-key.ts';
import { type Answer, type AnswerName, answers } from '../scenarios/scenario.ts';
import * as stores from '../stores/index.ts';
import { storeTimeoutMs } from './plan.ts';
import { RedisPair } from './redis-pair.ts';
import { bundleServer } from './server-bundle.ts';
import type { Visitor } from './warm-up.ts';

export interface LabOptions {
  /** In here a folder is made for this lab, named after the time. */
  readonly folder: string;
  /** The program that is a server; another one plants a mutant. Default: src/server/main.ts. */
  readonly serverEntry?: string;
  /** Bundles the server first: takes a second, and halves what each start of a server costs. */
  readonly bundle?: boolean;
  /** A name in the registry of gateways. Default: node. */
  readonly gateway?: keyof typeof gateways;
  /** Registers `people`, too. Default: false, so that whoever plays by hand registers them. */
  readonly people?: boolean;
  /** Ends the opening early; it then rejects, when nothing is left of it. */
  readonly signal?: AbortSignal;
  /** Servers and gateway keep audit logs, in the folder `audit` of each run. Default: false. */
  readonly audit?: boolean;
}

/** What one run stands on. */
export interface Ground extends AsyncDisposable {
  /** For the history and all else that the run leaves. */
  readonly folder: string;
  /** What its servers are configured with, as far as the ground decides it. */
  readonly env: NodeJS.ProcessEnv;
  /** Where its servers share sessions; undefined when the answer shares none. */
  readonly sessionStoreUrl: string | undefined;
  /** What that address leads to, when it is a Redis and another that follows it. */
  readonly storePair: RedisPair | undefined;
}

export interface Lab extends AsyncDisposable {
  readonly folder: string;
  /** For people: what the backing services are. */
  readonly origin: string;
  /** How to get a Redis, when there is none here. */
  readonly redisHint: string | undefined;
  /** Settings that differ from production, for the header of a report. */
  readonly settings: readonly string[];
  readonly serverEntry: string;
  readonly gateway: keyof typeof gateways;
  /** The password of all users. */
  readonly password: string;
  /** A user in no plan, for whatever is off the record. */
  readonly visitor: Visitor;
  /** Of everybody who can log in. */
  userId(name: string): string | undefined;
  /** Undefined when this machine lacks what the answer needs; `redisHint` says what to do. */
  prepare(run: string, answer: AnswerName, needs?: Needs): Promise<Ground | undefined>;
}

interface Needs {
  /** A Redis must have another that follows it. */
  readonly standby?: boolean | undefined;
  /** There is a vault for files, for as long as the run. */
  readonly files?: boolean | undefined;
}

/** Users are called user1, user2 and so on; no plan has more. */
export const usersMax = 64;
/** For the page: their password is no secret, so that commands can be shown with it. */
export const people = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank'] as const;
export const peoplePassword = 'correct horse';
/** The least that Argon2id allows: the lab measures sessions, and its passwords guard nothing. */
const hashing = { memoryKib: 64, passes: 1 };

const sourceOfServer = programPath('../server/main', import.meta.url);
const bundleFolder = 'server';

interface Made {
  readonly serverEntry: string;
  readonly backing: Backing;
  readonly tokenKey: string;
}

export async function openLab(options: LabOptions): Promise<Lab> {
  const folder = join(options.folder, new Date().toISOString().replace(/[:.]/g, '-'));
  await mkdir(folder, { recursive: true });
  await using stack = new AsyncDisposableStack();
  const { signal } = options;
  const bundling = options.bundle ? bundleServer(join(folder, bundleFolder), signal) : undefined;
  const bundlingIsOver = bundling?.catch(() => undefined);
  stack.defer(async () => {
    await bundlingIsOver;
    await rm(join(folder, bundleFolder), { recursive: true, force: true });
  });
  const backing = stack.use(await openBacking({ signal }));
  const bundled = await bundling;
  signal?.throwIfAborted();
  const serverEntry = options.serverEntry ?? bundled ?? sourceOfServer;
  const tokenKey = await newTokenKey();
  const lab = new SharedGround(folder, { serverEntry, backing, tokenKey }, options);
  await lab.register(options.people ? people : []);
  stack.move();
  return lab;
}

class SharedGround implements Lab {
  readonly folder: string;
  readonly serverEntry: string;
  readonly gateway: keyof typeof gateways;
  readonly password = randomBytes(12).toString('base64url');
  readonly visitor = { username: 'visitor', password: this.password };
  readonly settings = [
    `lab setting: passwords are hashed with ${hashing.memoryKib} KiB and ${hashing.passes} pass (production: 19456 KiB, 2 passes)`,
    `lab setting: a store is out when it is silent for ${storeTimeoutMs} ms (production: 250 ms)`,
  ];
  readonly #backing: Backing;
  readonly #tokenKey: string;
  /** Tells our databases from those of other labs on the same server. */
  readonly #prefix = `sessionlab_${randomBytes(4).toString('hex')}`;
  readonly #names = new Set<string>();
  readonly #audit: boolean;
  readonly #userIds = new Map<string, string>();
  #accountsUrl = '';
  #runs = 0;

  constructor(folder: string, made: Made, { gateway = 'node', audit = false }: LabOptions) {
    const { serverEntry, backing, tokenKey } = made;
    this.folder = folder;
    this.serverEntry = serverEntry;
    this.gateway = gateway;
    this.#audit = audit;
    this.#backing = backing;
    this.#tokenKey = tokenKey;
  }

  get origin(): string {
    const { postgres, redis } = this.#backing.origin;
    return redis === undefined ? postgres : `${postgres}, ${redis}`;
  }

  get redisHint(): string | undefined {
    return this.#backing.redisHint;
  }

  /**
   * Makes the template, with all tables and users, and a copy whose accounts all runs read: only
   * what runs change must be their own.
   */
  async register(names: readonly string[]): Promise<void> {
    await this.#fillTemplate(await this.#backing.createDatabase(this.#prefix), names);
    this.#accountsUrl = await this.#backing.createDatabase(`${this.#prefix}_users`, this.#prefix);
  }

  /** Nobody stays connected to it: a database with guests cannot be copied. */
  async #fillTemplate(databaseUrl: string, names: readonly string[]): Promise<void> {
    const patience = { timeoutMs: 20_000 };
    await using accounts = await openAccounts({ databaseUrl, hashing, ...patience });
    await using _store = await stores.postgres.open({ url: databaseUrl, ...patience });
    const register = async (name: string, password: string) => {
      this.#userIds.set(name, (await accounts.register(name, password)).id);
    };
    await register(this.visitor.username, this.password);
    for (const name of names) await register(name, peoplePassword);
    for (let number = 1; number <= usersMax; number += 1) {
      await register(`user${number}`, this.password);
    }
  }

  userId(name: string): string | undefined {
    return this.#userIds.get(name);
  }

  async prepare(run: string, answer: AnswerName, needs: Needs = {}): Promise<Ground | undefined> {
    this.#runs += 1;
    const number = this.#runs;
    await using stack = new AsyncDisposableStack();
    const { strategy, store, settings = {} }: Answer = answers[answer];
    const copy = (name: string) => this.#backing.createDatabase(name, this.#prefix);
    const kept = { sessionStoreUrl: undefined, storePair: undefined };
    const services = {
      nothing: async () => kept,
      postgres: async () => ({ ...kept, sessionStoreUrl: await copy(`${this.#prefix}_${number}`) }),
      redis: () => this.#redis(stack, number, needs.standby || 'REDIS_REPLICAS' in settings),
    };
    const stands = await services[stores[store].needs]();
    if (stands.sessionStoreUrl === undefined && stores[store].shared) return undefined;
    const apart = stores[store].needs === 'redis' && settings.REVOCATIONS === 'postgres';
    const endings = apart && { REVOCATIONS_URL: await copy(`${this.#prefix}_${number}_endings`) };
    const folder = await this.#folderOf(run, number);
    const audit = this.#audit && { AUDIT_FOLDER: join(folder, 'audit'), AUDIT_FIELD: 'true' };
    const vault = needs.files && { VAULT_FOLDER: join(folder, 'vault') };
    if (vault) stack.defer(() => rm(vault.VAULT_FOLDER, { recursive: true, force: true }));
    const answered = { STRATEGY: strategy, STORE: store, ...settings, ...endings };
    const env = { ...this.#env(), ...answered, ...audit, ...vault };
    const owned = stack.move();
    return { folder, env, ...stands, [Symbol.asyncDispose]: () => owned.disposeAsync() };
  }

  async #folderOf(run: string, number: number): Promise<string> {
    const taken = this.#names.has(run);
    this.#names.add(run);
    const folder = join(this.folder, taken ? `${run}-${number}` : run);
    await mkdir(folder, { recursive: true });
    return folder;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#backing[Symbol.asyncDispose]();
    await rm(join(this.folder, bundleFolder), { recursive: true, force: true });
  }

  /**
   * A Redis for this run alone, or else a logical database in the one that there is; a pair is
   * always this run's own.
   */
  async #redis(stack: AsyncDisposableStack, number: number, pair: boolean) {
    const { redisUrl } = this.#backing;
    const start = () => this.#backing.startRedis();
    const storePair = pair ? stack.use(await RedisPair.open(start)) : undefined;
    if (pair || redisUrl === undefined) return { sessionStoreUrl: storePair?.url, storePair };
    const own = stack.use(await start());
    const shared = new URL(redisUrl);
    shared.pathname = `/${1 + (number % 15)}`;
    return { sessionStoreUrl: own?.url ?? shared.href, storePair };
  }

  #env(): NodeJS.ProcessEnv {
    return {
      ...process.env,
      NODE_OPTIONS: undefined,
      TOKEN_KEY_FILE: undefined,
      AUDIT_FOLDER: undefined,
      AUDIT_ANCHOR: undefined,
      AUDIT_KEY: undefined,
      AUDIT_KEY_FILE: undefined,
      TRANSFER_PORT: undefined,
      TRANSFER_TLS_CERT_FILE: undefined,
      TRANSFER_TLS_KEY_FILE: undefined,
      TRANSFER_ANONYMOUS: 'false',
      VAULT_FOLDER: undefined,
      PORT: '0',
      HOST: '127.0.0.1',
      LOG_LEVEL: 'warn',
      SECURE_COOKIES: 'false',
      // The gateway of a run is told before a server is stopped.
      DRAIN_MS: '0',
      // Our own services forget, as they may.
      HAZARDS: 'ignore',
      DATABASE_URL: this.#accountsUrl,
      TOKEN_KEY: this.#tokenKey,
      PASSWORD_HASH_MEMORY_KIB: String(hashing.memoryKib),
      PASSWORD_HASH_PASSES: String(hashing.passes),
      LOGIN_FAILURES_MAX: '10000',
    };
  }
}
