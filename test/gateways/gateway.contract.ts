// What every gateway owes its clients and its servers, over real sockets and a real process.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { Agent } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { AccessLine } from '../../src/gateways/access-line.ts';
import { securityFields } from '../../src/gateways/border.ts';
import type { Gateway, GatewayOptions, RunningGateway } from '../../src/gateways/gateway.ts';
import * as policies from '../../src/policies/index.ts';
import {
  type Answer,
  ask,
  converse,
  type Question,
  see,
  type Upgraded,
  upgrade,
} from './asking.ts';
import { tls } from './tls.contract.ts';
import { TestServer } from './upstream.ts';

const PARENT = fileURLToPath(new URL('./parent.ts', import.meta.url));
const patience = { timeout: 8_000, interval: 20 };

interface Stage {
  readonly url: string;
  readonly running: RunningGateway;
  readonly servers: readonly TestServer[];
  readonly s1: TestServer;
  readonly s2: TestServer;
}

async function server(name: string): Promise<TestServer> {
  const started = new TestServer(name);
  await started.start();
  onTestFinished(() => started.kill());
  return started;
}

function upstream({ name, url }: TestServer) {
  return { name, url };
}

interface Wish extends Partial<GatewayOptions> {
  readonly policy?: string;
}

async function stage(gateway: Gateway, wish: Wish = {}): Promise<Stage> {
  const { policy = 'round-robin', ...options } = wish;
  const [s1, s2] = [await server('s1'), await server('s2')];
  const running = await gateway.start({
    groups: [{ name: 'servers', policy, upstreams: [s1, s2].map(upstream) }],
    routes: [{ path: '/', group: 'servers' }],
    listen: { port: 0 },
    seed: 'contract',
    answerTimeoutMs: 10_000,
    ...options,
  });
  onTestFinished(async () => await running[Symbol.asyncDispose]());
  return { url: running.url, running, servers: [s1, s2], s1, s2 };
}

function problemCode(answer: Answer): string {
  expect(answer.fields['content-type']).toContain('application/problem+json');
  const problem = JSON.parse(answer.body) as { code: string; status: number };
  expect(problem.status).toBe(answer.status);
  return problem.code;
}

function affinity(answer: { fields: Answer['fields'] }): string | undefined {
  const ours = answer.fields['set-cookie']?.find((line) => line.startsWith('affinity_servers='));
  return ours?.split(';', 1)[0];
}

function isUpgraded(outcome: Upgraded | Answer): outcome is Upgraded {
  return 'socket' in outcome;
}

export function gatewayContract(name: string, gateway: Gateway): void {
  describe(`${name}: a request goes through unchanged`, () => forwarding(gateway));
  describe(`${name}: the path decides about the group`, () => routing(gateway));
  describe(`${name}: what it says about the client is what it sees`, () => honesty(gateway));
  describe(`${name}: a request is given to one server`, () => failures(gateway));
  describe(`${name}: health decides who is asked`, () => health(gateway));
  describe(`${name}: affinity is the gateway's own cookie`, () => stickiness(gateway));
  describe(`${name}: a WebSocket goes through`, () => sockets(gateway));
  describe(`${name}: over TLS`, () => tls(gateway));
  describe(`${name}: while it serves`, () => changes(gateway));
  describe(`${name}: the process`, () => life(name, gateway));
}

function forwarding(gateway: Gateway): void {
  test.each(['GET', 'POST', 'PUT', 'PATCH', 'DELETE'])(
    '%s, with and without a body',
    async (method) => {
      const { url } = await stage(gateway);
      const body = 'a body, naïve';
      const fields = { 'x-own': 'kept' };
      expect(await see(`${url}/a/b?c=d&e`, { method, body, fields })).toMatchObject({
        method,
        url: '/a/b?c=d&e',
        body,
        headers: { 'x-own': 'kept' },
      });
      expect(await see(`${url}/`, { method })).toMatchObject({ method, body: '' });
      const chunked = { 'transfer-encoding': 'chunked' };
      expect(await see(`${url}/`, { method, body, fields: chunked })).toMatchObject({ body });
    },
  );

  test('the status, the fields and every cookie of the answer', async () => {
    const { url } = await stage(gateway);
    const answer = await ask(`${url}/teapot`);
    expect(answer.status).toBe(418);
    expect(answer.fields).toMatchObject({ 'x-kind': 'own', 'x-gateway-tries': '1' });
    expect(answer.fields['set-cookie']).toEqual(['a=1; Path=/', 'b=2']);
    expect(answer.fields.server).not.toBe('TestServer/1');
    expect(await ask(`${url}/`, { method: 'HEAD' })).toMatchObject({ status: 200, body: '' });
  });

  test('a stream, while it is being sent', async () => {
    const { url } = await stage(gateway);
    const { hostname, port } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port) });
    onTestFinished(() => void socket.destroy());
    let heard = '';
    socket.on('data', (chunk) => {
      heard += chunk.toString();
    });
    socket.write('POST /echo-stream HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n');
    socket.write('5\r\nfirst\r\n');
    await vi.waitFor(() => expect(heard).toContain('first'), patience);
    socket.write('6\r\nsecond\r\n0\r\n\r\n');
    await vi.waitFor(() => expect(heard).toContain('second'), patience);
  });

  test('a stream of events, though it is silent for longer than an answer may take', async () => {
    const { url } = await stage(gateway, { answerTimeoutMs: 1_000 });
    const fields = { accept: 'text/event-stream' };
    const { body } = await ask(`${url}/events?ms=2500`, { fields });
    expect(body).toBe('data: first\n\ndata: last\n\n');
  });

  test('a hundred at once are answered each with its own body', async () => {
    const { url } = await stage(gateway);
    const bodies = Array.from({ length: 100 }, (_, index) => `body ${index}`);
    const seen = await Promise.all(
      bodies.map((body, index) =>
        see(`${url}/late?ms=${(index * 37) % 100}`, { method: 'POST', body }),
      ),
    );
    expect(seen.map(({ body }) => body)).toEqual(bodies);
  });

  test.each(Object.keys(policies))('by %s', async (policy) => {
    const { url } = await stage(gateway, { policy });
    const addresses = Array.from({ length: 24 }, (_, index) => `127.0.0.${index + 1}`);
    const by = await Promise.all(
      addresses.map(async (localAddress) => (await see(url, { localAddress })).by),
    );
    expect(new Set(by)).toEqual(new Set(['s1', 's2']));
  });
}

function routing(gateway: Gateway): void {
  const long = `/${'of-thirty-characters-'.padEnd(29, 'x')}`;

  async function site() {
    const servers = await Promise.all(['a1', 'b1', 'c1'].map(server));
    const groups = servers.map((each) => {
      return { name: `group-${each.name}`, policy: 'sticky-cookie', upstreams: [upstream(each)] };
    });
    const routes = [
      { path: '/api/a/', base: '/api/a', group: 'group-a1' },
      { path: '/api/a/login', base: '/api/a', group: 'group-b1' },
      { path: '/api/a/admin/', base: '/api/a', group: 'group-b1' },
      { path: '/api/a/metrics', base: '/api/a' },
      { path: `${long}/`, base: long, group: 'group-c1' },
      { path: '/plain/', group: 'group-c1' },
      { path: '/plain/closed/' },
    ];
    return await stage(gateway, { groups, routes });
  }

  test.each([
    ['/api/a/', 'a1', '/'],
    ['/api/a/x?y=/api/a/login', 'a1', '/x?y=/api/a/login'],
    ['/api/a/login', 'b1', '/login'],
    ['/api/a/login?next=%2F', 'b1', '/login?next=%2F'],
    ['/api/a/login/', 'a1', '/login/'],
    ['/api/a/logins', 'a1', '/logins'],
    ['/api/a/admin/users/%C3%A4%20b', 'b1', '/admin/users/%C3%A4%20b'],
    ['/api/a/admin', 'a1', '/admin'],
    ['/plain/api/a/', 'c1', '/plain/api/a/'],
    [`${long}/x?y`, 'c1', '/x?y'],
  ])('%s leads to %s, who is asked for %s', async (path, by, shown) => {
    const { url } = await site();
    const seen = await see(`${url}${path}`);
    expect(seen).toMatchObject({ by, url: shown });
  });

  const closed = ['/api/a/metrics', '/api/a/metrics?x', '/plain/closed/', '/plain/closed/x'];
  test.each(['/', '/api', '/api/a', '/api/b/', '/plain', '/API/a/', ...closed])(
    '%s leads nowhere: 404',
    async (path) => {
      const { url } = await site();
      const answer = await ask(`${url}${path}`);
      expect([answer.status, problemCode(answer)]).toEqual([404, 'not-found']);
    },
  );

  test('a group without servers takes no other down with it', async () => {
    const { url, running } = await site();
    await running.route('group-a1', []);
    expect(problemCode(await ask(`${url}/api/a/`))).toBe('no-server');
    expect((await see(`${url}/api/a/login`)).by).toBe('b1');
  });

  test('a group is shown the cookies that it names, as each is sent first, and no others', async () => {
    const [a1, b1, c1] = [await server('a1'), await server('b1'), await server('c1')];
    const group = (each: TestServer, cookies?: readonly string[]) => {
      const upstreams = [upstream(each)];
      return { name: each.name, policy: 'sticky-cookie', upstreams, ...(cookies && { cookies }) };
    };
    const groups = [group(a1, ['__Host-a', '__Secure-d.x']), group(b1, []), group(c1)];
    const routes = groups.map(({ name }) => ({ path: `/${name}/`, group: name }));
    const { url } = await stage(gateway, { groups, routes });
    const shown = async (path: string, cookie: string) =>
      (await see(url + path, { fields: { cookie } })).headers.cookie;
    const all =
      'x=1; __Secure-dax=2;__Host-a=3; __Host-ab=4; y__Host-a=5; __Host-a=6; __Secure-d.x=';
    expect(await shown('/a1/', `affinity_a1=a1; ${all}`)).toBe('__Host-a=3; __Secure-d.x=');
    expect(await shown('/a1/', '__Secure-d.x=7')).toBe('__Secure-d.x=7');
    for (const cookie of ['x=1', 'x=__Host-a=3', '__host-a=3', '__Host-a']) {
      expect(await shown('/a1/', cookie)).toBeUndefined();
    }
    expect(await shown('/b1/', all)).toBeUndefined();
    expect(await shown('/c1/', all)).toBe(all);
  });

  test('each group has a cookie of its own, and a server is shown none of them', async () => {
    const { url } = await site();
    const bound = async (path: string) => {
      const { fields } = await ask(`${url}${path}`);
      return String(fields['set-cookie']?.find((line) => line.startsWith('affinity_'))).split(
        ';',
      )[0];
    };
    const ours = [await bound('/api/a/'), await bound('/api/a/login')];
    expect(ours).toEqual(['affinity_group-a1=a1', 'affinity_group-b1=b1']);
    const cookie = [ours[0], 'session=abc', ours[1]].join('; ');
    const answer = await ask(`${url}/api/a/`, { fields: { cookie } });
    expect(JSON.parse(answer.body)).toMatchObject({ headers: { cookie: 'session=abc' } });
    expect(answer.fields['set-cookie']?.join()).not.toContain('affinity_');
  });

  test('what a gateway behind this one gave a client goes on to it', async () => {
    const { url } = await site();
    const cookie = 'affinity_group-a1=a1; affinity_behind=s2';
    expect((await see(`${url}/api/a/`, { fields: { cookie } })).headers.cookie).toBe(
      'affinity_behind=s2',
    );
  });
}

function honesty(gateway: Gateway): void {
  test('forwarding fields from clients are replaced', async () => {
    const { url } = await stage(gateway);
    const { headers } = await see(url, {
      localAddress: '127.0.0.7',
      fields: {
        host: 'shop.example',
        forwarded: 'for=6.6.6.6',
        'x-forwarded-for': '6.6.6.6',
        'x-forwarded-proto': 'https',
        'x-forwarded-host': 'evil.example',
        'x-forwarded-port': '666',
        'x-real-ip': '6.6.6.6',
      },
    });
    expect(headers).toMatchObject({
      host: 'shop.example',
      forwarded: 'for=127.0.0.7;host="shop.example";proto=http',
      'x-forwarded-for': '127.0.0.7',
      'x-forwarded-proto': 'http',
      'x-forwarded-host': 'shop.example',
    });
    expect(JSON.stringify(headers)).not.toMatch(/6\.6\.6\.6|666|evil/);
  });

  test('fields of one hop stay on it', async () => {
    const { url } = await stage(gateway);
    const fields = {
      connection: 'keep-alive, TE',
      'keep-alive': 'timeout=9',
      'proxy-authorization': 'Basic c2VjcmV0',
      te: 'trailers',
    };
    const { headers } = await see(url, { fields });
    for (const field of ['keep-alive', 'proxy-authorization', 'te']) {
      expect(headers).not.toHaveProperty(field);
    }
  });

  test('a field that the connection names stays on this hop, or the request does', async () => {
    const { url, servers } = await stage(gateway);
    const fields = { connection: 'x-named, content-length', 'x-named': 'by the connection field' };
    const body = 'still framed';
    const { status } = await ask(url, { method: 'POST', body, fields });
    expect([200, 400]).toContain(status);
    const seen = servers.flatMap((each) => each.seen);
    expect(seen.map((each) => each.body)).toEqual(status === 200 ? [body] : []);
    for (const { headers } of seen) expect(headers).not.toHaveProperty('x-named');
  });

  test("a request id is made here, carried through, and never a client's own", async () => {
    const { url } = await stage(gateway);
    const id = async (given: string) => {
      const answer = await ask(url, { fields: { 'x-request-id': given } });
      const seen = JSON.parse(answer.body) as { headers: Record<string, string> };
      expect(answer.fields['x-request-id']).toBe(seen.headers['x-request-id']);
      return answer.fields['x-request-id'];
    };
    const ids = [await id('chosen-by-a-client'), await id('chosen-by-a-client')];
    for (const each of ids) expect(each).toMatch(/^[\w-]{16,}$/);
    expect(new Set(['chosen-by-a-client', ...ids]).size).toBe(3);
  });

  test.each([
    ['two hosts', 'GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n'],
    [
      'two lengths',
      'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab',
    ],
    [
      'a length and chunks',
      'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    ['no host', 'GET / HTTP/1.1\r\n\r\n'],
  ])('%s: refused with 400, and no server asked', async (_, bytes) => {
    const { url, servers } = await stage(gateway);
    const closing = bytes.replace('\r\n', '\r\nconnection: close\r\n');
    expect(await converse(url, closing)).toMatch(/^HTTP\/1\.1 400 /);
    expect(servers.flatMap(({ seen }) => seen)).toEqual([]);
  });

  test('header fields that are too large are refused with 431', async () => {
    const { url } = await stage(gateway);
    expect(await ask(url, { fields: { 'x-large': 'x'.repeat(20_000) } })).toMatchObject({
      status: 431,
    });
  });
}

function failures(gateway: Gateway): void {
  test.each(['GET', 'DELETE', 'POST'])(
    '%s: another, when the first could not be connected',
    async (method) => {
      const { url, s1, s2 } = await stage(gateway);
      await s1.kill();
      const body = method === 'POST' ? 'x'.repeat(100_000) : '';
      const answers = [];
      for (let turn = 0; turn < 6; turn += 1) answers.push(await ask(url, { method, body }));
      expect(answers.map(({ status }) => status)).toEqual(Array(6).fill(200));
      const tries = answers.map(({ fields }) => Number(fields['x-gateway-tries']));
      expect(tries.filter((count) => count > 1).length).toBeLessThanOrEqual(1);
      expect(s2.seen.map((seen) => seen.body)).toEqual(Array(6).fill(body));
    },
  );

  test.each([
    ...['GET', 'DELETE', 'POST', 'PUT'].map((method) => [method, 'with a body', 'buy'] as const),
    ...['GET', 'DELETE', 'POST'].map((method) => [method, 'without', undefined] as const),
  ])('%s %s: no other, once one has read it', async (method, _, body) => {
    const { url, servers } = await stage(gateway);
    const answer = await ask(`${url}/die`, { method, ...(body && { body }) });
    expect([answer.status, problemCode(answer)]).toEqual([502, 'server-lost']);
    expect(servers.flatMap(({ seen }) => seen)).toHaveLength(1);
  });

  test('a server that does not answer in time: 504, and no other is asked', async () => {
    const { url, servers } = await stage(gateway, { answerTimeoutMs: 500 });
    const answer = await ask(`${url}/never`, { method: 'POST', body: 'buy' });
    expect([answer.status, problemCode(answer)]).toEqual([504, 'server-silent']);
    expect(servers.flatMap(({ seen }) => seen)).toHaveLength(1);
  });

  test('an answer that breaks off is not passed off as whole', async () => {
    const { url } = await stage(gateway);
    await expect(ask(`${url}/break-off`)).rejects.toThrow();
  });

  test('no server: 503 and when to come back, and no address of a server', async () => {
    const { url, s1, s2 } = await stage(gateway);
    await Promise.all([s1.kill(), s2.kill()]);
    const answer = await ask(url, { method: 'POST', body: 'x'.repeat(1_000_000) });
    expect([answer.status, problemCode(answer)]).toEqual([503, 'no-server']);
    expect(Number(answer.fields['retry-after'])).toBeGreaterThan(0);
    for (const { url: address } of [s1, s2])
      expect(answer.body).not.toContain(new URL(address).port);
  });

  test('a client that leaves takes nothing down', async () => {
    const { url, s1, s2 } = await stage(gateway);
    const { hostname, port } = new URL(url);
    for (let turn = 0; turn < 10; turn += 1) {
      const socket = connect({ host: hostname, port: Number(port) });
      socket.write('POST /never HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nbuy');
      await vi.waitFor(() => expect(s1.seen.length + s2.seen.length).toBe(turn + 1), patience);
      socket.resetAndDestroy();
    }
    expect((await ask(url)).status).toBe(200);
  });
}

function health(gateway: Gateway): void {
  async function whoAnswers(url: string): Promise<Set<string>> {
    const seen = await Promise.all(Array.from({ length: 8 }, () => see(url)));
    return new Set(seen.map(({ by }) => by));
  }

  test('a server that comes back is asked again', async () => {
    const { url, s1 } = await stage(gateway);
    await s1.kill();
    await vi.waitFor(async () => expect(await whoAnswers(url)).toEqual(new Set(['s2'])), patience);
    await s1.start();
    await vi.waitFor(async () => expect(await whoAnswers(url)).toContain('s1'), patience);
  });

  test('a server that is not ready is spared, unless none is', async () => {
    const { url, s1, s2 } = await stage(gateway);
    s1.isReady = false;
    await vi.waitFor(async () => expect(await whoAnswers(url)).toEqual(new Set(['s2'])), patience);
    s2.isReady = false;
    // A gateway may need longer to spare s1 everywhere: both may be seen once without this.
    const checksBefore = s2.checks;
    await vi.waitFor(() => expect(s2.checks).toBeGreaterThan(checksBefore + 2), patience);
    await vi.waitFor(
      async () => expect(await whoAnswers(url)).toEqual(new Set(['s1', 's2'])),
      patience,
    );
  });

  test('a server that is added is asked at once, and one that is taken away no more', async () => {
    const { url, running, s1, s2 } = await stage(gateway);
    const s3 = await server('s3');
    await running.route('servers', [s1, s2, s3].map(upstream));
    expect(await whoAnswers(url)).toEqual(new Set(['s1', 's2', 's3']));
    await running.route('servers', [s3].map(upstream));
    expect(await whoAnswers(url)).toEqual(new Set(['s3']));
    await running.route('servers', []);
    expect((await ask(url)).status).toBe(503);
  });
}

function stickiness(gateway: Gateway): void {
  const words = ['default', 'include', 'hostnames', 'volatile'];
  test.each(words)('a group and a server may be called %s', async (word) => {
    const [own, other] = [await server(word), await server('other')];
    const one = { policy: 'sticky-cookie', upstreams: [own, other].map(upstream) };
    const groups = [
      { name: word, cookies: ['shown'], ...one },
      { name: 'others', ...one },
    ];
    const { url } = await stage(gateway, { groups, routes: [{ path: '/', group: word }] });
    const cookie = `affinity_${word}=${word}; shown=1; hidden=2`;
    for (let turn = 0; turn < 3; turn += 1) {
      const { by, headers } = await see(url, { fields: { cookie } });
      expect([by, headers.cookie]).toEqual([word, 'shown=1']);
    }
  });

  test('set once, for the browser alone, honoured, and not shown to servers', async () => {
    const { url } = await stage(gateway, { policy: 'sticky-cookie' });
    const first = await ask(url, { fields: { cookie: 'session=abc' } });
    const line = first.fields['set-cookie']?.find((each) => each.includes('affinity_servers'));
    expect(line?.split('; ').slice(1).sort()).toEqual(['HttpOnly', 'Path=/', 'SameSite=Lax']);
    expect(first.fields['set-cookie']).toContain('b=2');
    const cookie = `session=abc; ${affinity(first)}; theme=dark`;
    for (let turn = 0; turn < 6; turn += 1) {
      const answer = await ask(url, { fields: { cookie } });
      expect(affinity(answer)).toBeUndefined();
      expect(JSON.parse(answer.body)).toMatchObject({
        by: affinity(first)?.split('=')[1],
        headers: { cookie: 'session=abc; theme=dark' },
      });
    }
  });

  test('bound anew when its server has died, and when it names nobody', async () => {
    const { url, servers } = await stage(gateway, { policy: 'sticky-cookie' });
    const bound = affinity(await ask(url));
    const [home, other] = bound?.endsWith('s1') ? servers : [...servers].reverse();
    await home?.kill();
    const answer = await ask(url, { method: 'POST', body: 'x', fields: { cookie: String(bound) } });
    expect(answer.status).toBe(200);
    expect(affinity(answer)).toBe(`affinity_servers=${other?.name}`);
    const forged = await ask(url, { fields: { cookie: 'affinity_servers=../../etc' } });
    expect(affinity(forged)).toBe(`affinity_servers=${other?.name}`);
  });

  test('not set by a policy that needs none', async () => {
    const { url } = await stage(gateway);
    expect(affinity(await ask(url))).toBeUndefined();
  });
}

function sockets(gateway: Gateway): void {
  async function heard({ socket }: Upgraded, text: string): Promise<void> {
    let all = '';
    socket.on('data', (chunk) => {
      all += chunk.toString();
    });
    await vi.waitFor(() => expect(all).toBe(text), patience);
  }

  test('both ways, also past a server that refuses, for longer than an answer may take', async () => {
    const { url, s1, s2 } = await stage(gateway, { answerTimeoutMs: 1_000 });
    await s1.kill();
    for (let turn = 0; turn < 2; turn += 1) {
      const outcome = await upgrade(`${url}/live`);
      if (!isUpgraded(outcome)) throw new Error(`refused: ${outcome.status}`);
      onTestFinished(() => void outcome.socket.destroy());
      expect(outcome.fields['sec-websocket-accept']).toBe('s3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
      const checksBefore = s2.checks;
      await vi.waitFor(() => expect(s2.checks).toBeGreaterThan(checksBefore + 4), patience);
      outcome.socket.write('hello');
      await heard(outcome, 's2:hello');
    }
  });

  test.each([
    ['a WebSocket', '/live', 101],
    ['an ordinary route that is asked to become one', '/audited', 200],
  ])('%s: what every answer has, and nothing of who was served but in the log', async (...row) => {
    const [, path, status] = row;
    const folder = await mkdtemp(join(tmpdir(), 'sessionlab-gateway-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const accessLogFile = join(folder, 'access.ndjson');
    const { url, running } = await stage(gateway, { accessLogFile });
    const outcome = await upgrade(url + path);
    expect(isUpgraded(outcome) ? 101 : outcome.status).toBe(status);
    expect(outcome.fields).toMatchObject(securityFields);
    expect(outcome.fields).not.toHaveProperty('x-audit');
    if (isUpgraded(outcome)) outcome.socket.destroy();
    else expect(JSON.parse(outcome.body)).toMatchObject({ by: 's1', url: path });
    await running[Symbol.asyncDispose]();
    const line = JSON.parse(await readFile(accessLogFile, 'utf8')) as AccessLine;
    const served = { by: 's1#1', route: path, userId: 'u1', session: 'h1' };
    const requestId = outcome.fields['x-request-id'];
    expect(line).toMatchObject({ requestId, status, served, headMs: expect.any(Number) });
  });

  test('not when there is no server: 503', async () => {
    const { url, s1, s2 } = await stage(gateway);
    await Promise.all([s1.kill(), s2.kill()]);
    const outcome = await upgrade(url);
    expect(isUpgraded(outcome) ? 101 : outcome.status).toBe(503);
  });

  test('closed for the client when its server dies', async () => {
    const { url, s1, s2 } = await stage(gateway);
    const outcome = await upgrade(url);
    if (!isUpgraded(outcome)) throw new Error(`refused: ${outcome.status}`);
    const closed = once(outcome.socket.resume(), 'close');
    await Promise.all([s1.kill(), s2.kill()]);
    await closed;
  });
}

function changes(gateway: Gateway): void {
  async function status(url: string, question: Question): Promise<number> {
    return (await ask(url, { body: 'x', ...question })).status;
  }

  test('no request is lost while routes change and certificates are read anew', async () => {
    const routes = [{ path: '/late', group: 'servers' }];
    const { url, running, servers } = await stage(gateway, { routes });
    const all = [...servers, await server('s3')].map(upstream);
    const counts: Record<string, number> = {};
    let isOver = false;
    const client = async (request: () => Promise<number>) => {
      while (!isOver) {
        const outcome = await request().catch((error: Error) => String(error.cause ?? error));
        counts[outcome] = (counts[outcome] ?? 0) + 1;
      }
    };
    // Those who come anew each time, and those who keep a connection, in which a gateway that
    // answers by itself finds a pause at every moment.
    const anew = (method: string) => () => status(`${url}/late?ms=5`, { method });
    const kept = (path: string) => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      onTestFinished(() => agent.destroy());
      return () => status(url + path, { method: 'POST', agent });
    };
    const clients = [
      ...['GET', 'POST', 'PUT', 'DELETE'].map((method) => client(anew(method))),
      ...Array.from({ length: 4 }, () => client(kept('/late?ms=5'))),
      ...Array.from({ length: 16 }, () => client(kept('/nowhere'))),
    ];
    for (let turn = 0; turn < 8 || (counts[200] ?? 0) < 200; turn += 1) {
      const without = all[turn % all.length];
      if (turn % 4 === 3) await running.reload();
      else
        await running.route(
          'servers',
          all.filter((each) => each !== without),
        );
    }
    isOver = true;
    await Promise.all(clients);
    expect(Object.keys(counts)).toEqual(['200', '404']);
  });

  test('one client may not take what all need', async () => {
    if (gateway.lacks['client-limits'] !== undefined) return;
    const limits = { requestsPerSecond: 5, connections: 3 };
    const { url } = await stage(gateway, { limits });
    const answers = await Promise.all(Array.from({ length: 30 }, () => ask(url)));
    const refused = answers.filter(({ status }) => status !== 200);
    expect(refused.length).toBeGreaterThan(15);
    expect(new Set(refused.map(problemCode))).toEqual(new Set(['overloaded']));
    expect(Number(refused[0]?.fields['retry-after'])).toBeGreaterThan(0);
    expect((await ask(url, { localAddress: '127.0.0.9' })).status).toBe(200);
  });

  test('a body that grows too large is cut off: 413', async () => {
    const { url, servers } = await stage(gateway);
    const answer = await ask(url, { method: 'POST', body: 'x'.repeat(1_048_577) });
    expect([answer.status, problemCode(answer)]).toEqual([413, 'payload-too-large']);
    expect(servers.flatMap(({ seen }) => seen)).toEqual([]);
    const whole = await ask(url, { method: 'POST', body: 'x'.repeat(1_048_576) });
    expect(whole.status).toBe(200);
  });
}

function life(name: string, gateway: Gateway): void {
  test('logs each request in a line of JSON, without anything secret', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sessionlab-gateway-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const accessLogFile = relative(process.cwd(), join(folder, 'access.ndjson'));
    const { url, running } = await stage(gateway, { accessLogFile });
    const fields = {
      authorization: 'Bearer s3cret',
      cookie: 'session=s3cret',
      'x-request-id': 'r1',
    };
    await ask(`${url}/cart?token=s3cret`, { method: 'POST', fields, body: 's3cret' });
    await ask(`${url}/die`);
    await running[Symbol.asyncDispose]();
    const log = await readFile(accessLogFile, 'utf8');
    expect(log).not.toContain('s3cret');
    const lines = log.trimEnd().split('\n');
    const logged = lines.map((line) => JSON.parse(line) as AccessLine);
    const [first, second] = ['POST', 'GET'].map((of) => logged.find(({ method }) => method === of));
    expect(lines).toHaveLength(2);
    expect(first).toMatchObject({
      client: '127.0.0.1',
      method: 'POST',
      path: '/',
      served: null,
      status: 200,
      upstream: 's1',
      tries: 1,
    });
    expect(first?.time).toMatch(/^\d{4}-\d\d-\d\dT/);
    expect(second).toMatchObject({ path: '/', status: 502, upstream: 's2' });
  });

  test('opens a log that was renamed anew, and loses no line over it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sessionlab-gateway-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const accessLogFile = join(folder, 'access.ndjson');
    const { url, running } = await stage(gateway, { accessLogFile });
    const ids = async (file: string) =>
      (await readFile(file, 'utf8')).match(/(?<="requestId":")[^"]+/g);
    const first = await ask(url);
    const logged = [first.fields['x-request-id']];
    await vi.waitFor(async () => expect(await ids(accessLogFile)).toEqual(logged), patience);
    await rename(accessLogFile, `${accessLogFile}.1`);
    await running.reload();
    const second = await ask(url);
    await running[Symbol.asyncDispose]();
    expect(await ids(`${accessLogFile}.1`)).toEqual(logged);
    expect(await ids(accessLogFile)).toEqual([second.fields['x-request-id']]);
  });

  test('is gone when it has been told to stop', async () => {
    const { running, url } = await stage(gateway);
    const live = await upgrade(url);
    expect(isUpgraded(live)).toBe(true);
    await running[Symbol.asyncDispose]();
    await expect(ask(running.url)).rejects.toThrow(/ECONNREFUSED/);
    expect(() => process.kill(running.pid, 0)).toThrow(/ESRCH/);
    await expect(running.route('servers', [])).rejects.toMatchObject({
      code: 'gateway-unavailable',
    });
  });

  test('does not start on a port in use, and says so', async () => {
    const { url } = await stage(gateway);
    const again = stage(gateway, {
      listen: { port: Number(new URL(url).port) },
    });
    await expect(again).rejects.toMatchObject({ code: 'gateway-unavailable' });
  });

  test('does not outlive a parent that is killed', async () => {
    const parent = spawn(process.execPath, [PARENT, name], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = await once(parent.stdout, 'data');
    const { url } = JSON.parse(String(line)) as { url: string };
    expect((await ask(url)).status).toBe(503);
    parent.kill('SIGKILL');
    await vi.waitFor(() => expect(ask(url)).rejects.toThrow(/ECONNREFUSED/), patience);
  });

  test('leaves nobody behind when it is killed itself', async () => {
    const { running, url } = await stage(gateway);
    process.kill(running.pid, 'SIGKILL');
    await running.ended;
    await vi.waitFor(() => expect(ask(url)).rejects.toThrow(/ECONNREFUSED/), patience);
    await expect(running.reload()).rejects.toMatchObject({ code: 'gateway-unavailable' });
  });
}
