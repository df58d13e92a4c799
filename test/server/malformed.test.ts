// Malformed input, on every route that there is: the routes are collected from the application, so
// that a new one is under test the moment it exists. Whatever is sent, the answer is a problem
// document with a status of the client's side, and the server goes on.

import { connect } from 'node:net';
import type { InjectOptions } from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { withClient } from '../../src/backing/databases.ts';
import { type Answer, answers, clientOf, password, startApp, type TestServer } from './ground.ts';

const examined: readonly Answer[] = [answers[0], answers[1]];
const json = { 'content-type': 'application/json' };
const bodies: Readonly<Record<string, Pick<InjectOptions, 'payload' | 'headers'>>> = {
  'broken JSON': { payload: '{"username":', headers: json },
  'no JSON at all': { payload: '\u0000\u0001', headers: json },
  'an empty body': { payload: '', headers: json },
  null: { payload: 'null', headers: json },
  'an array': { payload: '[]', headers: json },
  'a number': { payload: '7', headers: json },
  'wrong types': { payload: { username: 1, password: {}, item: [], quantity: '2' } },
  'too many members': { payload: { username: 'a', password, item: 'a', quantity: 1, admin: true } },
  'out of range': { payload: { username: '', password: '', item: '', quantity: -1 } },
  'half a number': { payload: { item: 'apple', quantity: 1.5 } },
  'a poisoned prototype': { payload: '{"__proto__":{"admin":true}}', headers: json },
  'a special name': { payload: { item: '__proto__', quantity: 1 } },
  '2 MB': { payload: JSON.stringify({ username: 'x'.repeat(2e6) }), headers: json },
  'a deep nest': { payload: '['.repeat(30_000) + ']'.repeat(30_000), headers: json },
  'a form': { payload: 'a=b', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
  'a text': { payload: 'a', headers: { 'content-type': 'text/plain' } },
  'a broken content type': { payload: 'a', headers: { 'content-type': ';;;' } },
  'a wrong length': { payload: '{}', headers: { ...json, 'content-length': '7' } },
};
const credentials: Readonly<Record<string, Record<string, string | string[]>>> = {
  none: {},
  'a garbage cookie': { cookie: 'session=%00%ff; __Host-session=; session' },
  'a garbage header': { 'x-session-id': 'x'.repeat(80) },
  'a garbage token': { authorization: 'Bearer eyJhbGciOiJub25lIn0.e30.' },
  'an empty scheme': { authorization: 'Bearer' },
  'a huge cookie': { cookie: `session=${'x'.repeat(8_000)}` },
  'two tokens': { authorization: ['Bearer a.b.c', 'Bearer d.e.f'] },
  'a thousand cookies': { cookie: 'session=a; '.repeat(1_000) },
  'a strange request id': { 'x-request-id': 'x\ty"{}'.repeat(20) },
};

describe.each(examined)('$strategy on $store', (answer) => {
  let server: TestServer;
  let routes: Array<{ method: string; url: string }>;
  let valid: Record<string, string>;

  beforeAll(async () => {
    server = await startApp(answer);
    routes = routesOf(server);
    const me = clientOf(server.app);
    await me.ask('POST', '/register', { username: 'alice', password });
    await withClient(server.databaseUrl, (client) =>
      client.query("UPDATE users SET role = 'admin'"),
    );
    await me.logIn('alice');
    valid = me.credential;
  });
  afterAll(async () => server[Symbol.asyncDispose]());

  async function ask(options: object): Promise<{ status: number; code: string | undefined }> {
    const reply = await server.app.inject(options as InjectOptions);
    const { statusCode: status } = reply;
    expect(status, JSON.stringify(options).slice(0, 200)).toBeLessThan(500);
    const mayBeKept = status === 200 && reply.raw.req.url === '/.well-known/jwks.json';
    if (!mayBeKept) expect(reply.headers).toMatchObject({ 'cache-control': 'no-store' });
    expect(reply.headers['x-request-id']).toMatch(/^[A-Za-z0-9_-]{8,64}$/);
    if (status < 400) return { status, code: undefined };
    expect(reply.headers['content-type']).toContain('application/problem+json');
    if (reply.raw.req.method === 'HEAD') return { status, code: undefined };
    const problem = reply.json();
    expect(problem).toMatchObject({ status, requestId: reply.headers['x-request-id'] });
    expect(Object.keys(problem).sort()).toEqual(
      ['code', 'detail', 'requestId', 'status', 'title', 'type'].sort(),
    );
    return { status, code: problem.code };
  }

  test('there are routes to examine', () => {
    expect(routes.length).toBeGreaterThanOrEqual(16);
  });

  test.each(Object.entries(bodies))('%s as a body is refused everywhere', async (_name, body) => {
    for (const { method, url } of routes.filter((route) => route.method === 'POST')) {
      const headers = { ...valid, ...body.headers };
      const { status } = await ask({ method, url, payload: body.payload, headers });
      const emptyIsFine = url.startsWith('/logout') || url === '/refresh';
      if (!emptyIsFine) expect(status, url).toBeGreaterThanOrEqual(400);
      const again = clientOf(server.app);
      again.credential = valid;
      if (url.startsWith('/logout') && status < 400) {
        await again.logIn('alice');
        valid = again.credential;
      }
    }
  });

  test.each(Object.entries(credentials))('with %s nobody gets in', async (name, headers) => {
    const refused = name === 'two tokens' ? 400 : 401;
    for (const { method, url } of routes) {
      const payload = url === '/cart/items' ? { item: 'apple', quantity: 1 } : undefined;
      const { status } = await ask({ method, url: url.replace(/:\w+/, 'x'), headers, payload });
      const open = /^\/(\.well-known|health|metrics|logout$|register|login)/.test(url);
      if (!open) expect([status, url]).toEqual([refused, url]);
    }
  });

  test('a parameter that cannot be one is refused', async () => {
    for (const { method, url } of routes.filter((route) => route.url.includes(':'))) {
      for (const value of ['%00', '..%2f..', '__proto__', 'x'.repeat(99), 'x'.repeat(200), '%zz']) {
        const { status } = await ask({ method, url: url.replace(/:\w+/, value), headers: valid });
        expect([400, 404], `${method} ${url} ${value}`).toContain(status);
      }
    }
  });

  test('a method that a path does not have is 405 and names those that it has', async () => {
    const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE'] as const;
    for (const path of new Set(routes.map(({ url }) => url))) {
      const known = routes.filter(({ url }) => url === path).map(({ method }) => method);
      for (const method of methods.filter((each) => !known.includes(each))) {
        const url = path.replace(/:\w+/, 'x');
        const reply = await server.app.inject({ method: method as 'GET', url, headers: valid });
        expect([method, url, reply.statusCode]).toEqual([method, url, 405]);
        expect(String(reply.headers.allow).split(', ')).toEqual([...known].sort());
      }
    }
  });

  test('a path that does not exist is 404, whatever comes with it', async () => {
    for (const url of ['/', '/nope', '/dashboard/', '/Dashboard', '//', '/cart/items/a/b']) {
      for (const body of [{}, ...Object.values(bodies)]) {
        const method = 'payload' in body ? 'POST' : 'GET';
        expect(await ask({ method, url, ...body })).toEqual({ status: 404, code: 'not-found' });
      }
    }
  });

  test('each way to be malformed has its own status', async () => {
    const login = { method: 'POST', url: '/login' };
    const told = async (name: string) => (await ask({ ...login, ...bodies[name] })).code;
    expect(await told('broken JSON')).toBe('invalid-request');
    expect(await told('wrong types')).toBe('invalid-request');
    expect(await told('2 MB')).toBe('payload-too-large');
    expect(await told('a form')).toBe('unsupported-media-type');
  });

  test('after all this the server still serves, and has found no fault with itself', async () => {
    const me = clientOf(server.app);
    expect((await me.logIn('alice')).status).toBe(200);
    expect((await me.ask('GET', '/dashboard')).status).toBe(200);
    expect(server.logged()).not.toContain('the server failed');
  });
});

test('bytes that are no HTTP, and header fields that are too large, get a problem too', async () => {
  await using server = await startApp(answers[1]);
  await server.app.listen({ port: 0, host: '127.0.0.1' });
  const address = server.app.server.address();
  if (address === null || typeof address === 'string') throw new Error('it does not listen');
  const cases = {
    'NONSENSE\r\n\r\n': [400, 'invalid-request'],
    'GET /dashboard HTTP/1.1\r\n\r\n': [400, 'invalid-request'],
    'FOO /dashboard HTTP/1.1\r\nhost: a\r\n\r\n': [400, 'invalid-request'],
    [`GET / HTTP/1.1\r\nhost: a\r\ncookie: ${'x'.repeat(20_000)}\r\n\r\n`]: [
      431,
      'headers-too-large',
    ],
    'POST /login HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n': [
      400,
      'invalid-request',
    ],
  };
  for (const [bytes, [status, code]] of Object.entries(cases)) {
    const answer = await exchange(address.port, bytes);
    expect(answer, bytes.slice(0, 60)).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(answer.toLowerCase()).toContain('content-type: application/problem+json');
    expect(answer).toContain(`"code":"${code}"`);
  }
});

async function exchange(port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.end(bytes);
  let answer = '';
  for await (const chunk of socket) answer += chunk;
  return answer;
}

function routesOf(server: TestServer): Array<{ method: string; url: string }> {
  return [...server.app.routeTable].flatMap(([url, methods]) =>
    [...methods].map((method) => ({ method, url })),
  );
}
