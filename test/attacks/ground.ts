// What the attacks are made on: for each strategy, and for each way to it, two replicas on real
// PostgreSQL and Redis, on ports of their own, behind a gateway process or reached past it. The
// replicas live in this process, so that their security events and the questions to their store can
// be counted. A victim is logged in from the beginning; the attacker has accounts too, and whatever
// a server of another strategy would have issued with the same keys on the same store.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PassThrough } from 'node:stream';
import { createClient } from '@redis/client';
import { inject } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { lifetimes } from '../../src/core/limits.ts';
import type { Noticed } from '../../src/core/security-event.ts';
import { type Session, withoutSecrets } from '../../src/core/session.ts';
import * as gateways from '../../src/gateways/index.ts';
import type { SigningKey } from '../../src/keys/key-ring.ts';
import { canSign, newTokenKey, readTokenKey } from '../../src/keys/token-key.ts';
import { memory as memoryLog } from '../../src/revocations/memory.ts';
import { type Environment, readConfig } from '../../src/server/config.ts';
import { Meter } from '../../src/server/meter.ts';
import type { App } from '../../src/server/parts.ts';
import {
  closeParts,
  openAccounts,
  openRecognition,
  openStore,
  strategyOptions,
} from '../../src/server/serve.ts';
import { buildServer } from '../../src/server/server.ts';
import { sessionData } from '../../src/server/session-data.ts';
import type { SessionStore } from '../../src/stores/store.ts';
import { accessTokens } from '../../src/strategies/access-token.ts';
import * as strategies from '../../src/strategies/index.ts';
import { newLogin } from '../../src/strategies/login.ts';
import { SealedSessions } from '../../src/strategies/sealed-session.ts';
import { newSealingKeys } from '../../src/strategies/sealing.ts';
import type { Issue, StrategyOptions } from '../../src/strategies/strategy.ts';
import { type Answer, ask } from '../gateways/asking.ts';
import { answers, Client, environment, password, type TestAnswer } from '../server/ground.ts';
import type { Event, StrategyName, Way } from './attack.ts';
import { type Loot, lootOf } from './forge.ts';

export { password };
/** Wrong passwords for one account from one network. */
export const failuresMax = 3;
export const cookieName = '__Host-session';
export const sessionsMax = 5;

export type Headers = Record<string, string | string[]>;

export interface Sent {
  readonly headers?: Headers;
  readonly body?: unknown;
  /** The attacker's address. */
  readonly from?: string;
  /** Which replica, where they are reached past the gateway. */
  readonly at?: number;
}

interface Replica extends AsyncDisposable {
  readonly url: string;
  readonly app: App;
  readonly options: StrategyOptions;
}

/** What servers of each strategy issue to one user. */
export interface Issued {
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly sessionCredential: string;
  readonly sealedCookie: string;
}

export class Ground implements AsyncDisposable {
  readonly strategy: StrategyName;
  readonly way: Way;
  readonly #stack = new AsyncDisposableStack();
  readonly #events = new Map<string, Event[]>();
  readonly #bodies = new Map<string, unknown>();
  #log = '';
  #turn = 0;
  #people = 0;
  #addresses = 0;
  /** How often the stores of the replicas were asked. */
  storeCalls = 0;
  /** How often somebody followed a URL of the attacker. */
  outbound = 0;
  replicas: readonly Replica[] = [];
  databaseUrl = '';
  loot!: Loot;
  issued!: Issued;
  /** For another login. */
  issueAnew!: () => Promise<Issued>;
  victim!: Client;
  #gateway: string | undefined;

  private constructor(strategy: StrategyName, way: Way) {
    this.strategy = strategy;
    this.way = way;
  }

  static async open(strategy: StrategyName, way: Way): Promise<Ground> {
    const ground = new Ground(strategy, way);
    await ground.#open();
    return ground;
  }

  /** Is a token what this strategy recognises? */
  get takesTokens(): boolean {
    return this.strategy.startsWith('token');
  }

  /** Through the gateway, or to one replica after the other. */
  async ask(method: string, path: string, sent: Sent = {}): Promise<Answer> {
    const { headers, body, from, at } = sent;
    this.#turn += 1;
    const replica = this.replicas[(at ?? this.#turn) % this.replicas.length];
    const json = body === undefined ? {} : { 'content-type': 'application/json' };
    return ask((this.#gateway ?? replica?.url) + path, {
      method,
      fields: { ...json, ...headers },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      ...(from !== undefined && { localAddress: from }),
    });
  }

  /** A question so large that the gateway may cut the connection before its answer is read. */
  async askTooMuch(method: string, path: string, sent: Sent): Promise<Answer> {
    return this.ask(method, path, sent).catch((cause: unknown) => {
      if (this.way === 'direct') throw cause;
      return { status: 431, fields: {}, body: '' };
    });
  }

  /** The same question to every replica. */
  everywhere(method: string, path: string, sent: Sent = {}): Promise<Answer[]> {
    return Promise.all(this.replicas.map((_, at) => this.ask(method, path, { ...sent, at })));
  }

  /** The text where this strategy looks for a credential. */
  present(text: string): Headers {
    return this.takesTokens
      ? { authorization: `Bearer ${text}` }
      : { cookie: `${cookieName}=${text}` };
  }

  client(): Client {
    return new Client(async (method, path, body, headers) =>
      testAnswer(await this.ask(method, path, { body, headers: { ...headers } })),
    );
  }

  /** Registered, and logged in. */
  async newcomer(): Promise<Client & { readonly username: string }> {
    const username = await this.registered();
    const client = this.client();
    await client.logIn(username);
    return Object.assign(client, { username });
  }

  /** The name of a new user. */
  async registered(secret = password): Promise<string> {
    const username = this.freshName();
    const { status } = await this.register(username, secret);
    if (status !== 201) throw new Error(`${username} could not be registered: ${status}`);
    return username;
  }

  /** From a new address, so that it is slowed down by no other. */
  register(username: string, secret: string): Promise<Answer> {
    const body = { username, password: secret };
    return this.ask('POST', '/register', { body, from: this.freshAddress() });
  }

  freshName(): string {
    this.#people += 1;
    return `person-${this.#people}`;
  }

  /** An address from which nobody has come yet. */
  freshAddress(): string {
    this.#addresses += 1;
    return `127.0.${1 + (this.#addresses >> 7)}.${1 + (this.#addresses & 127)}`;
  }

  /** Header fields with a session that began, was used and ends as said, in this strategy's form. */
  async worn(clocks: Partial<Session>, others: Partial<StrategyOptions> = {}): Promise<Headers> {
    const [replica] = this.replicas as [Replica];
    const options = { ...replica.options, ...others };
    const now = systemClock.now();
    const terms = { epoch: 0, dataVersion: sessionData.version };
    const user = { id: crypto.randomUUID(), name: 'worn' };
    const { credential, record } = newLogin(user, now, options.lifetimes, terms);
    const session = { ...record, ...clocks };
    if (this.takesTokens) {
      const { lastSeenAt } = session;
      return this.present(accessTokens(options).write(withoutSecrets(session), lastSeenAt));
    }
    if (this.strategy === 'sealed-cookie') {
      return this.present(new SealedSessions(options).write(withoutSecrets(session)));
    }
    await options.store.create(session);
    return this.present(credential.reveal());
  }

  /** What must not have changed: how the victim fares on every replica. */
  async stateOfVictim(): Promise<unknown> {
    const headers = this.victim.credential;
    const pages = ['/dashboard', '/sessions', '/cart'];
    const all = await Promise.all(pages.map((page) => this.everywhere('GET', page, { headers })));
    return all.flat().map(({ status, body }) => {
      const { servedBy: _, requestId: __, sessions, ...rest } = JSON.parse(body);
      const handles = sessions?.map(({ handle }: { handle: string }) => handle);
      return { status, ...rest, handles };
    });
  }

  eventsOf({ fields }: Answer): readonly Event[] {
    return this.#events.get(String(fields['x-request-id'])) ?? [];
  }

  /** The body that came first with this outcome; the gateway’s own problems have another type. */
  sameBody(outcome: string, body: unknown): unknown {
    if (!this.#bodies.has(outcome)) this.#bodies.set(outcome, body);
    return this.#bodies.get(outcome);
  }

  /** Writes into Redis behind the back of the servers. */
  async inRedis(...commands: readonly string[][]): Promise<void> {
    const client = createClient({ url: inject('redisUrl') ?? '' });
    await client.connect();
    for (const command of commands) await client.sendCommand(command);
    client.destroy();
  }

  logged(): string {
    return this.#log;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }

  async #open(): Promise<void> {
    const keys = await Promise.all((['EdDSA', 'ES256', 'HS256'] as const).map(newTokenKey));
    const settings: Environment = {
      ...(await environment(answers[2])),
      STRATEGY: this.strategy,
      STORE: this.strategy === 'sealed-cookie' ? 'memory' : 'redis',
      TOKEN_KEY: `{"keys":[${keys}]}`,
      SEALING_KEYS: newSealingKeys(),
      SECURE_COOKIES: 'true',
      STORE_TIMEOUT_MS: '1000',
      SESSIONS_MAX: String(sessionsMax),
      LOGIN_FAILURES_MAX: String(failuresMax),
      PASSWORD_HASH_MEMORY_KIB: '3072',
      ...(this.way === 'gateway' && { TRUST_PROXY: '127.0.0.1' }),
    };
    this.databaseUrl = settings.DATABASE_URL ?? '';
    this.replicas = await Promise.all(
      ['s1', 's2'].map((name) => this.#startReplica({ ...settings, REPLICA: name })),
    );
    for (const replica of this.replicas) this.#stack.use(replica);
    if (this.way === 'gateway') {
      const upstreams = this.replicas.map(({ url }, at) => ({ name: `s${at + 1}`, url }));
      const gateway = this.#stack.use(
        await gateways.node.start({
          groups: [{ name: 'servers', policy: 'round-robin', upstreams }],
          routes: [{ path: '/', group: 'servers' }],
          listen: { port: 0 },
          seed: 'attacks',
          answerTimeoutMs: 20_000,
        }),
      );
      this.#gateway = gateway.url;
    }
    const trap = await this.#listen();
    const [ed, ec, hmac] = await Promise.all(keys.map(signingKey));
    const retired = await signingKey(await newTokenKey());
    const [{ options }] = this.replicas as [Replica];
    const tools = { ...options, keys: ringOf([ed, ec, hmac] as SigningKey[]) };
    this.issueAnew = () => issueByAll(tools);
    this.issued = await this.issueAnew();
    const found = { token: this.issued.accessToken, ed, ec, hmac, retired, trap };
    this.loot = lootOf(found as Parameters<typeof lootOf>[0]);
    this.victim = await this.newcomer();
    await this.victim.ask('POST', '/cart/items', { item: 'apple', quantity: 7 });
  }

  async #startReplica(settings: Environment): Promise<Replica> {
    const config = readConfig(settings);
    const meter = new Meter();
    const [opened, accounts] = await Promise.all([openStore(config, meter), openAccounts(config)]);
    const store = this.#counted(opened);
    const recognition = await openRecognition(config, store);
    const parts = { config, store, accounts, meter, ...recognition };
    const logTo = new PassThrough().on('data', (line: Buffer) => {
      this.#log += line;
    });
    const app = buildServer(parts, { logTo, decorate: (each) => this.#listenIn(each) });
    const url = await app.listen({ port: 0, host: '127.0.0.1' });
    return {
      url,
      app,
      options: strategyOptions(config, { ...parts, store: opened }),
      async [Symbol.asyncDispose]() {
        await app.close();
        await closeParts(parts);
      },
    };
  }

  /** Every event as it is noticed, before those of one kind are gathered. */
  #listenIn(app: App): void {
    const { securityEvent } = app;
    const noted: App['securityEvent'] = (noticed, request) => {
      const event = [noticed.kind, noticed.reason].filter(Boolean).join(' ') as Noticed['kind'];
      const id = String(request?.id);
      this.#events.set(id, [...(this.#events.get(id) ?? []), event]);
      return securityEvent(noticed, request);
    };
    Object.assign(app, { securityEvent: noted });
  }

  #counted(store: SessionStore): SessionStore {
    const count = () => {
      this.storeCalls += 1;
    };
    return new Proxy(store, {
      get(target, name) {
        const verb: unknown = Reflect.get(target, name);
        if (typeof verb !== 'function' || name === 'ping' || name === 'breaker') return verb;
        return (...args: unknown[]) => {
          count();
          return verb.apply(target, args);
        };
      },
    });
  }

  /** Where the URLs of the attacker lead. */
  async #listen(): Promise<string> {
    const trap = createServer((_, response) => response.end());
    trap.on('connection', () => {
      this.outbound += 1;
    });
    await new Promise<void>((resolve) => trap.listen(0, '127.0.0.1', resolve));
    this.#stack.defer(() => void trap.close());
    return `http://127.0.0.1:${(trap.address() as AddressInfo).port}`;
  }
}

async function signingKey(jwk: string): Promise<SigningKey> {
  const key = await readTokenKey(JSON.parse(jwk));
  if (!canSign(key)) throw new Error('the key cannot sign');
  return key;
}

function ringOf(keys: readonly SigningKey[]): NonNullable<StrategyOptions['keys']> {
  return {
    signing: () => keys[0] as SigningKey,
    verifying: (id) => keys.find((key) => key.id === id),
    mayExist: () => false,
    generation: 0,
    jwks: () => ({ keys: [] }),
    [Symbol.asyncDispose]: async () => undefined,
  };
}

/** One login with a server of each strategy, on the store and with the keys of this one. */
async function issueByAll(options: StrategyOptions): Promise<Issued> {
  const user = { id: crypto.randomUUID(), name: 'mallory' };
  const { revocations: _, ...own } = options;
  const revocations = await memoryLog.open({ timeoutMs: 1_000, stalenessMs: 1_000 });
  const given = { ...own, revocations, lifetimes: { ...lifetimes, ...own.lifetimes } };
  const begin = async (name: StrategyName) => (await strategies[name].start(given)).begin(user, {});
  const token = await begin('token');
  return {
    accessToken: String(token.body.accessToken),
    refreshToken: String(token.body.refreshToken),
    sessionCredential: cookieIn(await begin('session')),
    sealedCookie: cookieIn(await begin('sealed-cookie')),
  };
}

function cookieIn({ headers }: Issue): string {
  const [, field = ''] = headers.find(([name]) => name === 'set-cookie') ?? [];
  return field.slice(field.indexOf('=') + 1, field.indexOf(';'));
}

function testAnswer({ status, fields, body }: Answer): TestAnswer {
  const [cookie] = fields['set-cookie'] ?? [];
  const all = Object.entries(fields).map(([name, value]) => [name, String(value)]);
  return {
    status,
    headers: { ...Object.fromEntries(all), ...(cookie && { 'set-cookie': cookie }) },
    body: fields['content-type']?.includes('json') ? JSON.parse(body) : body,
  };
}
