// AUDIT_FIELD: every answer says who was served, for the gateway's log, and nothing of it is a
// client's own word.

import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { parseServed } from '../../src/gateways/access-line.ts';
import { answers, clientOf, password, startApp } from './ground.ts';

const on = { AUDIT_FIELD: 'true', REPLICA: 's7', INCARNATION: '3' };

test.each(answers)('$strategy on $store: every answer says who was served', async (answer) => {
  await using server = await startApp(answer, on);
  const me = clientOf(server.app);
  const served = async (method: string, path: string, body?: unknown) => {
    const { status, headers } = await me.ask(method, path, body);
    const { by, ...rest } = parseServed(headers['x-audit']) ?? { by: '' };
    expect(by).toBe('s7#3');
    return { status, ...rest };
  };
  const credentials = { username: 'alice', password };
  const nobody = { userId: null, session: null };
  expect(await served('POST', '/register', credentials)).toMatchObject({ status: 201, ...nobody });
  const login = await served('POST', '/login', credentials);
  expect(login).toMatchObject({ status: 200, route: '/login' });
  const { userId, session } = login as { userId: string; session: string };
  expect([userId, session]).not.toContain(null);
  const alice = { userId, session };
  expect((await me.ask('GET', '/me')).body.session.handle).toBe(session);
  expect(await served('GET', '/dashboard')).toEqual({ status: 200, route: '/dashboard', ...alice });
  const taken = await served('DELETE', '/cart/items/canary');
  expect(taken).toEqual({ status: 200, route: '/cart/items/:item', ...alice });
  expect(await served('PUT', '/email', { e: 1 })).toEqual({
    status: 400,
    route: '/email',
    ...alice,
  });
  expect(await served('GET', '/canary')).toEqual({ status: 404, route: '-', ...nobody });
  expect(await served('GET', '/%zz')).toMatchObject({ status: 400, ...nobody });
  const renewed = await served(
    'POST',
    '/refresh',
    me.refreshToken && { refreshToken: me.refreshToken },
  );
  expect(renewed).toEqual({ status: 200, route: '/refresh', ...alice });
  expect(await served('POST', '/logout')).toEqual({ status: 204, route: '/logout', ...alice });
  me.credential = {};
  expect(await served('GET', '/me')).toEqual({ status: 401, route: '/me', ...nobody });
  expect(
    await served('POST', '/login', { username: 'alice', password: 'wrong one' }),
  ).toMatchObject({
    status: 401,
    ...nobody,
  });
});

test('what is no request is answered with it too, and without the setting nothing is', async () => {
  await using server = await startApp(answers[1], on);
  const { port } = new URL(await server.app.listen({ port: 0, host: '127.0.0.1' }));
  const socket = connect(Number(port), '127.0.0.1');
  socket.end('NO HTTP\r\n\r\n');
  const [answer] = await once(socket, 'data');
  expect(String(answer)).toContain('\r\nx-audit: s7#3 - - -\r\n');
  await using silent = await startApp(answers[1]);
  const { headers } = await clientOf(silent.app).ask('GET', '/dashboard');
  expect(headers).not.toHaveProperty('x-audit');
});
