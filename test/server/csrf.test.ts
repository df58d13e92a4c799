// What another site's page can make a browser send, and what comes of it: nothing. With a cookie,
// without one (a login is forged as well), with every hint that browsers give, new and old.

import type { InjectOptions } from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { answers, type Client, clientOf, password, startApp, type TestServer } from './ground.ts';

const ally = 'https://ally.example';
let server: TestServer;
let me: Client;

beforeAll(async () => {
  server = await startApp(answers[1], { ALLOWED_ORIGINS: ally, TRUST_PROXY: '10.0.0.1' });
  me = clientOf(server.app);
  await me.ask('POST', '/register', { username: 'alice', password });
  await me.logIn('alice');
});
afterAll(async () => server[Symbol.asyncDispose]());

const apple = { item: 'apple', quantity: 1 };

async function add(
  headers: Record<string, string>,
  body: object = apple,
  more: InjectOptions = {},
) {
  const options = { method: 'POST', url: '/cart/items', payload: body, ...more } as InjectOptions;
  const all = { host: 'shop.example', ...me.credential, ...headers };
  const reply = await server.app.inject({ ...options, headers: all });
  return { status: reply.statusCode, code: reply.json().code, headers: reply.headers };
}

const evil = 'https://evil.example';
const cases: ReadonlyArray<readonly [Record<string, string>, number]> = [
  [{}, 200],
  [{ 'sec-fetch-site': 'same-origin' }, 200],
  [{ 'sec-fetch-site': 'none' }, 200],
  [{ 'sec-fetch-site': 'same-origin', origin: 'http://shop.example' }, 200],
  [{ 'sec-fetch-site': 'cross-site' }, 403],
  [{ 'sec-fetch-site': 'same-site' }, 403],
  [{ 'sec-fetch-site': 'Same-Origin' }, 403],
  [{ 'sec-fetch-site': 'same-origin, cross-site' }, 403],
  [{ 'sec-fetch-site': '' }, 403],
  [{ 'sec-fetch-site': 'cross-site', origin: 'http://shop.example' }, 403],
  [{ 'sec-fetch-site': 'cross-site', origin: evil }, 403],
  [{ 'sec-fetch-site': 'cross-site', origin: ally }, 200],
  [{ 'sec-fetch-site': 'same-site', origin: ally }, 200],
  [{ origin: 'http://shop.example' }, 200],
  [{ origin: 'http://shop.example:80' }, 403],
  [{ origin: 'http://shop.example:8080' }, 403],
  [{ origin: 'http://shop.example.evil.example' }, 403],
  [{ origin: 'http://shop.example@evil.example' }, 403],
  [{ origin: 'http://shop.example/path' }, 403],
  [{ origin: evil }, 403],
  [{ origin: 'null' }, 403],
  [{ origin: '' }, 403],
  [{ origin: ally }, 200],
  [{ origin: `${ally}.evil.example` }, 403],
];

test.each(cases)('%j is answered with %i', async (headers, expected) => {
  const { status, code } = await add(headers);
  expect(status).toBe(expected);
  if (expected === 403) expect(code).toBe('cross-site');
});

test('what is refused has changed nothing', async () => {
  const before = (await me.ask('GET', '/cart')).body;
  expect((await add({ 'sec-fetch-site': 'cross-site' })).status).toBe(403);
  expect((await me.ask('GET', '/cart')).body).toEqual(before);
});

test('no route that changes something is left out, the login without a cookie included', async () => {
  const unsafe = [...server.app.routeTable].flatMap(([url, methods]) =>
    [...methods]
      .filter((method) => !['GET', 'HEAD'].includes(method))
      .map((method) => [method, url]),
  );
  expect(unsafe.length).toBeGreaterThan(15);
  for (const [method, url] of unsafe) {
    for (const credential of [{}, me.credential]) {
      const headers = { ...credential, 'sec-fetch-site': 'cross-site', origin: evil };
      const reply = await server.app.inject({ method, url, headers } as InjectOptions);
      expect([method, url, reply.statusCode]).toEqual([method, url, 403]);
      expect(reply.headers).not.toHaveProperty('set-cookie');
    }
  }
  expect((await me.ask('GET', '/dashboard')).status).toBe(200);
});

test('a link from anywhere may be followed', async () => {
  const headers = { ...me.credential, 'sec-fetch-site': 'cross-site' };
  const reply = await server.app.inject({ url: '/dashboard', headers });
  expect(reply.statusCode).toBe(200);
});

test('the name that a proxy was asked for counts only from a proxy that is trusted', async () => {
  const headers = { 'x-forwarded-host': 'evil.example', origin: 'http://evil.example' };
  expect((await add(headers)).status).toBe(403);
  const front = { host: 'inside:3000', 'x-forwarded-host': 'shop.example' };
  const proxied = { ...front, origin: 'http://shop.example' };
  expect((await add(proxied, apple, { remoteAddress: '10.0.0.1' })).status).toBe(200);
});

test('where cookies are secure a page that came without TLS is another site', async () => {
  await using secure = await startApp(answers[1], { SECURE_COOKIES: 'true' });
  const register = async (origin: string, username: string) => {
    const payload = { username, password };
    const headers = { host: 'shop.example', origin };
    const reply = await secure.app.inject({ method: 'POST', url: '/register', payload, headers });
    return reply.statusCode;
  };
  expect(await register('http://shop.example', 'ann')).toBe(403);
  expect(await register('https://shop.example', 'ann')).toBe(201);
});

test('no other site is told that it may ask, nor gets to read', async () => {
  for (const url of ['/login', '/dashboard', '/cart/items', '/me', '/nope']) {
    const headers = {
      ...me.credential,
      origin: evil,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'content-type',
    };
    for (const method of ['OPTIONS', 'GET', 'POST'] as const) {
      const reply = await server.app.inject({ method, url, headers });
      const names = Object.keys(reply.headers).filter((name) => name.startsWith('access-control'));
      expect([method, url, names]).toEqual([method, url, []]);
      if (method === 'OPTIONS') expect(reply.statusCode).toBeGreaterThanOrEqual(404);
    }
  }
});

describe('a form’s token', () => {
  const tokenOf = async (client: Client) =>
    (await client.ask('GET', '/csrf-token')).body.csrfToken as string;

  test('is taken as a field or as a member, and the route sees neither', async () => {
    const csrfToken = await tokenOf(me);
    expect(csrfToken.length).toBeGreaterThanOrEqual(32);
    expect((await add({ 'x-csrf-token': csrfToken })).status).toBe(200);
    expect((await add({}, { ...apple, _csrf: csrfToken })).status).toBe(200);
  });

  test('is refused when it is not this client’s', async () => {
    const other = clientOf(server.app);
    await other.logIn('alice');
    for (const wrong of [await tokenOf(other), 'x', '', `${await tokenOf(me)}x`]) {
      expect((await add({ 'x-csrf-token': wrong })).status, wrong).toBe(403);
      expect((await add({}, { ...apple, _csrf: wrong })).status, wrong).toBe(403);
    }
    for (const none of [7, null, {}, []]) {
      expect((await add({}, { ...apple, _csrf: none })).status).toBe(403);
    }
  });

  test('excuses no request of another site', async () => {
    const headers = { 'x-csrf-token': await tokenOf(me), 'sec-fetch-site': 'cross-site' };
    expect((await add(headers)).status).toBe(403);
  });

  test('is for nobody when there is no session, and null for who sends a token', async () => {
    expect((await clientOf(server.app).ask('GET', '/csrf-token')).status).toBe(401);
    await using stateless = await startApp(answers[0]);
    const ann = clientOf(stateless.app);
    await ann.ask('POST', '/register', { username: 'ann', password });
    await ann.logIn('ann');
    expect((await ann.ask('GET', '/csrf-token')).body).toEqual({ csrfToken: null });
  });
});
