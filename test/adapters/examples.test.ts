// The examples are programs that people copy, so they are run as programs, and talked to.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { request } from 'node:http';
import { createInterface } from 'node:readline';
import { describe, expect, inject, test } from 'vitest';
import { openBacking } from '../../src/backing/backing.ts';

interface Example extends AsyncDisposable {
  readonly url: string;
}

async function run(name: string, env: Readonly<Record<string, string>> = {}): Promise<Example> {
  const child = spawn(process.execPath, [`examples/${name}.ts`], {
    env: { ...process.env, REDIS_URL: '', PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const died = once(child, 'exit').then(([code]) => [`${name} ended with ${code}`]);
  const [line] = await Promise.race([once(createInterface(child.stdout), 'line'), died]);
  const url = /http:\S+/.exec(String(line))?.[0];
  if (url === undefined) throw new Error(String(line));
  return {
    url,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await died;
    },
  };
}

class Browser {
  readonly #url: string;
  cookie = '';

  constructor(url: string) {
    this.#url = url;
  }

  async ask(method: string, path: string, more: Readonly<Record<string, string>> = {}) {
    const headers = { cookie: this.cookie, ...more };
    const answer = await fetch(this.#url + path, { method, headers });
    for (const set of answer.headers.getSetCookie()) this.#keep(set.split(';')[0] ?? '');
    const text = await answer.text();
    const isJson = answer.headers.get('content-type')?.includes('json');
    const retryAfter = answer.headers.get('retry-after');
    return { status: answer.status, retryAfter, body: isJson ? JSON.parse(text) : undefined };
  }

  #keep(pair: string): void {
    const mark = pair.slice(0, pair.indexOf('=') + 1);
    const others = this.cookie.split('; ').filter((each) => each && !each.startsWith(mark));
    this.cookie = [...others, ...(pair === mark ? [] : [pair])].join('; ');
  }

  copy(): Browser {
    return Object.assign(new Browser(this.#url), { cookie: this.cookie });
  }
}

const redisUrl = inject('redisUrl');
const places = { memory: {}, ...(redisUrl && { redis: { REDIS_URL: redisUrl } }) };

describe.each(Object.entries(places))('on %s', (_place, env) => {
  test.each(['fastify', 'express', 'hono'])('%s: recognises, changes, forgets', async (name) => {
    await using example = await run(name, env);
    const alice = new Browser(example.url);
    expect(await alice.ask('GET', '/dashboard')).toMatchObject({
      status: 401,
      body: { code: 'not-authenticated' },
    });
    await alice.ask('POST', '/login');
    const thief = alice.copy();
    const foreign = { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' };
    expect((await alice.ask('POST', '/logout', foreign)).status).toBe(403);
    expect((await alice.ask('GET', '/dashboard')).body).toEqual({ username: 'alice', visits: 1 });
    expect((await thief.ask('GET', '/dashboard')).body).toEqual({ username: 'alice', visits: 2 });
    expect((await alice.ask('POST', '/logout')).status).toBe(204);
    expect((await alice.ask('GET', '/dashboard')).status).toBe(401);
    expect((await thief.ask('GET', '/dashboard')).status).toBe(401);
    expect((await new Browser(example.url).ask('POST', '/logout')).status).toBe(204);
  });
});

test.each(['fastify', 'express', 'hono'])(
  '%s: an outage is told, whoever is asking',
  async (name) => {
    await using backing = await openBacking();
    const redis = await backing.startRedis();
    if (redis === undefined) throw new Error(backing.redisHint);
    await using example = await run(name, { REDIS_URL: redis.url });
    const alice = new Browser(example.url);
    expect((await alice.ask('POST', '/login')).status).toBe(200);
    const { cookie } = alice;
    await redis[Symbol.asyncDispose]();
    const told = { status: 503, retryAfter: '1' };
    expect(await alice.ask('GET', '/dashboard'), 'by the recognition').toMatchObject(told);
    const login = new Browser(example.url).ask('POST', '/login');
    expect(await login, 'by a handler').toMatchObject(told);
    expect(alice.cookie).toBe(cookie);
  },
);

/** Logs out while a request that loaded the session is under way; is the session back after it? */
async function raceOf(example: Example): Promise<{ before: number; after: number }> {
  const alice = new Browser(example.url);
  await alice.ask('POST', '/login');
  const thief = alice.copy();
  const headers = { cookie: alice.cookie, 'transfer-encoding': 'chunked' };
  const slow = request(`${example.url}/slow`, { method: 'POST', headers });
  slow.flushHeaders();
  await once(slow, 'information');
  expect((await alice.ask('POST', '/logout')).status).toBe(204);
  const before = (await thief.copy().ask('GET', '/dashboard')).status;
  slow.end();
  const [answer] = await once(slow, 'response');
  answer.resume();
  await once(answer, 'end');
  return { before, after: (await thief.copy().ask('GET', '/dashboard')).status };
}

describe('express-session', () => {
  test('on its own store a request in flight brings a logged-out session back', async () => {
    await using example = await run('express-session', { STORE: 'theirs' });
    expect(await raceOf(example)).toEqual({ before: 401, after: 200 });
  });

  test.each(Object.entries(places))('on ours, on %s, it stays out', async (_place, env) => {
    await using example = await run('express-session', env);
    const bob = new Browser(example.url);
    await bob.ask('POST', '/login');
    expect((await bob.ask('GET', '/dashboard')).body).toEqual({ username: 'alice', visits: 1 });
    expect((await bob.ask('GET', '/dashboard')).body).toEqual({ username: 'alice', visits: 2 });
    for (let n = 0; n < 20; n += 1) {
      expect(await raceOf(example)).toEqual({ before: 401, after: 401 });
    }
    expect((await bob.ask('GET', '/dashboard')).body).toEqual({ username: 'alice', visits: 3 });
  });
});
