// Tokens on the wire: where one may be, how many, and with which keys others verify them.

import { connect } from 'node:net';
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose';
import { expect, onTestFinished, test } from 'vitest';
import { newTokenKey } from '../../src/keys/token-key.ts';
import { readConfig } from '../../src/server/config.ts';
import { openKeys } from '../../src/server/serve.ts';
import { clientAt, clientOf, environment, password, startApp, startReplica } from './ground.ts';

async function loggedIn(changes: Record<string, string> = {}) {
  const server = await startApp({ strategy: 'token', store: 'postgres' }, changes);
  onTestFinished(() => server[Symbol.asyncDispose]());
  const client = clientOf(server.app);
  await client.ask('POST', '/register', { username: 'alice', password });
  await client.logIn('alice');
  const { authorization = '' } = client.credential;
  return { server, client, authorization, token: authorization.replace('Bearer ', '') };
}

const path = '/.well-known/jwks.json';

test.each([
  ['given', 'EdDSA'],
  ['given', 'ES256'],
  ['postgres', 'EdDSA'],
  ['postgres', 'ES256'],
] as const)('others verify a token with the public keys, KEYS=%s %s', async (keys, algorithm) => {
  const key = { TOKEN_KEY: await newTokenKey(algorithm), TOKEN_ALGORITHM: algorithm };
  const { client, token } = await loggedIn({ KEYS: keys, ...key });
  const { status, headers, body } = await client.ask('GET', path);
  expect(status).toBe(200);
  expect(headers['cache-control']).toBe('public, max-age=60');
  const keySet = createLocalJWKSet(body as JSONWebKeySet);
  const { payload } = await jwtVerify(token, keySet, {
    typ: 'at+jwt',
    audience: 'sessionlab',
    issuer: 'sessionlab',
  });
  expect(payload.client_id).toBe('sessionlab');
  expect(JSON.stringify(body)).not.toMatch(/"(d|k)":/);
});

test('a secret key is never among the public keys, and its tokens are good [ASVS 9.1.3]', async () => {
  const { client } = await loggedIn({ TOKEN_KEY: await newTokenKey('HS256') });
  expect((await client.ask('GET', path)).body).toEqual({ keys: [] });
  expect((await client.ask('GET', '/me')).status).toBe(200);
});

test('a key verifies as long as a refresh may come with a token that it signed, expired or not', async () => {
  const short = { KEY_ROTATION_MS: '1000', ACCESS_TOKEN_MS: '100', IDLE_MS: '600000' };
  const env = await environment({ strategy: 'token', store: 'postgres' });
  const config = readConfig({ ...env, ...short, KEYS: 'postgres', TOKEN_KEY: undefined });
  await using keys = await openKeys(config);
  const seen = new Set<string>();
  await expect.poll(() => seen.add(keys.signing().id).size).toBe(3);
  const [first = ''] = seen;
  expect(keys.verifying(first)).toBeDefined();
});

test('a server without keys has none to show', async () => {
  const server = await startApp({ strategy: 'session', store: 'memory' });
  onTestFinished(() => server[Symbol.asyncDispose]());
  expect((await clientOf(server.app).ask('GET', path)).status).toBe(404);
});

test('a token counts in the authorization field and nowhere else', async () => {
  const { server, token, authorization } = await loggedIn();
  const status = async (url: string, headers = {}) =>
    (await server.app.inject({ method: 'GET', url, headers })).statusCode;
  expect(await status('/me', { authorization })).toBe(200);
  expect(await status(`/me?access_token=${token}`)).toBe(401);
  expect(await status(`/me?authorization=Bearer%20${token}`)).toBe(401);
  expect(await status('/me', { cookie: `session=${token}; __Host-session=${token}` })).toBe(401);
  expect(await status('/me', { 'x-session-id': token })).toBe(401);
  expect(await status('/me', { 'proxy-authorization': authorization })).toBe(401);
});

test('a request with two credentials or two hosts is refused', async () => {
  const { server, authorization } = await loggedIn();
  const url = new URL(await server.app.listen({ port: 0, host: '127.0.0.1' }));
  const ask = (...fields: string[]) =>
    new Promise<string>((resolve, reject) => {
      const socket = connect(Number(url.port), url.hostname);
      const head = ['GET /me HTTP/1.1', 'connection: close', ...fields, '', ''].join('\r\n');
      let answer = '';
      socket.on('data', (chunk) => {
        answer += chunk;
      });
      socket.on('close', () => resolve(answer.slice(9, 12)));
      socket.on('error', reject);
      socket.write(head);
    });
  const [host, mine] = [`host: ${url.host}`, `authorization: ${authorization}`];
  expect(await ask(host, mine)).toBe('200');
  expect(await ask(host, mine, mine)).toBe('400');
  expect(await ask(host, mine, 'Authorization: Bearer x')).toBe('400');
  expect(await ask(host, 'AUTHORIZATION: Basic x', mine)).toBe('400');
  expect(await ask(host, mine, 'Host: other')).toBe('400');
});

test('servers that start together on an empty database know one another’s tokens', async () => {
  const answer = { strategy: 'token', store: 'postgres' } as const;
  const env = { ...(await environment(answer)), KEYS: 'postgres', TOKEN_KEY: undefined };
  const replicas = await Promise.all(
    [1, 2, 3].map(() => startReplica('../../src/server/main.ts', env)),
  );
  for (const each of replicas) onTestFinished(() => each[Symbol.asyncDispose]());
  const [first, ...others] = replicas.map(({ url }) => clientAt(url));
  await first?.ask('POST', '/register', { username: 'alice', password });
  await first?.logIn('alice');
  for (const other of others) {
    other.credential = first?.credential ?? {};
    expect((await other.ask('GET', '/me')).status).toBe(200);
    await other.logIn('alice');
    expect((await first?.ask('GET', path))?.body).toEqual((await other.ask('GET', path)).body);
  }
});
