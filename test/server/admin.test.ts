// What administrators can end, and who is one: the role is looked up at every request, and what was
// ended is over on every server at once.

import {
  afterAll,
  beforeAll,
  beforeEach,
  describe,
  expect,
  onTestFinished,
  test,
  vi,
} from 'vitest';
import { openAccounts } from '../../src/accounts/accounts.ts';
import { PostgresAccounts } from '../../src/accounts/postgres-accounts.ts';
import { withClient } from '../../src/backing/databases.ts';
import { OperatingError } from '../../src/core/errors.ts';
import type { Environment } from '../../src/server/config.ts';
import { freshDatabase } from '../support/backing.ts';
import {
  answers,
  areListed,
  type Client,
  clientOf,
  password,
  startApp,
  type TestServer,
  testListed,
} from './ground.ts';

const routes = [
  ['GET', '/admin/users/alice/sessions'],
  ['DELETE', '/admin/users/alice/sessions'],
  ['DELETE', '/admin/users/alice/sessions/some-handle'],
  ['POST', '/admin/users/alice/disable'],
  ['POST', '/admin/users/alice/enable'],
  ['DELETE', '/admin/sessions'],
] as const;

describe.each([answers[0], answers[2], answers[4], answers[5]])('$strategy on $store', (answer) => {
  let servers: readonly [TestServer, TestServer];
  let root: Client;
  let users = 0;

  beforeAll(async () => {
    const shared: Environment = { DATABASE_URL: await freshDatabase() };
    servers = [await startApp(answer, shared), await startApp(answer, shared)];
    await clientOf(servers[0].app).ask('POST', '/register', { username: 'root', password });
    await setRole('root', 'admin');
  });
  afterAll(async () => {
    for (const server of servers) await server[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    root = clientOf(servers[0].app);
    expect((await root.logIn('root')).status).toBe(200);
  });

  const setRole = (name: string, role: string) =>
    withClient(servers[0].databaseUrl, (client) =>
      client.query('UPDATE users SET role = $1 WHERE name = $2', [role, name]),
    );

  /** A new user with so many logins, on the two servers in turn. */
  async function newUser(logins: number) {
    users += 1;
    const name = `user ${users}`;
    const me = Array.from({ length: logins }, (_, n) => clientOf(servers[n % 2 ? 1 : 0].app));
    await clientOf(servers[0].app).ask('POST', '/register', { username: name, password });
    for (const each of me) expect((await each.logIn(name)).status).toBe(200);
    return { name, me };
  }

  /** Can this client go on? A token alone is good until it expires, so it must renew itself. */
  async function isIn(client: Client): Promise<boolean> {
    const { refreshToken } = client;
    const asked = await (refreshToken
      ? client.ask('POST', '/refresh', { refreshToken })
      : client.ask('GET', '/dashboard'));
    expect([200, 401]).toContain(asked.status);
    return asked.status === 200;
  }

  const all = (clients: readonly Client[]) => Promise.all(clients.map(isIn));

  /** Other servers hear of an ending within their bound. */
  const expectOut = (clients: readonly Client[]) =>
    expect.poll(() => all(clients)).not.toContain(true);

  const counted = (ended: number) => ({ ended: areListed(answer) ? ended : 0 });

  test('an account that is disabled loses all its sessions and gets no new one [ASVS 7.4.2]', async () => {
    const { name, me } = await newUser(3);
    const disabled = await root.ask('POST', `/admin/users/${name}/disable`);
    expect([disabled.status, disabled.body]).toEqual([200, counted(3)]);
    await expectOut(me);
    const refused = await clientOf(servers[1].app).logIn(name);
    expect([refused.status, refused.body.code]).toEqual([401, 'wrong-credentials']);
    expect((await root.ask('POST', `/admin/users/${name}/enable`)).status).toBe(204);
    expect(await all(me)).toEqual([false, false, false]);
    expect((await clientOf(servers[1].app).logIn(name)).status).toBe(200);
  });

  test('an administrator ends all sessions of a user [ASVS 7.4.5]', async () => {
    const { name, me } = await newUser(2);
    const ended = await root.ask('DELETE', `/admin/users/${name}/sessions`);
    expect([ended.status, ended.body]).toEqual([200, counted(2)]);
    await expectOut(me);
    expect(await isIn(root)).toBe(true);
  });

  testListed(answer, 'an administrator sees and ends one session of a user', async () => {
    const { name, me } = await newUser(3);
    const { sessions } = (await root.ask('GET', `/admin/users/${name}/sessions`)).body;
    expect(sessions).toHaveLength(3);
    const [first] = sessions;
    const one = `/admin/users/${name}/sessions/${first.handle}`;
    expect((await root.ask('DELETE', one)).status).toBe(204);
    expect((await root.ask('DELETE', one)).status).toBe(404);
    expect(await all(me)).toEqual([false, true, true]);
  });

  test('an administrator ends all sessions of all users [ASVS 7.4.5]', async () => {
    const [{ me }, { me: others }] = [await newUser(2), await newUser(1)];
    const mine = root.copy();
    const { status, body } = await root.ask('DELETE', '/admin/sessions');
    expect(status).toBe(200);
    expect(body.ended).toBeGreaterThanOrEqual(counted(4).ended);
    await expectOut([...me, ...others, mine]);
  });

  testListed(answer, 'a handle opens nobody else’s session by the wrong name', async () => {
    const [{ name, me }, other] = [await newUser(1), await newUser(1)];
    const { sessions } = (await root.ask('GET', `/admin/users/${name}/sessions`)).body;
    const wrong = `/admin/users/${other.name}/sessions/${sessions[0].handle}`;
    expect((await root.ask('DELETE', wrong)).status).toBe(404);
    expect(await all(me)).toEqual([true]);
  });

  test('nobody else may, and a role that was taken is gone with the next request', async () => {
    const { name, me } = await newUser(1);
    const [user = root] = me;
    for (const [method, path] of routes) {
      const refused = await user.ask(method, path);
      expect([path, refused.status, refused.body.code]).toEqual([path, 403, 'not-allowed']);
      expect((await clientOf(servers[0].app).ask(method, path)).status).toBe(401);
    }
    const list = `/admin/users/${name}/sessions`;
    await setRole(name, 'admin');
    expect((await user.ask('GET', list)).status).toBe(200);
    await setRole(name, 'user');
    expect((await user.ask('GET', list)).status).toBe(403);
  });

  test('any name that can be registered can be named in a path', async () => {
    const names = ['😀'.repeat(64), `${'%/?#'.repeat(15)}é`];
    for (const username of names) {
      const asked = await clientOf(servers[0].app).ask('POST', '/register', { username, password });
      expect(asked.status).toBe(201);
      const list = `/admin/users/${encodeURIComponent(username)}/sessions`;
      expect(await root.ask('GET', list)).toMatchObject({ status: 200, body: { sessions: [] } });
    }
  });

  test('a user that there is not is not found', async () => {
    for (const [method, path] of routes.slice(0, -1)) {
      const asked = await root.ask(method, path.replace('alice', 'nobody at all'));
      expect([path, asked.status, asked.body.code]).toEqual([path, 404, 'not-found']);
    }
  });

  test('what an administrator did is noted, with who it was and to whom', async () => {
    const { name } = await newUser(1);
    await root.ask('POST', `/admin/users/${name}/disable`);
    const lines = servers[0].logged().split('\n').filter(Boolean);
    const events = lines.map((line) => JSON.parse(line).event).filter(Boolean);
    const last = events.findLast(({ kind }) => kind === 'account-disabled');
    expect(last).toMatchObject({ userId: expect.any(String), actorId: expect.any(String) });
    expect(last.userId).not.toBe(last.actorId);
  });
});

test('an ending of all that fails midway is no definite failure, and is noted', async () => {
  await using server = await startApp(answers[1]);
  const root = clientOf(server.app);
  await root.ask('POST', '/register', { username: 'root', password });
  await withClient(server.databaseUrl, (client) => client.query("UPDATE users SET role = 'admin'"));
  await root.logIn('root');
  const { ids } = PostgresAccounts.prototype;
  const asked = vi.spyOn(PostgresAccounts.prototype, 'ids');
  onTestFinished(() => asked.mockRestore());
  asked.mockImplementationOnce(async function* (this: PostgresAccounts) {
    yield* ids.call(this);
    throw new OperatingError('accounts-unavailable');
  });
  const { status, body } = await root.ask('DELETE', '/admin/sessions');
  expect([status, body.code]).toEqual([503, 'revocation-not-durable']);
  const lines = server.logged().split('\n').filter(Boolean);
  const events = lines.map((line) => JSON.parse(line).event).filter(Boolean);
  expect(events).toContainEqual(
    expect.objectContaining({ kind: 'session-ended', reason: 'ended-by-admin', count: 1 }),
  );
  expect((await root.ask('GET', '/me')).status).toBe(401);
});

test('an administrator with an old proof of identity may look, and must step up to act [ASVS 7.5.3]', async () => {
  await using server = await startApp(answers[1], { FRESH_MS: '1500' });
  const root = clientOf(server.app);
  await root.ask('POST', '/register', { username: 'root', password });
  await withClient(server.databaseUrl, (client) => client.query("UPDATE users SET role = 'admin'"));
  await root.logIn('root');
  const enable = async () => (await root.ask('POST', '/admin/users/root/enable')).body?.code;
  await expect.poll(enable).toBe('reauthentication-required');
  expect((await root.ask('GET', '/admin/users/root/sessions')).status).toBe(200);
  const actAfterStepUp = async () => {
    expect((await root.ask('POST', '/step-up', { password })).status).toBe(200);
    return (await root.ask('POST', '/admin/users/root/enable')).status;
  };
  await expect.poll(actAfterStepUp).toBe(204);
});

test('the first administrator is named in the settings, and cannot be registered by others', async () => {
  const databaseUrl = await freshDatabase();
  const hashing = { memoryKib: 64, passes: 1 };
  {
    await using accounts = await openAccounts({ databaseUrl, hashing, timeoutMs: 2_000 });
    await accounts.register('root', password);
  }
  const settings = { DATABASE_URL: databaseUrl, ADMIN_USERS: 'Root, the boss' };
  await using server = await startApp(answers[1], settings);
  const root = clientOf(server.app);
  await root.logIn('root');
  expect((await root.ask('GET', '/admin/users/root/sessions')).status).toBe(200);
  const taken = await root.ask('POST', '/register', { username: 'The Boss', password });
  expect([taken.status, taken.body.code]).toEqual([409, 'name-taken']);
});
