// What the tests of the server stand on: the application over a real store and real accounts, with
// its log captured; and the server as a process of its own.

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import type { InjectOptions } from 'fastify';
import { inject, test } from 'vitest';
import { newTokenKey } from '../../src/keys/token-key.ts';
import { type Environment, readConfig } from '../../src/server/config.ts';
import { Meter } from '../../src/server/meter.ts';
import type { App, Parts } from '../../src/server/parts.ts';
import {
  closeParts,
  openAccountsIfAny,
  openRecognition,
  openStore,
} from '../../src/server/serve.ts';
import { buildServer } from '../../src/server/server.ts';
import { newSealingKeys } from '../../src/strategies/sealing.ts';
import { freshDatabase } from '../support/backing.ts';
import { type Answer, answers, areListed } from './answers.ts';

export { type Answer, answers, areListed };

/** A law about the sessions of a user as a list. */
export function testListed(answer: Answer, law: string, shows: () => Promise<void>): void {
  if (areListed(answer)) test(law, shows);
}

export const password = 'canary-password-4711';
const tokenKey = await newTokenKey();
const sealingKeys = newSealingKeys();

/** The environment of a test server, which hashes passwords cheaply. */
export async function environment(answer: Answer): Promise<Environment> {
  return {
    PATH: process.env.PATH,
    NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
    PORT: '0',
    STRATEGY: answer.strategy,
    STORE: answer.store,
    DATABASE_URL: await freshDatabase(),
    REDIS_URL: inject('redisUrl'),
    TOKEN_KEY: tokenKey,
    SEALING_KEYS: sealingKeys,
    SECURE_COOKIES: 'false',
    STORE_TIMEOUT_MS: '10000',
    PASSWORD_HASH_MEMORY_KIB: '64',
    PASSWORD_HASH_PASSES: '1',
    LOGIN_FAILURES_MAX: '10000',
    DRAIN_MS: '0',
    HAZARDS: 'ignore',
    LOG_LEVEL: 'debug',
  };
}

export interface TestServer extends AsyncDisposable {
  readonly app: App;
  readonly databaseUrl: string;
  /** All that was logged so far. */
  logged(): string;
}

/** The application as the replica puts it together; nothing listens. */
export async function startApp(
  answer: Answer,
  changes: Environment = {},
  more: Pick<Parts, 'audit' | 'vault'> = {},
): Promise<TestServer> {
  const config = readConfig({ ...(await environment(answer)), ...changes });
  const meter = new Meter();
  const [store, accounts] = await Promise.all([
    openStore(config, meter),
    openAccountsIfAny(config),
  ]);
  const recognition = await openRecognition(config, store);
  const parts = { config, store, meter, ...(accounts && { accounts }), ...recognition, ...more };
  const lines: string[] = [];
  const logTo = new PassThrough().on('data', (chunk: Buffer) => lines.push(chunk.toString()));
  const app = buildServer(parts, { logTo });
  await app.ready();
  return {
    app,
    databaseUrl: config.databaseUrl ?? '',
    logged: () => lines.join(''),
    async [Symbol.asyncDispose]() {
      await app.close();
      await closeParts(parts);
    },
  };
}

export interface TestAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  // biome-ignore lint/suspicious/noExplicitAny: bodies are looked into by the assertions
  readonly body: any;
}

export type Send = (
  method: string,
  path: string,
  body?: unknown,
  headers?: object,
) => Promise<TestAnswer>;

/** A client that keeps what it is given, as a browser keeps cookies and an app keeps tokens. */
export class Client {
  readonly #send: Send;
  credential: Record<string, string> = {};
  refreshToken: string | undefined;

  constructor(send: Send) {
    this.#send = send;
  }

  async ask(method: string, path: string, body?: unknown): Promise<TestAnswer> {
    const answer = await this.#send(method, path, body, this.credential);
    const cookie = answer.headers['set-cookie']?.split(';')[0];
    const renewed = /access_token="([^"]+)"/.exec(answer.headers['authentication-info'] ?? '');
    const token: unknown = answer.body?.accessToken ?? renewed?.[1];
    if (cookie !== undefined) this.credential = { cookie };
    if (typeof token === 'string') this.credential = { authorization: `Bearer ${token}` };
    this.refreshToken = answer.body?.refreshToken ?? this.refreshToken;
    return answer;
  }

  async logIn(username: string): Promise<TestAnswer> {
    return this.ask('POST', '/login', { username, password });
  }

  /** The same client, with what it holds now. */
  copy(): Client {
    const copy = new Client(this.#send);
    copy.credential = this.credential;
    copy.refreshToken = this.refreshToken;
    return copy;
  }
}

export function clientOf(app: App): Client {
  return new Client(async (method, path, payload, headers) => {
    const options = { method, url: path, headers, ...(payload !== undefined && { payload }) };
    const reply = await app.inject(options as InjectOptions);
    const json = String(reply.headers['content-type']).includes('json');
    const all = Object.entries(reply.headers).map(([name, value]) => [name, String(value)]);
    return {
      status: reply.statusCode,
      headers: Object.fromEntries(all),
      body: json ? reply.json() : reply.body,
    };
  });
}

export function clientAt(url: string): Client {
  return new Client(async (method, path, body, headers) => {
    const json = body === undefined ? {} : { 'content-type': 'application/json' };
    const reply = await fetch(url + path, {
      method,
      headers: { ...json, ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await reply.text();
    const isJson = reply.headers.get('content-type')?.includes('json') ?? false;
    // Of several the first is the session's.
    const [cookie] = reply.headers.getSetCookie();
    const all = { ...Object.fromEntries(reply.headers), ...(cookie && { 'set-cookie': cookie }) };
    return { status: reply.status, headers: all, body: isJson ? JSON.parse(text) : text };
  });
}

export interface Replica extends AsyncDisposable {
  readonly url: string;
  /** Of the port for the transfer of files; 0 where there is none. */
  readonly transferPort: number;
  readonly child: ChildProcess;
  output(): string;
  /** Resolves when the process has ended; null for an end by a signal. */
  readonly ended: Promise<number | null>;
}

interface Ready {
  readonly url: string;
  readonly transferUrl?: string;
}

/** A server process, as the lab starts it; `entry` is relative to this folder. */
export async function startReplica(entry: string, env: Environment): Promise<Replica> {
  const file = new URL(entry, import.meta.url);
  const child = fork(file, [], { env, execArgv: [], stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
  let output = '';
  const read = [child.stdout, child.stderr].map(async (stream) => {
    for await (const chunk of stream ?? []) output += chunk;
  });
  const ended = once(child, 'exit').then(async ([code]: (number | null)[]) => {
    await Promise.all(read);
    return code ?? null;
  });
  const message = once(child, 'message').then(([first]: Ready[]) => first);
  const first = await Promise.race([message, ended]);
  if (first === null || typeof first !== 'object') throw new Error(`no server: ${output}`);
  return {
    url: first.url,
    transferPort: first.transferUrl ? Number(new URL(first.transferUrl).port) : 0,
    child,
    output: () => output,
    ended,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}
