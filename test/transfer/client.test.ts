// The client against a real server: what it sends arrives as it was and once, over ways that break
// wherever they like; and what it receives is in its place when it is whole, and not before.

import { createHash, randomBytes } from 'node:crypto';
import { readdir, readFile, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { keepCertificates } from '../../src/certificates/folder.ts';
import type { TransferClient, TransferOptions } from '../../src/transfer/client.ts';
import { breakingWay, clientOf, startServer, temporaryFolder } from './client-ground.ts';

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
const mebibyte = 1024 * 1024;
/** Of what the server says before it takes data, for a user of five letters. */
const untilHave = 25 + 61;

async function makeFile(bytes: number, name = 'sent.bin') {
  const path = join(await temporaryFolder(), name);
  const content = randomBytes(bytes);
  await writeFile(path, content);
  return { path, content, digest: sha256(content) };
}

/** What the server has now, read back by another client. */
async function contents(port: number, user: string, options?: TransferOptions): Promise<string[]> {
  const client = await clientOf(port, user, options);
  const files = await client.list();
  return Promise.all(files.map(async ({ id }) => sha256(await received(client, id))));
}

async function received(client: TransferClient, id: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const to = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      chunks.push(Buffer.from(chunk));
      done();
    },
  });
  await client.receive(id, { to });
  return Buffer.concat(chunks);
}

async function certificates() {
  const folder = await temporaryFolder();
  const { authority, certificate } = await keepCertificates({ folder, names: [], name: 'server' });
  const [cert, key] = [await readFile(certificate.file), await readFile(certificate.keyFile)];
  return { pem: { cert, key }, ca: await readFile(authority.file, 'utf8') };
}

async function* pieces(content: Buffer, bytes = 65_536) {
  for (let at = 0; at < content.length; at += bytes) yield content.subarray(at, at + bytes);
}

test('a file arrives as it was, and comes back as it was', async () => {
  const server = await startServer();
  const { path, content, digest } = await makeFile(5_000_000);
  const client = await clientOf(server.port, 'alice');
  expect(client.user).toBe('alice');

  const sent = await client.send(path);
  const expected = { name: 'sent.bin', bytes: content.length, sha256: digest, owner: 'alice' };
  expect(sent).toMatchObject(expected);
  expect(await client.list()).toEqual([sent]);

  const folder = await temporaryFolder();
  const to = join(folder, 'received.bin');
  expect(await client.receive(sent.id, { to })).toEqual(sent);
  expect(sha256(await readFile(to))).toBe(digest);
  expect(await readdir(folder)).toEqual(['received.bin']);
});

test.each([0, 1, 262_144, 262_145])('a file of %i bytes is no exception', async (bytes) => {
  const server = await startServer();
  const { path, digest } = await makeFile(bytes);
  const client = await clientOf(server.port);
  const { id } = await client.send(path);
  expect(sha256(await received(client, id))).toBe(digest);
  const to = join(await temporaryFolder(), 'received.bin');
  await client.receive(id, { to });
  expect(sha256(await readFile(to))).toBe(digest);
});

test.each(['in the clear', 'over TLS'])(
  '%s a file arrives once and whole, however often the way breaks',
  async (how) => {
    const { pem, ca } = how === 'over TLS' ? await certificates() : {};
    const server = await startServer(pem && { tls: pem });
    const breaks = [700_000, 90_000, 2_000_000, 1, 1_000_000].map((up) => ({ up }));
    const way = await breakingWay(server.port, breaks);
    const { path, digest } = await makeFile(6 * mebibyte);
    const tls = ca === undefined ? {} : { tls: { ca } };
    const client = await clientOf(way.port, 'alice', tls);
    const resumed: number[] = [];
    await client.send(path, { onProgress: (progress) => resumed.push(progress.resumed) });
    expect(way.connections).toBe(breaks.length + 1);
    expect(resumed.at(-1)).toBeGreaterThan(2 * mebibyte);
    expect(await contents(server.port, 'alice', tls)).toEqual([digest]);
  },
);

test('a receipt that was lost is given again, and is of the same file', async () => {
  const server = await startServer();
  const way = await breakingWay(server.port, [{ down: untilHave + 4 }, { down: untilHave + 40 }]);
  const { path, digest } = await makeFile(100_000);
  const client = await clientOf(way.port, 'alice');
  const sent = await client.send(path);
  expect(way.connections).toBe(3);
  expect(await client.list()).toEqual([sent]);
  expect(await client.send(path), 'sent once more').toEqual(sent);
  expect(await contents(server.port, 'alice')).toEqual([digest]);
});

test('what another process began goes on where it stopped', async () => {
  const server = await startServer();
  const { path, digest } = await makeFile(8 * mebibyte);
  const ending = new AbortController();
  const first = await clientOf(server.port, 'alice', { signal: ending.signal });
  const onProgress = ({ done }: { done: number }) => done > 4 * mebibyte && ending.abort();
  await expect(first.send(path, { onProgress })).rejects.toThrow('aborted');

  const second = await clientOf(server.port, 'alice');
  const resumed: number[] = [];
  await second.send(path, { onProgress: (progress) => resumed.push(progress.resumed) });
  expect(resumed[0]).toBeGreaterThan(0);
  expect(await contents(server.port, 'alice')).toEqual([digest]);
});

test('a file that only looks like one that was sent, or begun, gets an upload of its own', async () => {
  const server = await startServer();
  const { path, digest } = await makeFile(6 * mebibyte);
  const { mtime } = await stat(path);
  const disguised = async () => {
    const other = randomBytes(6 * mebibyte);
    await writeFile(path, other);
    await utimes(path, mtime, mtime);
    return sha256(other);
  };
  await utimes(path, mtime, mtime);
  const client = await clientOf(server.port, 'alice');
  await client.send(path);
  await disguised();
  const ending = new AbortController();
  const broken = await clientOf(server.port, 'alice', { signal: ending.signal });
  const onProgress = ({ done }: { done: number }) => done > 3 * mebibyte && ending.abort();
  await expect(broken.send(path, { onProgress })).rejects.toThrow('aborted');
  const third = await disguised();
  await client.send(path);
  expect((await contents(server.port, 'alice')).toSorted()).toEqual([digest, third].toSorted());
});

test('a file that changes while it is sent is no file of the server', async () => {
  const server = await startServer();
  const { path } = await makeFile(4 * mebibyte);
  const client = await clientOf(server.port, 'alice');
  let isChanged: Promise<void> | undefined;
  const onProgress = () => {
    isChanged ??= writeFile(path, 'shorter');
  };
  const sent = client.send(path, { onProgress });
  await expect(sent).rejects.toMatchObject({ code: 'file-unavailable' });
  await isChanged;
  expect(await contents(server.port, 'alice')).toEqual([]);
});

test('a stream goes on after a cut, though it cannot be read again', async () => {
  const server = await startServer();
  const way = await breakingWay(server.port, [{ up: 3_000_000 }, { up: 2_000_000 }]);
  const content = randomBytes(9 * mebibyte);
  const client = await clientOf(way.port, 'alice');
  const sent = await client.send(pieces(content, 300_000), { name: 'piped.bin' });
  expect(sent).toMatchObject({ name: 'piped.bin', bytes: content.length });
  expect(way.connections).toBe(3);
  expect(await contents(server.port, 'alice')).toEqual([sha256(content)]);
});

test('a stream that would have to go back too far says so', async () => {
  const [server, other] = [await startServer(), await startServer()];
  const way = await breakingWay(server.port, [{ up: 20 * mebibyte }]);
  const client = await clientOf(way.port);
  way.target = other.port;
  const sent = client.send(pieces(randomBytes(24 * mebibyte)));
  await expect(sent).rejects.toMatchObject({ code: 'file-unavailable' });
  expect(await (await clientOf(other.port)).list()).toEqual([]);
});

test('a stream that was announced with another size is not stored', async () => {
  const server = await startServer();
  const client = await clientOf(server.port);
  const sent = client.send(pieces(Buffer.from('short')), { bytes: 10 });
  await expect(sent).rejects.toMatchObject({ code: 'file-unavailable' });
  expect(await client.list()).toEqual([]);
});

test('a server that comes back goes on with what it had', async () => {
  const folder = await temporaryFolder();
  const first = await startServer({ folder });
  const way = await breakingWay(first.port, []);
  const { path, digest } = await makeFile(8 * mebibyte);
  const client = await clientOf(way.port, 'alice');
  let restarted: ReturnType<typeof startServer> | undefined;
  const restart = async () => {
    await first[Symbol.asyncDispose]();
    const second = await startServer({ folder });
    way.target = second.port;
    return second;
  };
  const onProgress = () => {
    restarted ??= restart();
  };
  await client.send(path, { onProgress });
  const second = await restarted;
  expect(await contents(second?.port ?? 0, 'alice')).toEqual([digest]);
});

test('who has run out of attempts is told that nobody knows', async () => {
  const server = await startServer();
  const way = await breakingWay(server.port, Array(9).fill({ up: 50_000 }));
  const { path } = await makeFile(100_000);
  const client = await clientOf(way.port, 'alice', { attempts: 2 });
  await expect(client.send(path)).rejects.toMatchObject({ code: 'transfer-lost', definite: false });
  expect(way.connections).toBe(2);
});

test('a session that ends takes its transfer with it, and nothing is tried again', async () => {
  const server = await startServer();
  const way = await breakingWay(server.port, []);
  const client = await clientOf(way.port, 'alice');
  async function* endless() {
    yield randomBytes(1000);
    server.endSessions();
    await new Promise(() => undefined);
  }
  await expect(client.send(endless())).rejects.toMatchObject({ code: 'session-ended' });
  expect(way.connections).toBe(1);
});

test('what is received goes on after a cut, and takes its place when it is whole', async () => {
  const server = await startServer();
  const { path, digest } = await makeFile(6 * mebibyte);
  const { id } = await (await clientOf(server.port, 'alice')).send(path);
  const way = await breakingWay(server.port, [{ down: 3_000_000 }, { down: 1_000_000 }]);
  const client = await clientOf(way.port, 'alice');
  const folder = await temporaryFolder();
  let seen: Promise<string[]> | undefined;
  const resumed: number[] = [];
  await client.receive(id, {
    to: join(folder, 'received.bin'),
    onProgress: (progress) => {
      resumed.push(progress.resumed);
      if (progress.done > 0) seen ??= readdir(folder);
    },
  });
  expect(way.connections).toBe(3);
  expect(resumed.at(-1)).toBeGreaterThan(3_000_000);
  expect(await seen).toEqual([`.${id}.part`]);
  expect(await readdir(folder)).toEqual(['received.bin']);
  expect(sha256(await readFile(join(folder, 'received.bin')))).toBe(digest);
});

test.each([
  ['its beginning', (content: Buffer) => content.subarray(0, 1_500_000), 1_500_000],
  ['something else', () => randomBytes(1_500_000), 0],
  ['more than there is', () => randomBytes(4_000_000), 0],
] as const)('of a part that is %s the right file is made', async (_, part, resumed) => {
  const server = await startServer();
  const { path, content, digest } = await makeFile(3_000_000);
  const client = await clientOf(server.port, 'alice');
  const { id } = await client.send(path);
  const folder = await temporaryFolder();
  await writeFile(join(folder, `.${id}.part`), part(content));
  let last = -1;
  const onProgress = (progress: { resumed: number }) => {
    last = progress.resumed;
  };
  await client.receive(id, { to: join(folder, 'received.bin'), onProgress });
  expect(last).toBe(resumed);
  expect(await readdir(folder)).toEqual(['received.bin']);
  expect(sha256(await readFile(join(folder, 'received.bin')))).toBe(digest);
});

test('nothing is replaced that is there, unless that is asked for; no link is followed', async () => {
  const server = await startServer();
  const { path, digest } = await makeFile(10_000);
  const client = await clientOf(server.port, 'alice');
  const { id } = await client.send(path);
  const folder = await temporaryFolder();
  const [to, victim] = [join(folder, 'there.txt'), join(folder, 'victim.txt')];
  await writeFile(to, 'mine');
  await writeFile(victim, 'precious');
  await expect(client.receive(id, { to })).rejects.toMatchObject({ code: 'file-exists' });
  expect(await readFile(to, 'utf8')).toBe('mine');

  await symlink(victim, join(folder, `.${id}.part`));
  const planted = client.receive(id, { to: join(folder, 'new.txt') });
  await expect(planted).rejects.toMatchObject({ code: 'file-unavailable' });
  expect(await readFile(victim, 'utf8')).toBe('precious');

  const elsewhere = join(await temporaryFolder(), 'there.txt');
  await writeFile(elsewhere, 'mine');
  await client.receive(id, { to: elsewhere, overwrite: true });
  expect(sha256(await readFile(elsewhere))).toBe(digest);
});

test('what belongs to others is not there, until it is shared; and not after it was removed', async () => {
  const server = await startServer();
  const { path } = await makeFile(1_000);
  const [alice, bob] = [await clientOf(server.port, 'alice'), await clientOf(server.port, 'bob')];
  const sent = await alice.send(path);
  const notFound = { code: 'not-found' };
  const to = join(await temporaryFolder(), 'received.bin');
  await expect(bob.receive(sent.id, { to })).rejects.toMatchObject(notFound);
  await expect(bob.remove(sent.id)).rejects.toMatchObject(notFound);
  await expect(bob.share(sent.id, 'bob')).rejects.toMatchObject(notFound);
  await expect(alice.share(sent.id, '\u0001')).rejects.toMatchObject({ code: 'invalid-request' });
  await alice.share(sent.id, 'BOB');
  expect(await bob.list()).toEqual([sent]);
  expect(await bob.receive(sent.id, { to })).toEqual(sent);
  await expect(bob.remove(sent.id)).rejects.toMatchObject(notFound);
  await alice.remove(sent.id);
  await expect(alice.remove(sent.id)).rejects.toMatchObject(notFound);
  expect(await bob.list()).toEqual([]);
});

test('a removal whose answer was lost is done', async () => {
  const server = await startServer();
  const { path } = await makeFile(1_000);
  const { id } = await (await clientOf(server.port, 'alice')).send(path);
  const way = await breakingWay(server.port, [{ down: 25 }]);
  const client = await clientOf(way.port, 'alice');
  await client.remove(id);
  expect(await client.list()).toEqual([]);
});

test('several things at a time go over several connections of one client', async () => {
  const server = await startServer();
  const way = await breakingWay(server.port, []);
  const files = await Promise.all(Array.from({ length: 5 }, () => makeFile(2_000_000)));
  const client = await clientOf(way.port, 'alice');
  await Promise.all(files.map(({ path }, at) => client.send(path, { name: `${at}.bin` })));
  const digests = files.map(({ digest }) => digest);
  expect(way.connections).toBe(5);
  expect((await contents(server.port, 'alice')).toSorted()).toEqual(digests.toSorted());
});

test('a server is believed by its certificate, and by no other', async () => {
  const { pem, ca } = await certificates();
  const { port } = await startServer({ tls: pem });
  const client = await clientOf(port, 'alice', { tls: { ca } });
  const { path } = await makeFile(600_000);
  expect(await client.send(path)).toMatchObject({ owner: 'alice' });
  const stranger = clientOf(port, 'alice', { tls: {} });
  await expect(stranger).rejects.toMatchObject({ code: 'unfit-certificate' });
  await expect(clientOf(port, 'alice')).rejects.toMatchObject({ code: 'no-server' });
});

test('no credential travels to another machine in the clear, unless that is asked for', async () => {
  const away = { host: 'files.example', patienceMs: 100 };
  const shown = clientOf(1, 'alice', away);
  await expect(shown).rejects.toMatchObject({ code: 'invalid-request' });
});
