// The transfer server over real sockets: what becomes of an upload that is cut, taken over, refused
// or repeated, and what is on record when the client is told that its file is stored.

import { createHash, randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { expect, test, vi } from 'vitest';
import { OperatingError } from '../../src/core/errors.ts';
import type { Noticed } from '../../src/core/security-event.ts';
import { dataBytesMax, type Frame, type FrameOf } from '../../src/transfer/frame.ts';
import { startServer, temporaryFolder } from './client-ground.ts';
import { hello, type RawClient, rawTo, welcomed } from './raw-client.ts';

const soon = { timeout: 15_000, interval: 10 };
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const newUpload = () => randomBytes(16).toString('hex');
const visitor = (name: string) => ({ userId: `id-${name}`, userName: name });

function put(bytes: number | null, upload = newUpload(), name = 'a.bin'): FrameOf<'put'> {
  return { kind: 'put', upload, bytes, name, claimedType: '' };
}

function dataOf(content: Buffer, from = 0, to = content.length): Frame[] {
  const frames: Frame[] = [];
  for (let offset = from; offset < to; offset += dataBytesMax) {
    const end = Math.min(to, offset + dataBytesMax);
    frames.push({ kind: 'data', offset, content: content.subarray(offset, end) });
  }
  return frames;
}

const endOf = (content: Buffer): FrameOf<'end'> => ({
  ...{ kind: 'end', bytes: content.length, sha256: sha256(content) },
});

async function send(client: RawClient, content: Buffer, upload = newUpload()) {
  client.say(put(content.length, upload));
  const { offset } = await client.hear('have');
  client.say(...dataOf(content, offset), endOf(content));
  return client.hear('receipt');
}

/** An upload of which so much is with the vault. */
async function begun(port: number, user: string, content: Buffer, bytes: number) {
  const upload = newUpload();
  const client = (await welcomed(port, user)).say(put(content.length, upload));
  await client.hear('have');
  client.say(...dataOf(content, 0, bytes));
  return { client, upload };
}

/** Reads all of a file, as it comes over the wire. */
async function content(client: RawClient, file: string, offset = 0): Promise<Buffer> {
  client.say({ kind: 'get', file, offset });
  await client.hear('entry');
  const pieces: Buffer[] = [];
  for (;;) {
    const frame = await client.next();
    if (frame?.kind !== 'data') {
      expect(frame?.kind).toBe('end');
      return Buffer.concat(pieces);
    }
    pieces.push(frame.content);
  }
}

/** What the server has told its surroundings. */
function recorder() {
  const noticed: Noticed[] = [];
  const note = (each: Noticed) => void noticed.push(each);
  const record = async (each: Noticed) => note(each);
  return { noticed, surroundings: { note, record } };
}

test('many commands follow one another, and hanging up after them is a clean end', async () => {
  const { noticed, surroundings } = recorder();
  const { port, server } = await startServer({ surroundings });
  const client = await welcomed(port, 'alice');
  const bytes = randomBytes(600_000);
  const { file, sha256: digest, owner, type } = await send(client, bytes);
  expect([digest, owner, type]).toEqual([sha256(bytes), 'alice', 'application/octet-stream']);
  expect((await content(client, file)).equals(bytes)).toBe(true);
  expect((await content(client, file, 599_999)).equals(bytes.subarray(599_999))).toBe(true);
  client.say({ kind: 'list' });
  expect((await client.hear('entry')).file).toBe(file);
  expect((await client.hear('listed')).count).toBe(1);
  client.say({ kind: 'remove', file });
  await client.hear('done');
  client.socket.end();
  await client.closed();
  expect(await client.next()).toBeUndefined();
  await vi.waitFor(() => expect(server.connections).toBe(0), soon);
  const kinds = noticed.map(({ kind }) => kind);
  expect(kinds).toEqual(['file-stored', 'file-received', 'file-received', 'file-removed']);
});

test('who says all at once, and hangs up its side, hears every answer in order', async () => {
  const { port } = await startServer();
  const client = rawTo(port);
  client.say(hello('alice'), { kind: 'list' }, { kind: 'get', file: '0'.repeat(32), offset: 0 });
  client.say({ kind: 'list' }).socket.end();
  const kinds: unknown[] = [];
  for (let frame = await client.next(); frame; frame = await client.next()) kinds.push(frame.kind);
  expect(kinds).toEqual(['welcome', 'listed', 'error', 'listed']);
});

test.each([
  ['hangs up', (client: RawClient) => client.socket.end()],
  ['is torn off', (client: RawClient) => client.socket.resetAndDestroy()],
] as const)('an upload whose client %s is kept, and goes on from there', async (_, leave) => {
  const { noticed, surroundings } = recorder();
  const { port, vault, server } = await startServer({ surroundings });
  const whole = randomBytes(3 * dataBytesMax);
  const half = 2 * dataBytesMax;
  const { client, upload } = await begun(port, 'alice', whole, half);
  const count = () => server.connections;
  // A reset may throw away what the server has not read.
  await vi.waitFor(() => expect(client.socket.writableLength).toBe(0), soon);
  leave(client);
  await vi.waitFor(() => expect(count()).toBe(0), soon);
  expect(noticed.map(({ kind, reason }) => [kind, reason])).toEqual([
    ['transfer-broken-off', 'cut'],
  ]);
  expect(await vault.list(visitor('alice'))).toEqual([]);

  const again = (await welcomed(port, 'alice')).say(put(whole.length, upload));
  const { offset, sha256: digest } = await again.hear('have');
  if (leave.toString().includes('end()')) expect(offset).toBe(half);
  expect(digest).toBe(sha256(whole.subarray(0, offset)));
  again.say(...dataOf(whole, offset), endOf(whole));
  expect((await again.hear('receipt')).sha256).toBe(sha256(whole));
});

test('an upload that is begun again is taken from the older connection, with all it wrote', async () => {
  const { noticed, surroundings } = recorder();
  const { port } = await startServer({ surroundings });
  const whole = randomBytes(1_000_000);
  const { client: older, upload } = await begun(port, 'alice', whole, 400_000);
  const newer = (await welcomed(port, 'alice')).say(put(whole.length, upload));
  expect(await older.lastError()).toBe('upload-taken-over');
  const { offset, sha256: digest } = await newer.hear('have');
  expect(digest).toBe(sha256(whole.subarray(0, offset)));
  newer.say(...dataOf(whole, offset), endOf(whole));
  await newer.hear('receipt');
  expect(noticed).toMatchObject([
    { kind: 'transfer-broken-off', reason: 'taken-over', userId: 'id-alice' },
    { kind: 'file-stored' },
  ]);
});

test("another's upload id is another upload", async () => {
  const { port } = await startServer();
  const whole = randomBytes(500_000);
  const { client: hers, upload } = await begun(port, 'alice', whole, 300_000);
  const his = (await welcomed(port, 'bob')).say(put(whole.length, upload));
  expect((await his.hear('have')).offset).toBe(0);
  hers.say(...dataOf(whole, 300_000), endOf(whole));
  expect((await hers.hear('receipt')).owner).toBe('alice');
});

test('an upload is refused where its bytes are beside or beyond, and keeps what was right', async () => {
  const { port } = await startServer();
  const whole = randomBytes(300_000);
  const wrongs: Frame[] = [
    { kind: 'data', offset: 100_001, content: whole.subarray(0, 1) },
    { kind: 'data', offset: 99_999, content: whole.subarray(0, 1) },
    { kind: 'data', offset: 100_000, content: Buffer.alloc(200_001) },
    { kind: 'end', bytes: 100_000, sha256: sha256(whole.subarray(0, 100_000)) },
  ];
  for (const wrong of wrongs) {
    const { client, upload } = await begun(port, 'alice', whole, 100_000);
    expect(await client.say(wrong).lastError()).toBe('upload-conflict');
    const again = (await welcomed(port, 'alice')).say(put(whole.length, upload));
    expect((await again.hear('have')).offset).toBe(100_000);
  }
});

test('what arrived with another digest is thrown away, and the connection stays', async () => {
  const { port, vault } = await startServer();
  const whole = randomBytes(70_000);
  const client = await welcomed(port, 'alice');
  const upload = newUpload();
  client.say(put(whole.length, upload));
  await client.hear('have');
  client.say(...dataOf(whole), { ...endOf(whole), sha256: '0'.repeat(64) });
  expect(await client.error()).toBe('digest-mismatch');
  expect(await vault.list(visitor('alice'))).toEqual([]);
  expect((await send(client, whole, upload)).bytes).toBe(70_000);
});

test('the receipt comes when the file is on record, and not before', async () => {
  const recorded = Promise.withResolvers<void>();
  const asked: Noticed[] = [];
  const record = (noticed: Noticed) => {
    asked.push(noticed);
    return recorded.promise;
  };
  const { port } = await startServer({ idleMs: 90, surroundings: { record } });
  const bytes = randomBytes(1_000);
  const client = (await welcomed(port, 'alice')).say(put(bytes.length));
  const { file } = await client.hear('have');
  client.say(...dataOf(bytes), endOf(bytes));
  const who = { session: 'handle-of-alice', userId: 'id-alice' };
  const stored = { kind: 'file-stored', file, bytes: 1_000, ...who };
  await expect.poll(() => asked).toEqual([stored]);
  for (let waits = 0; waits < 3; waits += 1) expect((await client.next())?.kind).toBe('wait');
  recorded.resolve();
  expect((await client.hear('receipt')).file).toBe(file);
});

test('who has sent all before the session ends has a receipt, and then no connection', async () => {
  const recorded = Promise.withResolvers<void>();
  const asked: Noticed[] = [];
  const record = (noticed: Noticed) => {
    asked.push(noticed);
    return recorded.promise;
  };
  const { port, vault, endSessions } = await startServer({ surroundings: { record } });
  const bytes = randomBytes(1_000);
  const client = (await welcomed(port, 'alice')).say(put(bytes.length));
  await client.hear('have');
  client.say(...dataOf(bytes), endOf(bytes));
  await expect.poll(() => asked).toHaveLength(1);
  endSessions();
  recorded.resolve();
  const { file } = await client.hear('receipt');
  expect(await client.lastError()).toBe('session-ended');
  expect(await vault.list(visitor('alice'))).toMatchObject([{ id: file }]);
});

test('a file that could not be put on record has no receipt until it is, and is never stored twice', async () => {
  let isOut = true;
  const record = async () => {
    if (isOut) throw new OperatingError('audit-unavailable');
  };
  const { port, vault } = await startServer({ surroundings: { record } });
  const client = await welcomed(port, 'alice');
  const bytes = randomBytes(1_000);
  const upload = newUpload();
  client.say(put(bytes.length, upload));
  await client.hear('have');
  expect(await client.say(...dataOf(bytes), endOf(bytes)).error()).toBe('audit-outcome-unknown');
  isOut = false;
  expect((await send(client, bytes, upload)).sha256).toBe(sha256(bytes));
  expect(await vault.list(visitor('alice'))).toHaveLength(1);
});

test('while nothing can be recorded nothing is taken or shared, and everything can be removed', async () => {
  let canRecord = true;
  const { port } = await startServer({ surroundings: { canRecord: () => canRecord } });
  const client = await welcomed(port, 'alice');
  const { file } = await send(client, randomBytes(10));
  canRecord = false;
  expect(await client.say(put(10)).error()).toBe('audit-unavailable');
  expect(await client.say({ kind: 'share', file, user: 'bob' }).error()).toBe('audit-unavailable');
  await client.say({ kind: 'remove', file }).hear('done');
  canRecord = true;
  await send(client, randomBytes(10));
});

test('a receipt that was lost is given again, word for word, on record as repeated', async () => {
  const { noticed, surroundings } = recorder();
  const { port } = await startServer({ surroundings });
  const bytes = randomBytes(300_000);
  const upload = newUpload();
  const first = await send(await welcomed(port, 'alice'), bytes, upload);
  const client = (await welcomed(port, 'alice')).say(put(null, upload));
  expect(await client.hear('have')).toMatchObject({ offset: bytes.length, sha256: sha256(bytes) });
  expect(await client.say(endOf(bytes)).hear('receipt')).toEqual(first);
  expect(noticed.map(({ reason }) => reason)).toEqual([undefined, 'repeated']);
});

test("another's file is as one that is not there, whatever is asked of it", async () => {
  const { noticed, surroundings } = recorder();
  const { port } = await startServer({ surroundings });
  const { file } = await send(await welcomed(port, 'alice'), randomBytes(10));
  const answers = [];
  for (const id of [file, '0'.repeat(32)]) {
    const bob = await welcomed(port, 'bob');
    const asked: Frame[] = [
      { kind: 'get', file: id, offset: 0 },
      { kind: 'remove', file: id },
      { kind: 'share', file: id, user: 'bob' },
    ];
    const heard: unknown[] = [];
    for (const frame of asked) heard.push(await bob.say(frame).hear('error'));
    bob.say({ kind: 'list' });
    expect((await bob.hear('listed')).count).toBe(0);
    answers.push(heard);
  }
  expect(answers[0]).toEqual(answers[1]);
  const refused = { kind: 'file-refused', reason: 'not-found', userId: 'id-bob', file };
  expect(noticed.slice(1, 4)).toMatchObject([refused, refused, refused]);
});

test('a file is shared with a user by name, for reading alone', async () => {
  const { port } = await startServer();
  const bytes = randomBytes(10);
  const alice = await welcomed(port, 'alice');
  const { file } = await send(alice, bytes);
  await alice.say({ kind: 'share', file, user: 'bob' }).hear('done');
  const bob = await welcomed(port, 'bob');
  expect((await content(bob, file)).equals(bytes)).toBe(true);
  expect(await bob.say({ kind: 'remove', file }).error()).toBe('not-found');
  expect(await bob.say({ kind: 'share', file, user: 'carol' }).error()).toBe('not-found');
});

test('a get beyond the end is refused, and one at the end has no data', async () => {
  const { port } = await startServer();
  const client = await welcomed(port, 'alice');
  const { file } = await send(client, randomBytes(10));
  expect(await client.say({ kind: 'get', file, offset: 11 }).error()).toBe('invalid-request');
  expect(await content(client, file, 10)).toHaveLength(0);
});

test('a session that ends ends every transfer of it, and the part is kept for its owner', async () => {
  const { noticed, surroundings } = recorder();
  const { port, endSessions } = await startServer({ surroundings });
  const whole = randomBytes(800_000);
  const { client, upload } = await begun(port, 'alice', whole, 500_000);
  const [idle, nobody] = [await welcomed(port, 'alice'), await welcomed(port)];
  endSessions();
  expect(await client.lastError()).toBe('session-ended');
  expect(await idle.lastError()).toBe('session-ended');
  await nobody.say({ kind: 'list' }).hear('listed');
  expect(noticed).toMatchObject([{ kind: 'transfer-broken-off', reason: 'session-ended' }]);
  const again = (await welcomed(port, 'alice')).say(put(whole.length, upload));
  const { offset } = await again.hear('have');
  again.say(...dataOf(whole, offset), endOf(whole));
  expect((await again.hear('receipt')).sha256).toBe(sha256(whole));
});

test('what nobody in particular sent is no user’s, whatever the user’s id', async () => {
  const { port, vault } = await startServer();
  const nobody = await welcomed(port);
  const { file: id } = await send(nobody, randomBytes(10));
  expect(await vault.list({ userId: 'anonymous', userName: 'anonymous' })).toEqual([]);
  expect((await nobody.say({ kind: 'list' }).hear('entry')).file).toBe(id);
});

test('nobody is taken for anonymous whose credential is wrong, or whom nobody can tell', async () => {
  const closed = await startServer({ anonymous: false });
  expect(await rawTo(closed.port).say(hello()).lastError()).toBe('not-authenticated');
  const open = await startServer();
  const wrong = { kind: 'hello', field: 'authorization', credential: 'Bearer ?' } as const;
  expect(await rawTo(open.port).say(wrong).lastError()).toBe('not-authenticated');
  const cause = new OperatingError('store-unavailable', { retryAfterSeconds: 7 });
  const identify = async () => ({ kind: 'unknown', cause }) as const;
  const outage = await startServer({ surroundings: { identify } });
  const { retryAfterSeconds } = await rawTo(outage.port).say(hello('alice')).hear('error');
  expect(retryAfterSeconds).toBe(7);
});

test('a server that ends lets uploads finish, turns others away, and keeps what it breaks off', async () => {
  const folder = await temporaryFolder();
  const first = await startServer({ folder });
  const whole = randomBytes(700_000);
  const { client: quick } = await begun(first.port, 'alice', whole, 300_000);
  const { client: slow, upload } = await begun(first.port, 'alice', whole, 300_000);
  const idle = await welcomed(first.port, 'alice');
  first.server.drain();
  expect(await idle.lastError()).toBe('overloaded');
  quick.say(...dataOf(whole, 300_000), endOf(whole));
  await quick.hear('receipt');
  expect(await quick.lastError(), 'no other command').toBe('overloaded');
  await expect(welcomed(first.port, 'alice')).rejects.toThrow();
  first.server.breakOff();
  expect(await slow.lastError()).toBe('overloaded');
  await first[Symbol.asyncDispose]();
  const second = await startServer({ folder });
  const again = (await welcomed(second.port, 'alice')).say(put(whole.length, upload));
  expect((await again.hear('have')).offset).toBe(300_000);
});

test('connections that are torn off anywhere leave no file open and no one inside', async () => {
  const { port, server } = await startServer();
  const whole = randomBytes(200_000);
  const { file } = await send(await welcomed(port, 'alice'), whole);
  const open = () => readdirSync('/proc/self/fd').length;
  await vi.waitFor(() => expect(server.connections).toBe(1), soon);
  const before = open();
  const conversations: readonly (readonly (Frame | Buffer)[])[] = [
    [],
    [Buffer.from([1, 0])],
    [hello('alice')],
    [hello('alice'), put(whole.length)],
    [hello('alice'), put(whole.length), Buffer.from([3, 0, 0])],
    [hello('alice'), { kind: 'get', file, offset: 0 }],
  ];
  for (let round = 0; round < 5; round += 1) {
    for (const frames of conversations) {
      const client = rawTo(port).say(...frames);
      await new Promise((resolve) => client.socket.once('connect', resolve));
      client.socket.resetAndDestroy();
    }
  }
  await vi.waitFor(() => expect([server.connections, open()]).toEqual([1, before]), soon);
  connect(port, '127.0.0.1').destroy();
});
