// How a server ends under load: nobody notices, and a second signal does not wait. The rolling
// restart is what a deployment does: servers are told to end by a signal alone, and the gateway
// finds out by asking whether they are ready. ROLLING_ROUNDS=10 is the long form.

import { once } from 'node:events';
import { Agent, get, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Pool } from 'undici';
import { expect, test } from 'vitest';
import { freePort } from '../../src/backing/process.ts';
import * as gateways from '../../src/gateways/index.ts';
import {
  answers,
  Client,
  clientAt,
  environment,
  password,
  type Send,
  startReplica,
} from './ground.ts';

const main = '../../src/server/main.ts';
const onMemory = answers[1];
const onRedis = answers[2];
const rounds = Number(process.env.ROLLING_ROUNDS ?? 1);

/** With so many connections as a front door has: what is too much waits here, and is counted. */
function through(pool: Pool): Send {
  return async (method, path, body, headers) => {
    const json = body === undefined ? {} : { 'content-type': 'application/json' };
    const answer = await pool.request({
      method: method as 'GET',
      path,
      headers: { ...json, ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await answer.body.text();
    const entries = Object.entries(answer.headers).map(([name, value]) => [name, String(value)]);
    return {
      status: answer.statusCode,
      headers: Object.fromEntries(entries),
      body: text === '' ? undefined : JSON.parse(text),
    };
  };
}

/** Requests at a steady pace, whether or not those before have been answered. */
class Load {
  sent = 0;
  readonly failures: string[] = [];
  readonly latenciesMs: number[] = [];
  readonly #clients: readonly Client[];
  readonly #open = new Set<Promise<void>>();
  readonly #timer: NodeJS.Timeout;

  constructor(clients: readonly Client[], perSecond: number) {
    this.#clients = clients;
    const startedMs = performance.now();
    this.#timer = setInterval(() => {
      const due = ((performance.now() - startedMs) * perSecond) / 1_000;
      while (this.sent < due) this.#send();
    }, 5);
  }

  async end(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#open);
  }

  #send(): void {
    const client = this.#clients[this.sent % this.#clients.length] as Client;
    const writes = this.sent % 3 === 0;
    this.sent += 1;
    const startedMs = performance.now();
    const asked = writes
      ? client.ask('POST', '/cart/items', { item: 'apple', quantity: 1 })
      : client.ask('GET', '/dashboard');
    const judged = asked
      .then(({ status, body }) => {
        this.latenciesMs.push(performance.now() - startedMs);
        if (status !== 200) this.failures.push(`${writes ? 'POST' : 'GET'} ${status} ${body.code}`);
      })
      .catch((error: Error) => this.failures.push(`${error.message}: ${String(error.cause)}`))
      .then(() => void this.#open.delete(judged));
    this.#open.add(judged);
  }
}

test('no request fails while three replicas restart in turn under 300 requests a second', {
  timeout: 60_000 + rounds * 60_000,
}, async () => {
  const env = { ...(await environment(onRedis)), DRAIN_MS: '1500', LOG_LEVEL: 'warn' };
  await using stack = new AsyncDisposableStack();
  const start = async (port: number) =>
    stack.use(await startReplica(main, { ...env, PORT: String(port) }));
  const ports = [await freePort(), await freePort(), await freePort()];
  const replicas = await Promise.all(ports.map(start));
  const upstreams = replicas.map(({ url }, index) => ({ name: `s${index + 1}`, url }));
  const gateway = stack.use(
    await gateways.node.start({
      groups: [{ name: 'servers', policy: 'round-robin', upstreams }],
      routes: [{ path: '/', group: 'servers' }],
      listen: { port: 0 },
      seed: 'rolling',
      answerTimeoutMs: 10_000,
    }),
  );
  const pool = stack.adopt(new Pool(gateway.url, { connections: 64 }), (each) => each.close());
  const clients = await Promise.all(
    Array.from({ length: 12 }, async (_, index) => {
      const client = new Client(through(pool));
      await client.ask('POST', '/register', { username: `user${index}`, password });
      expect((await client.logIn(`user${index}`)).status).toBe(200);
      return client;
    }),
  );
  const load = new Load(clients, 300);
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, { url, child, ended }] of replicas.entries()) {
      child.kill('SIGTERM');
      expect(await ended).toBe(0);
      replicas[index] = await start(Number(new URL(url).port));
      // The gateway must take the new one in before the next one leaves.
      await delay(750);
    }
  }
  await load.end();
  const sorted = load.latenciesMs.toSorted((a, b) => a - b);
  const p99 = sorted[Math.floor(sorted.length * 0.99)] ?? 0;
  console.log(`${load.sent} requests, ${load.failures.length} failed, p99 ${p99.toFixed(0)} ms`);
  expect(load.failures.slice(0, 5)).toEqual([]);
  expect(load.sent).toBeGreaterThan(rounds * 1_000);
});

/** An answer on a connection that is kept, if the server keeps it. */
async function askOn(agent: Agent, url: string): Promise<IncomingMessage> {
  const [answer] = (await once(get(url, { agent }), 'response')) as [IncomingMessage];
  answer.resume();
  await once(answer, 'end');
  return answer;
}

test('a server that drains is not ready, answers, and closes each connection with its answer', async () => {
  const env = { ...(await environment(onMemory)), DRAIN_MS: '60000' };
  await using replica = await startReplica(main, env);
  using agent = Object.assign(new Agent({ keepAlive: true }), {
    [Symbol.dispose]: () => agent.destroy(),
  });
  const before = await askOn(agent, `${replica.url}/health/ready`);
  expect([before.statusCode, before.headers.connection]).toEqual([200, 'keep-alive']);
  replica.child.kill('SIGTERM');
  await expect
    .poll(async () => (await askOn(agent, `${replica.url}/health/ready`)).statusCode)
    .toBe(503);
  const during = await askOn(agent, `${replica.url}/dashboard`);
  expect([during.statusCode, during.headers.connection]).toEqual([401, 'close']);
  replica.child.kill('SIGTERM');
  expect(await replica.ended).toBe(1);
});

test('what is not finished at the deadline is broken off, and said so', async () => {
  const env = { ...(await environment(onMemory)), END_DEADLINE_MS: '300' };
  await using replica = await startReplica(main, env);
  const socket = connect(Number(new URL(replica.url).port), '127.0.0.1');
  socket.on('error', () => undefined);
  const head = 'POST /login HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n';
  await new Promise((sent) => socket.write(`${head}content-length: 50\r\n\r\n{`, sent));
  await clientAt(replica.url).ask('GET', '/health/live');
  replica.child.kill('SIGTERM');
  expect(await replica.ended).toBe(1);
  expect(replica.output()).toContain('broken off at the deadline');
  socket.destroy();
});

test('a stream of events is ended with the server, and does not hold it up', async () => {
  await using replica = await startReplica(main, await environment(onMemory));
  const me = clientAt(replica.url);
  await me.ask('POST', '/register', { username: 'alice', password });
  await me.logIn('alice');
  const stream = await fetch(`${replica.url}/events`, { headers: me.credential });
  expect(stream.status).toBe(200);
  replica.child.kill('SIGTERM');
  expect(await replica.ended).toBe(0);
  const told = await stream.text();
  expect(told).toContain('event: ready');
  expect(told).not.toContain('session-ended');
});
