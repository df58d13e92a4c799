// A server that has no accounts (ACCOUNTS=none): users log in at another one, and this one knows
// them by their credential. Which routes it has depends on whether it can reach the sessions.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { ConfigError, type Environment, readConfig } from '../../src/server/config.ts';
import {
  answers,
  type Client,
  clientAt,
  clientOf,
  environment,
  password,
  type Replica,
  startApp,
  startReplica,
  type TestServer,
} from './ground.ts';

const main = '../../src/server/main.ts';
const [token] = answers;
const onAccounts = [
  ['POST', '/register'],
  ['POST', '/login'],
  ['POST', '/step-up'],
  ['POST', '/password'],
  ['PUT', '/email'],
  ['GET', '/admin/users/alice/sessions'],
  ['POST', '/admin/users/alice/disable'],
  ['DELETE', '/admin/sessions'],
] as const;
const onSessions = [
  ['POST', '/refresh'],
  ['POST', '/logout'],
  ['POST', '/logout-everywhere'],
  ['GET', '/sessions'],
  ['GET', '/events'],
] as const;

let issuer: TestServer;
let stateless: Replica;
let alice: Client;

beforeAll(async () => {
  const env = await environment(token);
  issuer = await startApp(token, env);
  const { DATABASE_URL: _database, REDIS_URL: _redis, ...rest } = env;
  stateless = await startReplica(main, { ...rest, STORE: 'memory', ACCOUNTS: 'none' });
  alice = clientOf(issuer.app);
  await alice.ask('POST', '/register', { username: 'alice', password });
  await alice.logIn('alice');
});

afterAll(async () => {
  await stateless[Symbol.asyncDispose]();
  await issuer[Symbol.asyncDispose]();
});

function atStateless(): Client {
  const same = clientAt(stateless.url);
  same.credential = alice.credential;
  return same;
}

test('a server without accounts and without a database knows whom another one has let in', async () => {
  const there = atStateless();
  expect((await there.ask('GET', '/dashboard')).body.username).toBe('alice');
  expect((await there.ask('POST', '/cart/items', { item: 'tea', quantity: 2 })).status).toBe(200);
  expect(there.credential).not.toEqual(alice.credential);
  expect((await there.ask('GET', '/cart')).body.items).toEqual({ tea: 2 });
  alice.credential = there.credential;
  expect((await alice.ask('GET', '/cart')).body.items).toEqual({ tea: 2 });
  expect((await clientAt(stateless.url).ask('GET', '/dashboard')).status).toBe(401);
});

test('it has no route that needs accounts, and says nothing of them', async () => {
  const there = atStateless();
  for (const [method, path] of [...onAccounts, ...onSessions]) {
    const { status, body } = await there.ask(method, path, method === 'GET' ? undefined : {});
    expect([path, status, body.code]).toEqual([path, 404, 'not-found']);
  }
  const { status, body } = await there.ask('GET', '/health');
  expect([status, body]).toEqual([200, { status: 'ok', parts: { store: 'ok' } }]);
});

test('a logout where the sessions are ends the renewal of a token', async () => {
  const bob = clientOf(issuer.app);
  await bob.ask('POST', '/register', { username: 'bob', password });
  await bob.logIn('bob');
  const { refreshToken } = bob;
  expect((await bob.ask('POST', '/logout')).status).toBe(204);
  expect((await bob.ask('POST', '/refresh', { refreshToken })).status).toBe(401);
});

test('with a store that it shares it ends sessions that began elsewhere', async () => {
  const shared = { strategy: 'session', store: 'redis' } as const;
  const env = await environment(shared);
  await using door = await startApp(shared, env);
  await using room = await startApp(shared, { ...env, DATABASE_URL: undefined, ACCOUNTS: 'none' });
  const carol = clientOf(door.app);
  await carol.ask('POST', '/register', { username: 'carol', password });
  await carol.logIn('carol');
  const there = clientOf(room.app);
  there.credential = carol.credential;
  expect((await there.ask('POST', '/refresh')).status).toBe(200);
  const held = there.credential;
  expect((await there.ask('GET', '/sessions')).body.sessions).toHaveLength(1);
  expect((await there.ask('POST', '/login', { username: 'carol', password })).status).toBe(404);
  expect((await there.ask('POST', '/logout')).status).toBe(204);
  carol.credential = held;
  expect((await carol.ask('GET', '/dashboard')).status).toBe(401);
});

test('a server at which nobody could ever be known does not start', () => {
  const nobody: Environment = { STRATEGY: 'session', STORE: 'memory', ACCOUNTS: 'none' };
  expect(() => readConfig(nobody)).toThrow(ConfigError);
  expect(() => readConfig(nobody)).toThrow(/^STORE: memory holds no session that began elsewhere/);
  expect(readConfig({ ...nobody, ACCOUNTS: undefined }).accounts).toBe('postgres');
});
