// What every answer promises to users, whichever strategy recognises them and wherever sessions
// live: the whole application, over the real stores and the real accounts.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as strategies from '../../src/strategies/index.ts';
import {
  answers,
  type Client,
  clientOf,
  password,
  startApp,
  type TestServer,
  testListed,
} from './ground.ts';

test('every strategy is among the answers', () => {
  expect(new Set(answers.map(({ strategy }) => strategy))).toEqual(
    new Set(Object.keys(strategies)),
  );
});

describe.each(answers)('$strategy on $store', (answer) => {
  let server: TestServer;
  let users = 0;
  const client = () => clientOf(server.app);

  beforeAll(async () => {
    server = await startApp(answer);
  });
  afterAll(async () => server[Symbol.asyncDispose]());

  async function newUser() {
    users += 1;
    const username = `user-${users}`;
    const me = client();
    expect((await me.ask('POST', '/register', { username, password })).status).toBe(201);
    expect((await me.logIn(username)).status).toBe(200);
    return { username, me };
  }

  test('who logs in is recognised, by name, and told by which server', async () => {
    const { me, username } = await newUser();
    const { status, body, headers } = await me.ask('GET', '/dashboard');
    expect(status).toBe(200);
    expect(body).toMatchObject({ username, servedBy: headers['x-served-by'] });
    expect(headers['x-served-by']).toMatch(/^s1#[0-9a-f]{4}$/);
    const who = await me.ask('GET', '/me');
    expect(who.body).toMatchObject({ username, session: { handle: expect.any(String) } });
    expect(Date.parse(who.body.session.expiresAt)).toBeGreaterThan(Date.now());
  });

  test('nobody gets one and the same 401, whatever is wrong with the credential', async () => {
    const credentials = [
      {},
      { cookie: 'session=garbage' },
      { 'x-session-id': `${'A'.repeat(36)}.${'A'.repeat(43)}` },
      { authorization: 'Bearer a.b.c' },
      { authorization: 'Basic YWxpY2U6YWxpY2U=' },
    ];
    for (const credential of credentials) {
      const stranger = client();
      stranger.credential = credential;
      const { status, headers, body } = await stranger.ask('GET', '/dashboard');
      expect(status).toBe(401);
      expect(headers).not.toHaveProperty('set-cookie');
      const { requestId, ...told } = body;
      expect(requestId).toBe(headers['x-request-id']);
      expect(told).toEqual({
        type: 'urn:sessionlab:not-authenticated',
        title: 'Log in first',
        status: 401,
        detail: 'Log in first',
        code: 'not-authenticated',
      });
    }
  });

  test('a wrong name and a wrong password get the same answer', async () => {
    const { username } = await newUser();
    const attempts = [
      { username, password: 'not the password' },
      { username: 'no-such-user', password },
    ];
    const told = await Promise.all(attempts.map((body) => client().ask('POST', '/login', body)));
    for (const { status, body } of told) {
      expect([status, body.code, body.detail]).toEqual([
        401,
        'wrong-credentials',
        'User name or password is wrong',
      ]);
    }
  });

  test('a name is given once', async () => {
    const { username } = await newUser();
    const again = await client().ask('POST', '/register', { username, password });
    expect([again.status, again.body.code]).toEqual([409, 'name-taken']);
  });

  test('the cart adds, shows and removes', async () => {
    const { me } = await newUser();
    expect((await me.ask('GET', '/cart')).body).toEqual({ items: {} });
    await me.ask('POST', '/cart/items', { item: 'apple', quantity: 2 });
    await me.ask('POST', '/cart/items', { item: 'pear', quantity: 1 });
    const added = await me.ask('POST', '/cart/items', { item: 'apple', quantity: 3 });
    expect(added.body).toEqual({ items: { apple: 5, pear: 1 } });
    expect((await me.ask('DELETE', '/cart/items/pear')).body).toEqual({ items: { apple: 5 } });
    expect((await me.ask('GET', '/cart')).body).toEqual({ items: { apple: 5 } });
  });

  test('a refresh keeps the login and the cart', async () => {
    const { me, username } = await newUser();
    await me.ask('POST', '/cart/items', { item: 'apple', quantity: 2 });
    const { refreshToken } = me;
    const refreshed = await me.ask('POST', '/refresh', refreshToken ? { refreshToken } : undefined);
    expect(refreshed.status).toBe(200);
    expect((await me.ask('GET', '/dashboard')).body).toMatchObject({ username });
    expect((await me.ask('GET', '/cart')).body).toEqual({ items: { apple: 2 } });
  });

  test('a refresh without anything valid is refused', async () => {
    const refused = await client().ask('POST', '/refresh', {});
    expect([refused.status, refused.body.code]).toEqual([401, 'not-authenticated']);
  });

  test('a logout may be repeated, and nobody may log out', async () => {
    const { me } = await newUser();
    expect((await me.ask('POST', '/logout')).status).toBe(204);
    expect((await me.ask('POST', '/logout')).status).toBe(204);
    expect((await client().ask('POST', '/logout')).status).toBe(204);
  });

  test('a copy of the credential is refused after the logout, unless it proves itself', async () => {
    const { me } = await newUser();
    const copy = me.copy();
    await me.ask('POST', '/logout');
    const after = await copy.ask('GET', '/dashboard');
    expect(after.status).toBe(answer.strategy === 'token' ? 200 : 401);
    const { refreshToken } = copy;
    const renewed = await copy.ask('POST', '/refresh', refreshToken ? { refreshToken } : undefined);
    expect(renewed.status).toBe(401);
  });

  testListed(
    answer,
    'a user sees all devices, ends one of them, and then all [ASVS 7.5.2]',
    async () => {
      const { me: phone, username } = await newUser();
      const laptop = client();
      await laptop.logIn(username);
      const { sessions } = (await phone.ask('GET', '/sessions')).body;
      expect(sessions.map(({ current }: { current: boolean }) => current)).toEqual([true, false]);
      const { handle } = sessions[1];
      expect((await phone.ask('DELETE', `/sessions/${handle}`)).status).toBe(204);
      expect((await phone.ask('DELETE', `/sessions/${handle}`)).status).toBe(404);
      expect((await phone.ask('GET', '/sessions')).body.sessions).toHaveLength(1);
      expect((await phone.ask('POST', '/logout-everywhere')).status).toBe(204);
    },
  );

  test('a change of a session that ended meanwhile is refused, and hands nothing out', async () => {
    const { me } = await newUser();
    const copy = me.copy();
    const racing = Array.from({ length: 20 }, () =>
      copy.ask('POST', '/cart/items', { item: 'apple', quantity: 1 }),
    );
    const [, ...adds] = await Promise.all([me.ask('POST', '/logout'), ...racing]);
    for (const { status, headers, body } of adds) {
      if (status === 200) continue;
      expect(status).toBe(401);
      expect(['session-ended', 'not-authenticated']).toContain(body.code);
      expect(headers).not.toHaveProperty('set-cookie');
    }
  });

  const newPassword = 'a-new-canary-password-4711';

  /** Can this client go on? A token alone is good until it expires, so it must renew itself. */
  async function isIn(one: Client): Promise<boolean> {
    const { refreshToken } = one;
    const asked = await (refreshToken
      ? one.ask('POST', '/refresh', { refreshToken })
      : one.ask('GET', '/dashboard'));
    expect([200, 401]).toContain(asked.status);
    return asked.status === 200;
  }

  test('a change of password ends the other sessions and renews this one [ASVS 7.4.3] [ASVS 7.2.4]', async () => {
    const { me, username } = await newUser();
    const others = [client(), client()];
    for (const other of others) await other.logIn(username);
    const before = me.credential;
    const changed = await me.ask('POST', '/password', { password, newPassword });
    expect(changed.status).toBe(200);
    expect(me.credential).not.toEqual(before);
    expect(await Promise.all([me, ...others].map(isIn))).toEqual([true, false, false]);
    expect((await client().logIn(username)).status).toBe(401);
    const again = { username, password: newPassword };
    expect((await client().ask('POST', '/login', again)).status).toBe(200);
  });

  test('a change of password spares the other sessions where that is asked for [ASVS 7.4.3]', async () => {
    const { me, username } = await newUser();
    const other = client();
    await other.logIn(username);
    const change = { password, newPassword, endOthers: false };
    expect((await me.ask('POST', '/password', change)).status).toBe(200);
    expect(await Promise.all([me, other].map(isIn))).toEqual([true, true]);
  });

  test('a password changes only for who knows it, and to one that may be', async () => {
    const { me, username } = await newUser();
    const refused = await me.ask('POST', '/password', { password: 'not this one', newPassword });
    expect([refused.status, refused.body.code]).toEqual([401, 'wrong-credentials']);
    const weak = await me.ask('POST', '/password', { password, newPassword: 'password1' });
    expect([weak.status, weak.body.code]).toEqual([400, 'invalid-request']);
    expect((await client().logIn(username)).status).toBe(200);
  });

  test('no session begins without an action of the user [ASVS 7.6.2]', async () => {
    const { me, username } = await newUser();
    const stranger = client();
    const paths = [...server.app.routeTable.keys()].filter((path) => path !== '/events');
    for (const path of paths) {
      const { headers, body } = await stranger.ask('GET', path);
      expect([path, headers]).not.toHaveProperty('1.set-cookie');
      expect([path, body]).not.toHaveProperty('1.accessToken');
    }
    const registering = { username: `${username}-2`, password };
    expect((await stranger.ask('POST', '/register', registering)).status).toBe(201);
    expect((await stranger.ask('POST', '/login', { ...registering, password: 'no' })).status).toBe(
      401,
    );
    expect([stranger.credential, stranger.refreshToken]).toEqual([{}, undefined]);
    expect((await me.ask('GET', '/sessions')).body.sessions).toHaveLength(1);
  });

  test('every protected page shows the way out, and it leads out [ASVS 7.4.4]', async () => {
    for (const page of ['/dashboard', '/me']) {
      const { me } = await newUser();
      const { logout } = (await me.ask('GET', page)).body.links;
      expect((await me.ask('POST', logout)).status).toBe(204);
      expect(await isIn(me)).toBe(false);
    }
  });

  test('a refusal names the way in where HTTP has a name for it, and bodies tell nothing', async () => {
    const stranger = client();
    const without = await stranger.ask('GET', '/dashboard');
    stranger.credential = { authorization: 'Bearer a.b.c' };
    const invalid = await stranger.ask('GET', '/dashboard');
    expect({ ...invalid.body, requestId: '' }).toEqual({ ...without.body, requestId: '' });
    const told = [without, invalid].map(({ headers }) => headers['www-authenticate']);
    const realm = 'Bearer realm="sessionlab"';
    expect(told).toEqual(
      answer.strategy.startsWith('token')
        ? [realm, `${realm}, error="invalid_token"`]
        : [undefined, undefined],
    );
  });

  test('the metrics count who was recognised, and how routes answered', async () => {
    const { me } = await newUser();
    await me.ask('GET', '/dashboard');
    await client().ask('GET', '/dashboard');
    const { body, headers } = await client().ask('GET', '/metrics');
    expect(headers['content-type']).toContain('text/plain');
    expect(body).toMatch(/sessionlab_recognitions_total\{outcome="recognised"\} [1-9]/);
    expect(body).toMatch(/sessionlab_recognitions_total\{outcome="no-credential"\} [1-9]/);
    expect(body).toMatch(/sessionlab_answers_total\{route="\/dashboard",status="200"\} [1-9]/);
    expect(body).toMatch(/sessionlab_answers_total\{route="\/dashboard",status="401"\} [1-9]/);
  });

  test('no credential and no password is in the log, nor in what problems say', async () => {
    const { me, username } = await newUser();
    const secrets = [password, ...Object.values(me.credential), me.refreshToken ?? password];
    const stranger = me.copy();
    stranger.credential = { ...me.credential, 'x-session-id': 'canary-session-4711' };
    const said = await Promise.all([
      me.ask('POST', '/login', { username, password, extra: password }),
      me.ask('POST', '/register', { username, password }),
      me.ask('POST', '/login', { username, password: [password] }),
      stranger.ask('GET', '/dashboard'),
      me.ask('POST', '/refresh', { refreshToken: 'canary-refresh-4711' }),
      me.ask('GET', '/%zz?access_token=canary-query-4711'),
    ]);
    server.app.serverLog.warn({ headers: me.credential, password }, 'a careless line');
    const text = server.logged() + JSON.stringify(said.map(({ body }) => body));
    expect(server.logged()).toContain('a careless line');
    for (const secret of [...secrets, 'canary']) {
      const bare = secret.replace(/^(session=|Bearer )/, '');
      expect(text).not.toContain(bare);
    }
  });
});

describe.each(answers)('$strategy on $store, when the proof of identity is old', (answer) => {
  test('what is sensitive needs another one first [ASVS 7.5.1] [ASVS 7.5.2] [ASVS 7.5.3]', async () => {
    await using server = await startApp(answer, { FRESH_MS: '1500' });
    const me = clientOf(server.app);
    await me.ask('POST', '/register', { username: 'alice', password });
    await me.logIn('alice');
    const change = (one: Client) => one.ask('PUT', '/email', { email: 'Alice@Example.org' });
    const codeOf = async () => (await change(me)).body?.code;
    await expect.poll(codeOf).toBe('reauthentication-required');
    const stale = await change(me);
    expect(stale.status).toBe(401);
    expect(stale.body.detail).toContain('/step-up');
    expect(stale.headers['www-authenticate']).toBe(
      answer.strategy.startsWith('token')
        ? 'Bearer realm="sessionlab", error="insufficient_user_authentication", max_age=1'
        : undefined,
    );
    const { sessions } = (await me.ask('GET', '/sessions')).body;
    const others = [
      ['DELETE', `/sessions/${sessions[0].handle}`],
      ['POST', '/logout-everywhere'],
    ] as const;
    for (const [method, path] of others) {
      const { status, body } = await me.ask(method, path);
      expect([path, status, body.code]).toEqual([path, 401, 'reauthentication-required']);
    }
    const wrong = await me.ask('POST', '/step-up', { password: 'not this one' });
    expect([wrong.status, wrong.body.code]).toEqual([401, 'wrong-credentials']);
    const changeAfterStepUp = async () => {
      const before = me.copy();
      expect((await me.ask('POST', '/step-up', { password })).status).toBe(200);
      expect((await change(before)).status).toBe(401);
      const { status, body } = await change(me);
      return { status, email: body.email };
    };
    const done = { status: 200, email: 'Alice@example.org' };
    await expect.poll(changeAfterStepUp).toEqual(done);
    expect((await me.ask('GET', '/dashboard')).status).toBe(200);
    expect((await me.ask('POST', '/logout')).status).toBe(204);
  });
});
