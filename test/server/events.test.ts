// An event stream lives as long as its session and no longer, on whichever server the session ends;
// it keeps no session alive, and leaves nothing behind.

import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { OperatingError } from '../../src/core/errors.ts';
import type { Session } from '../../src/core/session.ts';
import { memory } from '../../src/revocations/memory.ts';
import type { Environment } from '../../src/server/config.ts';
import { SessionWatch, type WatchEnd } from '../../src/server/session-watch.ts';
import { newSealingKeys } from '../../src/strategies/sealing.ts';
import type { Recogniser } from '../../src/strategies/strategy.ts';
import { freshDatabase } from '../support/backing.ts';
import { answers, type Client, clientAt, password, startApp } from './ground.ts';

async function start(answer: (typeof answers)[number], changes: Environment = {}) {
  const server = await startApp(answer, changes);
  onTestFinished(() => server[Symbol.asyncDispose]());
  const url = await server.app.listen({ port: 0, host: '127.0.0.1' });
  return { ...server, url };
}

interface Stream {
  readonly status: number | undefined;
  readonly type: string | undefined;
  text(): string;
  ended(): boolean;
  leave(): void;
}

async function listen(url: string, client: Client): Promise<Stream> {
  const asked = httpRequest(`${url}/events`, { headers: client.credential }).end();
  asked.on('error', () => undefined);
  onTestFinished(() => void asked.destroy());
  const [answer] = await once(asked, 'response');
  let [text, ended] = ['', false];
  answer.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  answer.on('error', () => undefined);
  answer.on('end', () => {
    ended = true;
  });
  return {
    status: answer.statusCode,
    type: answer.headers['content-type'],
    text: () => text,
    ended: () => ended,
    leave: () => asked.destroy(),
  };
}

const soon = { timeout: 10_000, interval: 20 };

const sealed = {
  STRATEGY: 'sealed-cookie',
  SEALING_KEYS: newSealingKeys(),
  REVOCATIONS: 'postgres',
};

describe.each([
  { answer: answers[0], name: 'token', changes: {} },
  { answer: answers[2], name: 'session on redis', changes: {} },
  { answer: answers[2], name: 'session on cached', changes: { STORE: 'cached' } },
  { answer: answers[1], name: 'sealed-cookie', changes: sealed },
])('$name', ({ answer, changes }) => {
  let shared: Environment;
  beforeEach(async () => {
    shared = { DATABASE_URL: await freshDatabase(), ...changes };
  });

  async function loggedIn(url: string): Promise<Client> {
    const me = clientAt(url);
    await me.ask('POST', '/register', { username: 'alice', password });
    expect((await me.logIn('alice')).status).toBe(200);
    return me;
  }

  test('a stream says that it is ready, and ends with the session [ASVS 7.4.1]', async () => {
    const { url } = await start(answer, shared);
    const me = await loggedIn(url);
    const stream = await listen(url, me);
    expect([stream.status, stream.type]).toEqual([200, 'text/event-stream']);
    await expect.poll(stream.text, soon).toMatch(/^event: ready\ndata: {"handle":"[\w-]+"}\n\n/);
    expect((await me.ask('POST', '/logout')).status).toBe(204);
    await expect.poll(stream.ended, soon).toBe(true);
    expect(stream.text()).toMatch(/\nevent: session-ended\ndata: {"handle":"[\w-]+"}\n\n$/);
  });

  test('it ends as well when the session ends on another server, and others go on', async () => {
    const [here, there] = [await start(answer, shared), await start(answer, shared)];
    const [phone, laptop] = [await loggedIn(here.url), await loggedIn(here.url)];
    const streams = [await listen(here.url, phone), await listen(here.url, laptop)] as const;
    const elsewhere = clientAt(there.url);
    elsewhere.credential = phone.credential;
    expect((await elsewhere.ask('POST', '/logout')).status).toBe(204);
    await expect.poll(streams[0].ended, soon).toBe(true);
    expect(streams[1].ended()).toBe(false);
    expect(streams[1].text()).not.toContain('session-ended');
  });

  test('an open stream keeps no session alive [ASVS 7.3.1]', async () => {
    const { url } = await start(answer, { ...shared, IDLE_MS: '2000' });
    const stream = await listen(url, await loggedIn(url));
    await expect.poll(stream.text, soon).toContain('session-ended');
  });
});

describe('on one server', () => {
  async function streaming(changes: Environment = {}) {
    const server = await start(answers[1], changes);
    const me = clientAt(server.url);
    await me.ask('POST', '/register', { username: 'alice', password });
    await me.logIn('alice');
    const stream = await listen(server.url, me);
    return { server, me, stream };
  }

  test('a stream beats while nothing happens, so that nobody takes it for dead', async () => {
    const { stream } = await streaming({ REQUEST_TIMEOUT_MS: '200' });
    await expect.poll(() => stream.text().match(/: alive/g)?.length ?? 0, soon).toBeGreaterThan(4);
    expect(stream.ended()).toBe(false);
  });

  test('a session has so many streams, and one that was left makes room', async () => {
    const { server, me, stream } = await streaming();
    const more = [];
    for (let n = 0; n < 3; n += 1) more.push(await listen(server.url, me));
    expect(more.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect((await listen(server.url, me)).status).toBe(429);
    stream.leave();
    await expect.poll(async () => (await listen(server.url, me)).status, soon).toBe(200);
  });

  test('a server that closes ends its streams, and says nothing of the session', async () => {
    const { server, stream } = await streaming();
    await expect.poll(stream.text, soon).toContain('ready');
    await server.app.close();
    await expect.poll(stream.ended, soon).toBe(true);
    expect(stream.text()).not.toContain('session-ended');
  });

  test('nobody has no stream', async () => {
    const { server } = await streaming();
    expect((await listen(server.url, clientAt(server.url))).status).toBe(401);
  });
});

test('a watch learns of an ending from the log at once, whatever the store says', async () => {
  await using log = await memory.open({ timeoutMs: 1_000, stalenessMs: 5_000 });
  const recogniser = { stands: () => true } as Partial<Recogniser> as Recogniser;
  using watch = new SessionWatch({ recogniser, revocations: log });
  const heard: WatchEnd[] = [];
  const until = Date.now() + 60_000;
  const session = { id: 'i', userId: 'u', handle: 'h', epoch: 0, absoluteExpiresAt: until };
  const listening = () => watch.whileSessionLives(session as Session, (how) => heard.push(how));
  listening();
  await log.endSession('other', until);
  await log.endUser('other', until);
  await log.endUser('u', until, session);
  expect(heard).toEqual([]);
  await log.endUser('u', until);
  expect(heard).toEqual(['ended']);
  listening();
  await log.endSession('i', until);
  expect(heard).toEqual(['ended', 'ended']);
  expect(watch.watchers(session as Session)).toBe(0);
});

test('a watch ends without a word for the session when nobody can tell for too long', async () => {
  const stands = async () => {
    throw new OperatingError('store-unavailable');
  };
  using watch = new SessionWatch({ recogniser: { stands } as Partial<Recogniser> as Recogniser });
  const heard: WatchEnd[] = [];
  const session = { userId: 'u', handle: 'h', absoluteExpiresAt: Date.now() + 60_000 };
  const begun = Date.now();
  watch.whileSessionLives(session as Session, (how) => heard.push(how));
  await expect.poll(() => heard, soon).toEqual(['unknown']);
  expect(Date.now() - begun).toBeGreaterThanOrEqual(5_000);
});
