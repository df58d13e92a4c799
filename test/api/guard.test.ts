// Nobody but the person at the page orders anything: each rule at the door has its refusal, as a
// problem document, and nothing is done.

import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { InjectOptions } from 'fastify';
import { afterAll, expect, test } from 'vitest';
import type { Admission } from '../../src/api/guard.ts';
import { Lanes } from '../../src/api/lanes.ts';
import { listenersMax } from '../../src/api/live.ts';
import { PageFiles } from '../../src/api/page-files.ts';
import { buildPageServer } from '../../src/api/page-server.ts';
import { Recorded } from '../../src/api/recorded.ts';
import type { Lab } from '../../src/lab/lab.ts';

const room = await mkdtempDisposable(join(tmpdir(), 'lab-page-'));
afterAll(() => room[Symbol.asyncDispose]());

/** The page without a lab: it is never asked for one here. */
function page(admission: Admission = {}) {
  const lab = new Promise<Lab>(() => undefined);
  const lanes = new Lanes(lab, async () => undefined);
  const app = buildPageServer({
    ...{ lanes, lab, admission, recorded: new Recorded(room.path), url: () => '' },
    files: new PageFiles(room.path, Promise.resolve()),
  });
  const ask = async (options: InjectOptions) => {
    const { headers = {}, ...rest } = options;
    const answer = await app.inject({ ...rest, headers: { host: 'localhost:8080', ...headers } });
    const code = answer.headers['content-type']?.toString().includes('json')
      ? answer.json().code
      : undefined;
    return { status: answer.statusCode, code, headers: answer.headers, body: answer.body };
  };
  return { app, lanes, ask };
}

const order = { do: 'kill', server: 's1' };
const post = (headers: Record<string, string> = {}, payload: string | object = order) => ({
  method: 'POST' as const,
  url: '/lab/orders',
  headers,
  payload,
});

test('an order that is well-formed comes in, and is told that there is nothing to do it to', async () => {
  const { ask } = page();
  const { status, body } = await ask(post());
  expect([status, JSON.parse(body)]).toEqual([200, { ok: false, why: 'There is no lane' }]);
});

test.each(['evil.example', 'localhost.evil.example', '10.0.0.1:8080', '[::2]'])(
  'a page of this machine alone is not served as %s',
  async (host) => {
    const { ask } = page();
    expect(await ask({ url: '/', headers: { host } })).toMatchObject({ status: 421 });
    expect(await ask(post({ host }))).toMatchObject({ status: 421, code: 'misdirected' });
  },
);

test.each(['localhost:8080', '127.0.0.1:8080', '[::1]:8080', 'localhost'])(
  'it is served as %s',
  async (host) => {
    expect((await page().ask({ url: '/', headers: { host } })).status).toBe(200);
  },
);

test.each([
  { origin: 'https://evil.example' },
  { origin: 'http://localhost:3000' },
  { origin: 'null' },
  { 'sec-fetch-site': 'cross-site', origin: 'http://localhost:8080' },
  { 'sec-fetch-site': 'same-site', origin: 'http://localhost:8080' },
])('no page of another site orders anything: %o [ASVS 3.5.1]', async (headers) => {
  expect(await page().ask(post(headers))).toMatchObject({ status: 403, code: 'cross-site' });
});

test.each([
  ['application/x-www-form-urlencoded', 'do=kill&server=s1'],
  ['text/plain', JSON.stringify(order)],
  ['multipart/form-data; boundary=x', '--x--'],
])('what a form can send is no order: %s [ASVS 3.5.2]', async (type, payload) => {
  const answer = await page().ask(post({ 'content-type': type }, payload));
  expect(answer).toMatchObject({ status: 415, code: 'unsupported-media-type' });
});

test('where the page is open to others an order needs the token, whole', async () => {
  const { ask } = page({ token: 'the-operators-token' });
  const elsewhere = { host: 'lab.example:8080' };
  const bearer = (token: string) => ({ ...elsewhere, authorization: `Bearer ${token}` });
  expect(await ask(post(elsewhere))).toMatchObject({ status: 401, code: 'not-authenticated' });
  expect((await ask(post(bearer('the-operators-toke')))).status).toBe(401);
  expect((await ask(post(bearer('the-operators-token')))).status).toBe(200);
  expect((await ask({ url: '/', headers: elsewhere })).status).toBe(200);
});

test.each([
  ['larger than any order', { do: 'request', client: 'a'.repeat(5_000) }, 413],
  ['unknown', { do: 'fly' }, 400],
  ['no order', [], 400],
  ['incomplete', { do: 'kill' }, 400],
  ['of something else, too', { ...order, path: '/etc/passwd' }, 400],
  ['for a lane that cannot be', { ...order, lane: 'z' }, 400],
  ['of text where a number is needed', { do: 'stream', perSecond: '200' }, 400],
  ['too much', { do: 'stream', perSecond: 201 }, 400],
  ['for five lanes', { do: 'open', lanes: Array(5).fill(0) }, 400],
  [
    'for a policy out of the prototype',
    { do: 'open', lanes: [{ answer: 'memory', policy: 'constructor', servers: 1 }] },
    400,
  ],
] as const)('an order that is %s is refused', async (_, payload, status) => {
  expect((await page().ask(post({}, payload))).status).toBe(status);
});

test('a thousand may listen, the next is told to come again', async () => {
  const { lanes, ask } = page();
  for (let count = 0; count < listenersMax; count += 1) lanes.live.open(lanes.everything());
  const answer = await ask({ url: '/lab/events' });
  expect(answer).toMatchObject({ status: 429, code: 'overloaded' });
  expect(answer.headers['retry-after']).toBe('5');
  await lanes[Symbol.asyncDispose]();
});

test('a listener that does not read is let go, and the others hear on', () => {
  const { lanes } = page();
  const [deaf, hearing] = [
    lanes.live.open(lanes.everything()),
    lanes.live.open(lanes.everything()),
  ];
  let heard = 0;
  hearing.on('data', (chunk: Buffer) => {
    heard += chunk.length;
  });
  const long = 'x'.repeat(100_000);
  for (let count = 0; count < 200 && !deaf.destroyed; count += 1) {
    lanes.live.tell({ tell: 'all', lanes: [], stages: {}, verdicts: {}, long } as never);
    hearing.read();
  }
  expect(deaf.destroyed).toBe(true);
  expect([hearing.destroyed, heard > 0]).toEqual([false, true]);
});

test.each(['/../package.json', '/%2e%2e/package.json', '/lab/runs/..%2f..%2fetc.passwd/report'])(
  'no path leads out of the folders that are served: %s',
  async (url) => {
    expect((await page().ask({ url })).status).toBeOneOf([400, 404]);
  },
);

test('every answer has a policy without exceptions for what is inline', async () => {
  for (const url of ['/', '/lab/choices-not-there', '/lab/chapters/06-revocation']) {
    const policy = (await page().ask({ url })).headers['content-security-policy'];
    expect(policy).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self'/);
    expect(policy).not.toContain('unsafe');
  }
});
