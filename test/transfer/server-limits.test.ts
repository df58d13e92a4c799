// What a transfer server does not wait for, and whom it does not let in: each deadline with its
// error, strangers on the port, and the limits of connections.

import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Agent, get } from 'node:http';
import { expect, test, vi } from 'vitest';
import { keepCertificates } from '../../src/certificates/folder.ts';
import type { Noticed } from '../../src/core/security-event.ts';
import type { Frame } from '../../src/transfer/frame.ts';
import { clientOf, startServer, temporaryFolder } from './client-ground.ts';
import { hello, rawOverTls, rawTo, welcomed } from './raw-client.ts';

const soon = { timeout: 15_000, interval: 10 };
const mebibyte = 1024 * 1024;
const put: Frame = {
  ...{ kind: 'put', upload: 'a'.repeat(32), bytes: mebibyte, name: 'a', claimedType: '' },
};
const data = (offset: number, bytes: number): Frame => {
  return { kind: 'data', offset, content: Buffer.alloc(bytes) };
};

async function* once(bytes: Buffer) {
  yield bytes;
}

async function pair() {
  const folder = await temporaryFolder();
  const { certificate } = await keepCertificates({ folder, names: [], name: 'server' });
  return { cert: await readFile(certificate.file), key: await readFile(certificate.keyFile) };
}

test('a hello that does not come in time is waited for no longer', async () => {
  const { port } = await startServer({ helloMs: 100 });
  expect(await rawTo(port).lastError()).toBe('too-slow');
  const trickle = rawTo(port).say(Buffer.from([1, 0, 0, 0, 14]), Buffer.from('SL'));
  expect(await trickle.lastError()).toBe('too-slow');
});

test('a client without a command is told so and left', async () => {
  const { port } = await startServer({ idleMs: 100 });
  expect(await (await welcomed(port)).lastError()).toBe('too-slow');
});

test('an upload below the least rate is broken off, on record, and its part is kept', async () => {
  const noticed: Noticed[] = [];
  const note = (each: Noticed) => void noticed.push(each);
  const limits = { idleMs: 300, rateMin: 10_000 };
  const { port } = await startServer({ ...limits, surroundings: { note } });
  const client = (await welcomed(port, 'alice')).say(put);
  await client.hear('have');
  let offset = 0;
  const dripping = setInterval(() => {
    client.say(data(offset, 1));
    offset += 1;
  }, 30);
  expect(await client.lastError()).toBe('too-slow');
  clearInterval(dripping);
  expect(noticed).toMatchObject([{ kind: 'transfer-broken-off', reason: 'too-slow' }]);
  const again = (await welcomed(port, 'alice')).say(put);
  expect((await again.hear('have')).offset).toBeGreaterThan(0);
});

test('an upload that takes too long in all is broken off, however lively it is', async () => {
  const { port } = await startServer({ totalMs: 400 });
  const client = (await welcomed(port, 'alice')).say(put);
  await client.hear('have');
  let offset = 0;
  const lively = setInterval(() => {
    client.say(data(offset, 1_000));
    offset += 1_000;
  }, 20);
  expect(await client.lastError()).toBe('too-slow');
  clearInterval(lively);
});

test('a client that does not read what it asked for is left, and holds up nobody', async () => {
  const outcomes: string[] = [];
  const tally = {
    ...{ bytesIn: 0, bytesOut: 0 },
    transfer: (command: string, outcome: string) => void outcomes.push(`${command} ${outcome}`),
  };
  const { port, server } = await startServer({ idleMs: 300, surroundings: { tally } });
  const sender = await clientOf(port, 'alice');
  const bytes = 64 * mebibyte;
  const { id: file } = await sender.send(once(randomBytes(bytes)), { name: 'a' });
  const deaf = await welcomed(port, 'alice');
  deaf.socket.pause();
  deaf.say({ kind: 'get', file, offset: 0 });
  await vi.waitFor(() => expect(outcomes).toContain('get too-slow'), soon);
  expect(tally.bytesOut).toBeLessThan(bytes / 2);
  await sender[Symbol.asyncDispose]();
  await vi.waitFor(() => expect(server.connections).toBe(0), soon);
});

test('strangers on the port hear that it is not theirs, and are on record', async () => {
  const noticed: Noticed[] = [];
  const note = (each: Noticed) => void noticed.push(each);
  const { port } = await startServer({ surroundings: { note } });
  const strangers = ['GET / HTTP/1.1\r\nhost: a\r\n\r\n', '\x16\x03\x01\x02\x00\x01\x00', '\x00'];
  for (const each of strangers) {
    const padded = Buffer.from(each.padEnd(64, '\x00'), 'latin1');
    expect(await rawTo(port).say(padded).lastError()).toBe('malformed-frame');
  }
  const newer = Buffer.concat([Buffer.from([1, 0, 0, 0, 8]), Buffer.from('SLTP\x02\x00\x00\x00')]);
  expect(await rawTo(port).say(newer).lastError()).toBe('unsupported-version');
  const malformed = { kind: 'input-refused', reason: 'malformed' };
  expect(noticed).toEqual([malformed, malformed, malformed, malformed]);
  const agent = new Agent();
  const failed = new Promise((resolve) => {
    get({ port, host: '127.0.0.1', agent }).on('error', resolve);
  });
  expect(await failed).toBeInstanceOf(Error);
  await welcomed(port);
});

test('over TLS, nothing that is older than 1.2 and nothing in the clear is understood', async () => {
  const { port, server } = await startServer({ tls: await pair() });
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    const client = rawOverTls(port, { minVersion: version, maxVersion: version });
    expect((await client.say(hello('alice')).hear('welcome')).user).toBe('alice');
    client.socket.destroy();
  }
  for (const version of ['TLSv1', 'TLSv1.1'] as const) {
    const old = { minVersion: version, maxVersion: version, ciphers: 'DEFAULT@SECLEVEL=0' };
    const client = rawOverTls(port, old);
    const refusal = new Promise((resolve) => client.socket.on('error', resolve));
    expect(await client.next()).toBeUndefined();
    expect(await refusal).toMatchObject({ code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION' });
  }
  const plain = rawTo(port).say(hello('alice'));
  await plain.closed();
  await vi.waitFor(() => expect(server.connections).toBe(0), soon);
});

test('a certificate that is none, or with the key of another, is refused by name', async () => {
  const [one, other] = [await pair(), await pair()];
  for (const tls of [
    { cert: 'no certificate', key: one.key },
    { cert: one.cert, key: other.key },
  ]) {
    await expect(startServer({ tls })).rejects.toMatchObject({ code: 'unfit-certificate' });
  }
});

test('there is room for so many in all, who comes later is told so, and a place that is left is free', async () => {
  const throttled: string[] = [];
  const note = ({ kind }: Noticed) => void throttled.push(kind);
  const { port, server } = await startServer({ connectionsMax: 2, surroundings: { note } });
  const first = await welcomed(port);
  await welcomed(port);
  expect(await rawTo(port).lastError()).toBe('overloaded');
  expect(throttled).toEqual(['throttled']);
  first.socket.destroy();
  await vi.waitFor(() => expect(server.connections).toBe(1), soon);
  await welcomed(port);
});

test('there is room for so many from one address, and for others beside them', async () => {
  const { port } = await startServer({ addressMax: 1 });
  await welcomed(port);
  expect(await rawTo(port).lastError()).toBe('overloaded');
  const other = rawTo(port, '127.0.0.2');
  await other.say(hello()).hear('welcome');
});

test('silence keeps nobody out: one that has said nothing for a second gives way', async () => {
  const { port } = await startServer({ connectionsMax: 2 });
  const busy = await welcomed(port);
  const silent = rawTo(port);
  const enter = async () => {
    const client = rawTo(port).say(hello());
    await client.hear('welcome');
  };
  await vi.waitFor(enter, { timeout: 15_000, interval: 200 });
  expect(await silent.lastError()).toBe('overloaded');
  await busy.say({ kind: 'list' }).hear('listed');
});
