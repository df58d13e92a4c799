// Logging in against somebody who guesses: one answer for every reason, in about one time; slower
// and slower for the one who guesses, on all servers, whatever the request claims about its origin;
// and never a lock-out for the user.

import type { InjectOptions } from 'fastify';
import { expect, onTestFinished, test, vi } from 'vitest';
import { PostgresAccounts } from '../../src/accounts/postgres-accounts.ts';
import { withClient } from '../../src/backing/databases.ts';
import type { Environment } from '../../src/server/config.ts';
import { freshDatabase } from '../support/backing.ts';
import { answers, clientOf, password, startApp, type TestServer } from './ground.ts';

const wrong = 'not-the-password-4711';

async function start(changes: Environment = {}): Promise<TestServer> {
  const server = await startApp(answers[1], changes);
  onTestFinished(() => server[Symbol.asyncDispose]());
  return server;
}

interface From {
  readonly remoteAddress?: string;
  readonly headers?: Record<string, string>;
}

async function logIn({ app }: TestServer, username: string, secret: string, from: From = {}) {
  const payload = { username, password: secret };
  const reply = await app.inject({
    method: 'POST',
    url: '/login',
    payload,
    ...from,
  } as InjectOptions);
  return { status: reply.statusCode, headers: reply.headers, body: reply.json() };
}

async function register({ app }: TestServer, ...names: readonly string[]): Promise<void> {
  for (const username of names) {
    expect((await clientOf(app).ask('POST', '/register', { username, password })).status).toBe(201);
  }
}

const disable = (server: TestServer, name: string) =>
  withClient(server.databaseUrl, (client) =>
    client.query('UPDATE users SET disabled_at = now() WHERE name = $1', [name]),
  );

test('unknown, wrong and disabled are one answer, and the log knows which it was', async () => {
  const server = await start();
  await register(server, 'alice', 'dora');
  await disable(server, 'dora');
  const said = [
    await logIn(server, 'nobody', password),
    await logIn(server, 'alice', wrong),
    await logIn(server, 'dora', password),
    await logIn(server, 'dora', wrong),
    await logIn(server, '\u200b', password),
    await logIn(server, 'alice', 'short'),
  ].map(({ status, headers, body }) => {
    const { 'x-request-id': _, date: __, 'content-length': ___, ...fields } = headers;
    return { status, fields, body: { ...body, requestId: '' } };
  });
  expect(said[0]).toMatchObject({ status: 401, body: { code: 'wrong-credentials' } });
  for (const each of said) expect(each).toEqual(said[0]);
  for (const reason of ['unknown-user', 'wrong-password', 'account-disabled']) {
    expect(server.logged()).toContain(`"reason":"${reason}"`);
  }
});

test('unknown, wrong and disabled take about the same time', async () => {
  const server = await start({ PASSWORD_HASH_MEMORY_KIB: '8192', PASSWORD_HASH_PASSES: '2' });
  await register(server, 'alice', 'dora');
  await disable(server, 'dora');
  const timesOf: Record<string, number[]> = { alice: [], nobody: [], dora: [] };
  for (let round = 0; round < 15; round += 1) {
    for (const [name, times] of Object.entries(timesOf)) {
      const begun = performance.now();
      expect((await logIn(server, name, wrong)).status).toBe(401);
      times.push(performance.now() - begun);
    }
  }
  const medians = Object.values(timesOf).map((times) => times.sort((a, b) => a - b)[7] ?? 0);
  expect(Math.max(...medians) / Math.min(...medians)).toBeLessThan(2);
});

test('too many attempts are one answer, for names that exist and that do not', async () => {
  const server = await start({ LOGIN_FAILURES_MAX: '2' });
  await register(server, 'alice');
  for (const name of ['alice', 'nobody']) {
    for (let time = 0; time < 2; time += 1) {
      expect((await logIn(server, name, wrong)).status).toBe(401);
    }
    const { status, headers, body } = await logIn(server, name, password);
    expect([status, body.code]).toEqual([429, 'too-many-attempts']);
    expect(Number(headers['retry-after'])).toBeGreaterThan(60);
    expect(body.detail).toBe('Too many attempts; wait');
  }
});

test('who guesses on one server is known to the others', async () => {
  const shared = { DATABASE_URL: await freshDatabase(), LOGIN_FAILURES_MAX: '4' };
  const servers = [await start(shared), await start(shared), await start(shared)];
  const all = await Promise.all(
    Array.from({ length: 30 }, (_, n) => logIn(servers[n % 3] as TestServer, 'alice', wrong)),
  );
  expect(all.filter(({ status }) => status === 401)).toHaveLength(4);
  expect(all.filter(({ status }) => status === 429)).toHaveLength(26);
});

test('what a request claims about its origin counts only from a proxy that is trusted', async () => {
  const server = await start({ LOGIN_FAILURES_MAX: '2', TRUST_PROXY: '10.1.0.0/16' });
  const claim = (address: string) => ({
    'x-forwarded-for': address,
    forwarded: `for=${address}`,
    'x-real-ip': address,
  });
  const said = async (name: string, remoteAddress: string, claimed: (n: number) => string) => {
    const all: number[] = [];
    for (let n = 0; n < 4; n += 1) {
      const from = { remoteAddress, headers: claim(claimed(n)) };
      all.push((await logIn(server, name, wrong, from)).status);
    }
    return all;
  };
  const changing = (n: number) => `192.0.2.${n}`;
  expect(await said('alice', '203.0.113.9', changing)).toEqual([401, 401, 429, 429]);
  expect(await said('bob', '10.1.2.3', changing)).toEqual([401, 401, 401, 401]);
  // A client of the proxy that puts an address of its own choice before the one the proxy saw.
  const forged = (n: number) => `198.51.100.${n}, 192.0.2.7`;
  expect(await said('carol', '10.1.2.3', forged)).toEqual([401, 401, 429, 429]);
});

test('strangers who guess from everywhere do not lock the user’s own device out', async () => {
  const server = await start({ LOGIN_FAILURES_MAX: '1' });
  await register(server, 'alice');
  const home = { remoteAddress: '192.0.2.1' };
  const first = await logIn(server, 'alice', password, home);
  const cookies = [first.headers['set-cookie'] ?? []].flat();
  const device = cookies.find((cookie) => cookie.startsWith('device='));
  expect(device).toMatch(/; Max-Age=34560000; HttpOnly; SameSite=Strict$/);
  for (let n = 1; n < 12; n += 1) {
    await logIn(server, 'alice', wrong, { remoteAddress: `192.0.2.${n}` });
  }
  const cookie = device?.split(';')[0] ?? '';
  expect((await logIn(server, 'alice', password, home)).status).toBe(429);
  const known = { ...home, headers: { cookie: `a=b; ${cookie}; c=d` } };
  const again = await logIn(server, 'alice', password, known);
  expect(again.status).toBe(200);
  // It has what it needs, and the session's cookie is the only new one.
  expect([again.headers['set-cookie']].flat()).toHaveLength(1);
  expect((await logIn(server, 'alice', wrong, known)).status).toBe(401);
  expect((await logIn(server, 'alice', password, known)).status).toBe(429);
});

test('who guesses from within a session is slowed down as well', async () => {
  const server = await start({ LOGIN_FAILURES_MAX: '2' });
  await register(server, 'alice');
  const me = clientOf(server.app);
  await me.logIn('alice');
  const guess = async () => (await me.ask('POST', '/step-up', { password: wrong })).status;
  expect([await guess(), await guess(), await guess()]).toEqual([401, 401, 429]);
  const changed = await me.ask('POST', '/password', { password, newPassword: 'a new one 4711' });
  expect(changed.status).toBe(429);
  expect((await me.ask('GET', '/dashboard')).status).toBe(200);
});

test('many more logins than can be hashed are refused at once, and none is lost', async () => {
  const server = await start({ PASSWORD_HASH_MEMORY_KIB: '4096' });
  await register(server, 'alice');
  const all = await Promise.all(
    Array.from({ length: 200 }, () => logIn(server, 'alice', password)),
  );
  const counts = (status: number) => all.filter((each) => each.status === status).length;
  expect(counts(200)).toBeGreaterThanOrEqual(34);
  expect(counts(200) + counts(429)).toBe(200);
  for (const { status, body } of all) if (status === 429) expect(body.code).toBe('overloaded');
  expect((await logIn(server, 'alice', password)).status).toBe(200);
});

test('while one network logs in more often than can be hashed, users elsewhere log in', async () => {
  const server = await start({ PASSWORD_HASH_MEMORY_KIB: '19456' });
  await register(server, 'alice', 'mallory');
  const times = async (count: number, name: string, remoteAddress: string) => {
    const all = Array.from({ length: count }, () =>
      logIn(server, name, password, { remoteAddress }),
    );
    return (await Promise.all(all)).map(({ status }) => status);
  };
  const [crowd, logins] = await Promise.all([
    times(200, 'mallory', '192.0.2.1'),
    times(10, 'alice', '192.0.2.2'),
  ]);
  expect(logins).toEqual(Array(10).fill(200));
  expect(new Set(crowd)).toEqual(new Set([200, 429]));
});

test('while more register than can be hashed, users log in', async () => {
  const server = await start({ PASSWORD_HASH_MEMORY_KIB: '4096' });
  await register(server, 'alice');
  const crowd = Array.from({ length: 200 }, (_, n) =>
    clientOf(server.app).ask('POST', '/register', { username: `user ${n}`, password }),
  );
  const logins = await Promise.all(
    Array.from({ length: 10 }, () => logIn(server, 'alice', password)),
  );
  expect(logins.map(({ status }) => status)).toEqual(Array(10).fill(200));
  const counts = new Set((await Promise.all(crowd)).map(({ status }) => status));
  expect(counts).toEqual(new Set([201, 429]));
});

test.each(answers)(
  'a login overtaken by a change of password ends itself and not who changed it, $strategy $store',
  async (answer) => {
    await using server = await startApp(answer);
    await register(server, 'alice');
    const me = clientOf(server.app);
    await me.logIn('alice');
    const { changeSince } = PostgresAccounts.prototype;
    const asked = vi.spyOn(PostgresAccounts.prototype, 'changeSince');
    onTestFinished(() => asked.mockRestore());
    asked.mockImplementationOnce(async function (this: PostgresAccounts, user) {
      const body = { password, newPassword: 'a new one 4711' };
      expect((await me.ask('POST', '/password', body)).status).toBe(200);
      return changeSince.call(this, user);
    });
    expect((await logIn(server, 'alice', password)).status).toBe(401);
    const { status, body } = await me.ask('GET', '/sessions');
    expect([status, body.sessions]).toEqual([200, [expect.objectContaining({ current: true })]]);
    if (me.refreshToken) {
      const renewed = await me.ask('POST', '/refresh', { refreshToken: me.refreshToken });
      expect(renewed.status).toBe(200);
    }
  },
);

test('an old credential at a step-up is noted, and ends what is open for its session', async () => {
  const server = await start({ ROTATION_GRACE_MS: '0' });
  await register(server, 'alice');
  const me = clientOf(server.app);
  await me.logIn('alice');
  const [thief, ended] = [me.copy(), vi.spyOn(server.app.sessionWatch, 'ended')];
  const { verify } = PostgresAccounts.prototype;
  const asked = vi.spyOn(PostgresAccounts.prototype, 'verify');
  onTestFinished(() => asked.mockRestore());
  asked.mockImplementationOnce(async function (this: PostgresAccounts, ...args) {
    expect((await me.ask('POST', '/refresh')).status).toBe(200);
    return verify.apply(this, args);
  });
  const { status, body } = await thief.ask('POST', '/step-up', { password });
  expect([status, body.code]).toEqual([401, 'session-ended']);
  expect(server.logged()).toContain('"kind":"reuse-detected"');
  expect(ended).toHaveBeenCalledWith({ handle: expect.any(String) });
  expect((await me.ask('GET', '/dashboard')).status).toBe(401);
});

test('a change of password whose endings fail says what to do now, and it helps', async () => {
  const server = await start({ REVOCATIONS: 'postgres', STORE_TIMEOUT_MS: '1000' });
  await register(server, 'alice');
  const [me, other] = [clientOf(server.app), clientOf(server.app)];
  for (const each of [me, other]) await each.logIn('alice');
  const newPassword = 'a new one 4711';
  const change = () => me.ask('POST', '/password', { password, newPassword });
  const failed = await withClient(server.databaseUrl, async (client) => {
    await client.query('begin; lock table endings in access exclusive mode');
    const answer = await change();
    await client.query('rollback');
    return answer;
  });
  expect([failed.status, failed.body.code]).toEqual([503, 'revocation-not-durable']);
  expect(failed.body.detail).toMatch(/password is changed.*\/step-up.*\/logout-everywhere/);
  expect((await change()).status).toBe(401);
  const stepUp = () => me.ask('POST', '/step-up', { password: newPassword });
  await expect.poll(async () => (await stepUp()).status).toBe(200);
  expect((await me.ask('POST', '/logout-everywhere')).status).toBe(204);
  expect((await other.ask('GET', '/dashboard')).status).toBe(401);
});

test('nobody gives oneself a role, or logs in with what was never registered', async () => {
  const server = await start();
  const me = clientOf(server.app);
  for (const more of [{ role: 'admin' }, { admin: true }, { id: '1' }, { generation: 7 }]) {
    const body = { username: 'eve', password, ...more };
    expect((await me.ask('POST', '/register', body)).status).toBe(400);
  }
  for (const name of ['admin', 'root', 'administrator', 'test', 'guest', 'postgres']) {
    for (const secret of [name, 'password', 'changeme', 'admin123']) {
      expect((await logIn(server, name, secret)).status).toBe(401);
    }
  }
});

test('a login that races the disabling of the account leaves no session behind', async () => {
  const server = await start();
  await register(server, 'alice', 'root');
  await withClient(server.databaseUrl, (client) =>
    client.query("UPDATE users SET role = 'admin' WHERE name = 'root'"),
  );
  const root = clientOf(server.app);
  await root.logIn('root');
  for (let round = 0; round < 20; round += 1) {
    const users = Array.from({ length: 3 }, () => clientOf(server.app));
    const logins = users.map((user) => user.logIn('alice'));
    const [disabled] = await Promise.all([
      root.ask('POST', '/admin/users/alice/disable'),
      ...logins,
    ]);
    expect(disabled?.status).toBe(200);
    for (const user of users) expect((await user.ask('GET', '/dashboard')).status).toBe(401);
    const { sessions } = (await root.ask('GET', '/admin/users/alice/sessions')).body;
    expect(sessions).toEqual([]);
    expect((await root.ask('POST', '/admin/users/alice/enable')).status).toBe(204);
  }
});
