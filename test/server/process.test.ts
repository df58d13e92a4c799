// The replica as a process: how it begins, how it ends, and that it ends.

import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { ConfigError, readConfig } from '../../src/server/config.ts';
import { answers, clientAt, environment, password, startReplica } from './ground.ts';

const main = '../../src/server/main.ts';

test.each(answers)('a replica of $strategy on $store serves, and ends in order', async (answer) => {
  await using replica = await startReplica(main, await environment(answer));
  const me = clientAt(replica.url);
  await me.ask('POST', '/register', { username: 'alice', password });
  expect((await me.logIn('alice')).status).toBe(200);
  expect((await me.ask('GET', '/dashboard')).body.username).toBe('alice');
  replica.child.kill('SIGTERM');
  expect(await replica.ended).toBe(0);
});

test('what is in flight when a replica is told to end is finished', async () => {
  await using replica = await startReplica(main, await environment(answers[1]));
  const { port } = new URL(replica.url);
  const socket = connect(Number(port), '127.0.0.1');
  const body = JSON.stringify({ username: 'alice', password });
  const head = `POST /register HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`;
  await new Promise((sent) => socket.write(head + body.slice(0, 5), sent));
  // An answer on another connection shows that the process has taken up what came before.
  await clientAt(replica.url).ask('GET', '/health/live');
  replica.child.kill('SIGTERM');
  await expect.poll(() => refused(Number(port))).toBe(true);
  socket.write(body.slice(5));
  let answer = '';
  for await (const chunk of socket) answer += chunk;
  expect(answer).toMatch(/^HTTP\/1.1 201 /);
  expect(answer).toContain('connection: close');
  expect(await replica.ended).toBe(0);
});

async function refused(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  return new Promise((resolve) => {
    socket.once('connect', () => resolve(false)).once('error', () => resolve(true));
  }).finally(() => socket.destroy()) as Promise<boolean>;
}

test('a replica does not outlive its parent', async () => {
  await using replica = await startReplica(main, await environment(answers[1]));
  replica.child.disconnect();
  expect(await replica.ended).toBe(1);
});

test('a setting that is wrong stops the start, with its name and no secret', async () => {
  const env = await environment(answers[1]);
  const wrong = {
    ...env,
    PORT: 'eighty',
    DATABASE_URL: 'mysql://u:canary-4711@h/',
    LOG_LEVEL: 'x',
  };
  const failure = startReplica(main, wrong);
  await expect(failure).rejects.toThrow(/PORT: "eighty" is not allowed; allowed: a whole number/);
  await expect(failure).rejects.toThrow(/LOG_LEVEL: "x" .*debug, info/);
  await expect(failure).rejects.toThrow(/DATABASE_URL: the value \(not shown\)/);
  await expect(failure).rejects.not.toThrow(/canary/);
});

test('cookies go without Secure on loopback only', () => {
  const open = { SECURE_COOKIES: 'false', HOST: '0.0.0.0' };
  expect(() => readConfig(open)).toThrow(ConfigError);
  expect(readConfig({ ...open, HOST: '127.0.0.1' }).secureCookies).toBe(false);
  expect(readConfig({ HOST: '0.0.0.0', TRUST_PROXY: '10.0.0.0/8' }).secureCookies).toBe(true);
});

test.each(answers)(
  'a replica of $strategy on $store asked past the gateway believes no field that names a user [ASVS 7.2.1]',
  async (answer) => {
    await using replica = await startReplica(main, await environment(answer));
    const me = clientAt(replica.url);
    await me.ask('POST', '/register', { username: 'alice', password });
    await me.logIn('alice');
    const { username } = (await me.ask('GET', '/dashboard')).body;
    const plain = await fetch(`${replica.url}/dashboard`);
    const claims = ['x-user', 'x-user-id', 'x-forwarded-user', 'x-remote-user', 'remote-user'];
    const spoofs: Record<string, string>[] = [
      ...claims.map((name) => ({ [name]: username })),
      { 'x-authenticated-userid': username, 'x-forwarded-for': '127.0.0.1' },
      { authorization: `Basic ${Buffer.from(`${username}:x`).toString('base64')}` },
      { forwarded: 'for=127.0.0.1;proto=https', 'x-forwarded-proto': 'https' },
    ];
    for (const headers of spoofs) {
      const answered = await fetch(`${replica.url}/dashboard`, { headers });
      expect(answered.status).toBe(401);
      const [body, same] = [await answered.json(), await plain.clone().json()];
      expect({ ...Object(body), requestId: '' }).toEqual({ ...Object(same), requestId: '' });
    }
  },
);
