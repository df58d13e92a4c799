// Files over HTTP: whose they are, what is said of them, and that a browser does nothing with them
// but keep them.

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parse as parseDisposition } from 'content-disposition';
import { expect, onTestFinished, test } from 'vitest';
import { parseServed } from '../../src/gateways/access-line.ts';
import type { Environment } from '../../src/server/config.ts';
import { openVault } from '../../src/transfer/vault.ts';
import { sha256, store } from '../transfer/vault-ground.ts';
import { answers, type Client, clientAt, password, startApp } from './ground.ts';

async function start(changes: Environment = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'sessionlab-files-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const bounds = { bytesMax: 1e9, userBytesMax: 1e9, fileBytesMax: 1e9 };
  const vault = await openVault({ folder, ...bounds, mismatch: 'refuse' });
  const server = await startApp(answers[2], { AUDIT_FIELD: 'true', ...changes }, { vault });
  onTestFinished(() => server[Symbol.asyncDispose]());
  const url = await server.app.listen({ port: 0, host: '127.0.0.1' });

  async function visitor(userName: string) {
    const client = clientAt(url);
    await client.ask('POST', '/register', { username: userName, password });
    const { headers } = await client.logIn(userName);
    const userId = parseServed(headers['x-audit'])?.userId ?? '';
    return { userId, userName, client };
  }
  return { ...server, url, vault, alice: await visitor('alice'), bob: await visitor('bob') };
}

async function fetched(url: string, client: Client, path: string): Promise<IncomingMessage> {
  const asked = httpRequest(url + path, { headers: client.credential }).end();
  asked.on('error', () => undefined);
  onTestFinished(() => void asked.destroy());
  const [answer] = await once(asked, 'response');
  return answer;
}

const content = randomBytes(700_000);
const soon = { timeout: 10_000, interval: 20 };

test('a user is shown their own files and those shared with them, and no others', async () => {
  const { vault, alice, bob, url, logged } = await start();
  const mine = await store(vault, alice, content, { name: 'mine' });
  const shared = await store(vault, bob, Buffer.from('hello\n'), { name: 'shared.txt' });
  const his = await store(vault, bob, content, { name: 'his' });
  await vault.share(bob, shared.id, 'alice');
  await vault.share(bob, shared.id, 'carol');
  const { status, body } = await alice.client.ask('GET', '/files');
  expect(status).toBe(200);
  const { owner: _, ownerName: __, ...seen } = mine;
  const storedAt = new Date(mine.storedAt).toISOString();
  expect(body.files).toEqual([
    { ...seen, storedAt, owner: 'alice', mine: true, sharedWith: [] },
    {
      ...{ id: shared.id, name: 'shared.txt', type: 'text/plain; charset=utf-8', bytes: 6 },
      ...{ sha256: sha256(Buffer.from('hello\n')), storedAt: expect.any(String) },
      ...{ owner: 'bob', mine: false },
    },
  ]);
  for (const id of [mine.id, shared.id]) {
    expect((await alice.client.ask('GET', `/files/${id}`)).status).toBe(200);
  }
  const unknown = await alice.client.ask('GET', `/files/${'0'.repeat(32)}`);
  const noted = logged()
    .split('\n')
    .filter((line) => line.includes('"file-refused"'));
  expect(noted).toEqual([expect.stringContaining(`"file":"${'0'.repeat(32)}"`)]);
  const another = await alice.client.ask('GET', `/files/${his.id}`);
  expect([another.status, another.body.code]).toEqual([404, 'not-found']);
  expect({ ...another.body, requestId: '' }).toEqual({ ...unknown.body, requestId: '' });
  expect((await alice.client.ask('GET', '/files/..%2f..%2fetc%2fpasswd')).status).toBe(400);
  for (const path of ['/files', `/files/${mine.id}`]) {
    expect((await clientAt(url).ask('GET', path)).status).toBe(401);
  }
});

test('a download is what was stored, to be kept and never to be shown [ASVS 3.2.1] [ASVS 5.4.1] [ASVS 5.4.2]', async () => {
  const { vault, alice, url, logged } = await start();
  const name = 'Bericht "2026"; x=€.html';
  const page = Buffer.from('<!doctype html><script>alert(1)</script>');
  const request = { name, claimedType: 'text/html' };
  const { id } = await store(vault, alice, page, request);
  const answer = await fetched(url, alice.client, `/files/${id}`);
  expect(Buffer.concat(await answer.toArray())).toEqual(page);
  const { headers } = answer;
  expect(headers).toMatchObject({
    'content-type': 'text/html; charset=utf-8',
    'content-length': String(page.length),
    'x-content-type-options': 'nosniff',
    'content-security-policy': "default-src 'none'; sandbox",
    'cross-origin-resource-policy': 'same-origin',
    'cache-control': 'no-store',
    'repr-digest': `sha-256=:${Buffer.from(sha256(page), 'hex').toString('base64')}:`,
  });
  const { type, parameters } = parseDisposition(headers['content-disposition'] ?? '');
  expect([type, parameters.filename]).toEqual(['attachment', 'Bericht _2026_; x=€.html']);
  expect(headers['accept-ranges']).toBeUndefined();
  await expect.poll(logged, soon).toContain('"file-received"');
  const empty = await store(vault, alice, Buffer.alloc(0), { name: 'empty' });
  expect((await fetched(url, alice.client, `/files/${empty.id}`)).headers).toMatchObject({
    'content-length': '0',
  });
});

test('a download ends with its session, and that it was not whole is on record', async () => {
  const { vault, alice, url, logged } = await start();
  const { id } = await store(vault, alice, Buffer.alloc(100_000_000));
  const answer = await fetched(url, alice.client, `/files/${id}`);
  await once(answer, 'readable');
  expect((await alice.client.ask('POST', '/logout')).status).toBe(204);
  await expect(answer.toArray()).rejects.toThrow('aborted');
  await expect.poll(logged, soon).toMatch(/"transfer-broken-off".*"session-ended"/);
  expect(logged()).not.toContain('"file-received"');
});

test('a download that is read is a use of its session', async () => {
  const idleMs = 5_000;
  const { vault, alice, url } = await start({ IDLE_MS: String(idleMs) });
  const { id } = await store(vault, alice, Buffer.alloc(50_000_000));
  await alice.client.logIn('alice');
  const answer = await fetched(url, alice.client, `/files/${id}`);
  const until = performance.now() + 1.4 * idleMs;
  let bytes = 0;
  for await (const chunk of answer) {
    bytes += chunk.length;
    if (performance.now() < until) await delay(20);
  }
  expect([performance.now() > until, bytes]).toEqual([true, 50_000_000]);
}, 30_000);

test('one session opens no more than so many downloads at a time', async () => {
  const { vault, alice, url } = await start();
  const { id } = await store(vault, alice, Buffer.alloc(100_000_000));
  const asked = Array.from({ length: 40 }, () => fetched(url, alice.client, `/files/${id}`));
  const answers = await Promise.all(asked);
  const open = answers.filter(({ statusCode }) => statusCode === 200);
  expect(open).toHaveLength(16);
  const refused = await alice.client.ask('GET', `/files/${id}`);
  expect([refused.status, refused.body.code]).toEqual([429, 'overloaded']);
  for (const each of open) each.destroy();
  const { client } = alice;
  const again = async () => (await fetched(url, client, `/files/${id}`)).statusCode;
  await expect.poll(again, soon).toBe(200);
});
