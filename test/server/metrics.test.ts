// What operators are shown: counters and latencies that tell what happened, spans that fit
// together, security events with the real reason; and in none of them what only the user may know.

import { context, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { expect, onTestFinished, test } from 'vitest';
import type { SecurityEvent } from '../../src/core/security-event.ts';
import { answers, type Client, clientOf, password, startApp } from './ground.ts';

const onRedis = answers[2];
const typed = 'eve"} 1\nCANARY-name';

/** The samples of the exposition by name and labels. */
async function scrape(client: Client): Promise<Map<string, number>> {
  const { body } = await client.copy().ask('GET', '/metrics');
  const lines = String(body)
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const at = line.lastIndexOf(' ');
      return [line.slice(0, at), Number(line.slice(at + 1))];
    }),
  );
}

test.each(answers)('what happens to sessions of $strategy on $store is counted', async (answer) => {
  await using server = await startApp(answer, { REVOCATIONS: 'memory', SESSIONS_MAX: '2' });
  const me = clientOf(server.app);
  await me.ask('POST', '/register', { username: 'alice', password });
  await me.logIn('alice');
  await me.ask('POST', '/refresh', me.refreshToken && { refreshToken: me.refreshToken });
  await me.ask('GET', '/dashboard');
  const other = clientOf(server.app);
  await other.logIn('alice');
  other.credential = { ...other.credential, ...forged(other.credential) };
  await other.ask('GET', '/dashboard');
  await me.ask('POST', '/logout');
  for (let more = 0; more < 2; more += 1) await clientOf(server.app).logIn('alice');

  const seen = await scrape(me);
  const count = (name: string) => seen.get(`sessionlab_${name}`) ?? 0;
  expect(count('sessions_issued_total')).toBe(4);
  expect(count('refreshes_total{outcome="ok"}')).toBe(1);
  expect(count('sessions_ended_total{reason="logout"}')).toBe(1);
  expect(count('recognitions_total{outcome="recognised"}')).toBeGreaterThanOrEqual(2);
  const refused = [...seen.keys()].filter((key) => /recognitions.*(wrong-s|bad-s)/.test(key));
  expect(refused).toHaveLength(1);
  expect(count('answers_total{route="/dashboard",status="401"}')).toBe(1);
  expect(count('answer_seconds_count{route="/dashboard",class="2xx"}')).toBe(1);
  expect(count('answer_seconds_bucket{route="/login",class="2xx",le="+Inf"}')).toBe(4);
  expect(count('revocations_view_age_seconds')).toBeGreaterThanOrEqual(0);
  const isShared = answer.store !== 'memory';
  expect(count('store_seconds_count{verb="create",outcome="ok"}')).toBe(isShared ? 4 : 0);
  expect(count('sessions_ended_total{reason="session-limit"}')).toBe(isShared ? 1 : 0);
  expect(seen.has('sessionlab_store_breaker{state="closed"}')).toBe(isShared);
  expect(seen.has('sessionlab_key_ring_generation')).toBe(answer.strategy.startsWith('token'));
  expect(seen.has('nodejs_eventloop_lag_p99_seconds')).toBe(true);
});

/** The credential with its last letters changed. */
function forged(credential: Record<string, string>): Record<string, string> {
  const entries = Object.entries(credential).map(([name, value]) => {
    const ending = value.endsWith('AAAA') ? 'BBBB' : 'AAAA';
    return [name, value.slice(0, -8) + ending + value.slice(-4)];
  });
  return Object.fromEntries(entries);
}

test('a request is one trace, from the caller to each verb of the store, without credentials', async () => {
  const exporter = new InMemorySpanExporter();
  const spanProcessors = [new SimpleSpanProcessor(exporter)];
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors }));
  onTestFinished(() => {
    trace.disable();
    context.disable();
    propagation.disable();
  });
  await using server = await startApp(onRedis, { TRACES: 'true' });
  const me = clientOf(server.app);
  await me.ask('POST', '/register', { username: 'alice', password });
  await me.logIn('alice');
  expect((await me.ask('GET', '/dashboard')).status).toBe(200);

  const spans = exporter.getFinishedSpans();
  const request = named(spans, 'GET /dashboard');
  const recognition = named(spans, 'session.recognise');
  const read = named(spans, 'store.read');
  expect(recognition.parentSpanContext?.spanId).toBe(request.spanContext().spanId);
  expect(read.parentSpanContext?.spanId).toBe(recognition.spanContext().spanId);
  expect(request.attributes).toMatchObject({
    'http.request.method': 'GET',
    'http.route': '/dashboard',
    'http.response.status_code': 200,
    'session.id': expect.any(String),
  });
  expect(recognition.attributes['sessionlab.outcome']).toBe('recognised');
  expect(read.attributes).toEqual({ 'db.system.name': 'redis', 'db.operation.name': 'read' });
  expect(spans.map(({ name }) => name)).toContain('accounts.verify');
  const told = JSON.stringify(
    spans.map(({ name, attributes, events }) => [name, attributes, events]),
  );
  expect(told).not.toContain(password);
  for (const value of Object.values(me.credential)) expect(told).not.toContain(secretOf(value));
});

function named(spans: readonly ReadableSpan[], name: string): ReadableSpan {
  const found = spans.findLast((span) => span.name === name);
  if (found === undefined) throw new Error(`no span ${name} of ${spans.map((each) => each.name)}`);
  return found;
}

const secretOf = (credential: string) => credential.slice(-30);

test.each(answers)(
  'security events of $strategy on $store tell the real reason, and no secret',
  async (answer) => {
    await using server = await startApp(answer);
    const events = (): SecurityEvent[] =>
      server
        .logged()
        .split('\n')
        .flatMap((line) => (line.includes('"event":') ? [JSON.parse(line).event] : []));
    const me = clientOf(server.app);
    await me.ask('POST', '/register', { username: 'alice', password });
    await me.logIn('alice');
    const thief = clientOf(server.app);
    thief.credential = forged(me.credential);
    for (let times = 0; times < 20; times += 1) await thief.ask('GET', '/dashboard');
    await me.ask('POST', '/login', { username: 'alice', password: 'CANARY-password' });
    await me.ask('POST', '/login', { username: typed, password: 'CANARY-password' });
    await server.app.close();

    const refused = events().filter(({ kind }) => kind === 'credential-refused');
    const reason = answer.strategy === 'session' ? 'wrong-secret' : 'bad-signature';
    // The first one at once, and the rest of the second together.
    expect(refused.length).toBeLessThan(20);
    expect(refused.reduce((sum, { count = 1 }) => sum + count, 0)).toBe(20);
    expect(refused[0]).toMatchObject({
      severity: 'info',
      outcome: 'failure',
      reason,
      address: '127.0.0.1',
      requestId: expect.any(String),
      server: expect.stringMatching(/^s1#/),
      time: expect.any(Number),
    });
    const kinds = events().map(({ kind }) => kind);
    expect(kinds).toEqual(expect.arrayContaining(['login', 'login-refused']));
    expect(server.logged()).not.toContain('CANARY');
    expect(server.logged()).not.toContain(secretOf(Object.values(me.credential)[0] ?? ''));
  },
);

test.each([
  ['a peer that is not trusted', '', '203.0.113.9', ['login', 'insecure-transport']],
  ['a trusted proxy', '203.0.113.0/24', '198.51.100.7', ['login']],
])(
  'of what %s says of a client, what is due is believed',
  async (_who, trusted, address, kinds) => {
    const settings = { SECURE_COOKIES: 'true', TRUST_PROXY: trusted };
    await using server = await startApp(answers[1], settings);
    const payload = { username: 'alice', password };
    await server.app.inject({ method: 'POST', url: '/register', payload });
    const before = server.logged().length;
    await server.app.inject({
      method: 'POST',
      url: '/login',
      payload,
      remoteAddress: '203.0.113.9',
      headers: { 'x-forwarded-for': '198.51.100.7', 'x-forwarded-proto': 'https' },
    });
    const lines = server.logged().slice(before).trim().split('\n');
    const events = lines.flatMap((line) => JSON.parse(line).event ?? []);
    expect(events.map(({ kind }) => kind)).toEqual(kinds);
    expect(events[0].address).toBe(address);
  },
);
