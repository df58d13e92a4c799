// The client against a server that says what it should not: nothing of it reaches a terminal or a
// file name, and no file takes its place that is not what was promised.

import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { Frame } from '../../src/transfer/frame.ts';
import { encode } from '../../src/transfer/frame.ts';
import { Receiver } from '../../src/transfer/receiver.ts';
import { clientOf, temporaryFolder } from './client-ground.ts';

const id = 'ab'.repeat(16);
const digest = (text: string) => createHash('sha256').update(text).digest('hex');
const nasty = '\u001b]0;owned\u0007\u202egnp.exe';
const entry = {
  ...({ kind: 'entry', file: id, bytes: 5, sha256: digest('right'), storedAt: 0 } as const),
  ...{ owner: nasty, type: `text/plain${nasty}`, name: `../../${nasty}` },
};
const welcome: Frame = {
  ...({ kind: 'welcome', idleMs: 1000, fileBytesMax: 10 ** 6, user: nasty } as const),
};
/** What must not be shown. */
const commands = /[\p{Cc}\p{Cf}]/u;

async function serverThat(answers: (frame: Frame, socket: Socket) => readonly Frame[]) {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined));
    const receiver = new Receiver('server');
    socket.on('data', (bytes: Buffer) => {
      for (const action of receiver.step(bytes)) {
        if (action.do === 'refuse') return socket.destroy();
        const frames = action.frame.kind === 'hello' ? [welcome] : answers(action.frame, socket);
        for (const frame of frames) {
          receiver.say(frame);
          for (const piece of encode(frame)) socket.write(piece);
        }
      }
      return undefined;
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
    for (const each of sockets) each.destroy();
  });
  return (server.address() as AddressInfo).port;
}

test('no text of a server moves a cursor, hides an ending or leaves a folder', async () => {
  const port = await serverThat(({ kind }) =>
    kind === 'list'
      ? [entry, { kind: 'listed', count: 1 }]
      : [{ kind: 'error', code: 33, retryAfterSeconds: 0, detail: nasty }],
  );
  const client = await clientOf(port, 'alice');
  const [file] = await client.list();
  for (const text of [client.user, file?.name, file?.type, file?.owner]) {
    expect(text).not.toMatch(commands);
  }
  expect(file?.name).not.toMatch(/[/\\]/);
  await expect(client.remove(id)).rejects.toMatchObject({ code: 'not-found' });
  await expect(client.remove(id)).rejects.not.toThrow(commands);
});

test('what is not what was promised takes no place', async () => {
  const port = await serverThat(() => [
    entry,
    { kind: 'data', offset: 0, content: Buffer.from('wrong') },
    { kind: 'end', bytes: 5, sha256: entry.sha256 },
  ]);
  const client = await clientOf(port);
  const folder = await temporaryFolder();
  const receiving = client.receive(id, { to: join(folder, 'received.txt') });
  await expect(receiving).rejects.toMatchObject({ code: 'digest-mismatch' });
  expect(await readdir(folder)).toEqual([]);
});

test('a beginning that a server invents is not gone on with', async () => {
  const uploads: string[] = [];
  const port = await serverThat((frame) => {
    if (frame.kind !== 'put') return [];
    uploads.push(frame.upload);
    return [{ kind: 'have', file: id, offset: 3, sha256: digest('inv') }];
  });
  const client = await clientOf(port);
  async function* right() {
    yield Buffer.from('right');
  }
  const sending = client.send(right(), { bytes: 5 });
  await expect(sending).rejects.toMatchObject({ code: 'upload-conflict' });
  expect(new Set(uploads).size).toBe(uploads.length);
});

test('a server that falls silent is given up', async () => {
  const port = await serverThat(() => []);
  const client = await clientOf(port, 'alice', { patienceMs: 200, attempts: 2 });
  await expect(client.list()).rejects.toMatchObject({ code: 'transfer-lost' });
});

test('a server of something else is told apart', async () => {
  const server = createServer((socket) => {
    socket.on('error', () => undefined).end('HTTP/1.1 400 Bad Request\r\n\r\n');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  await expect(clientOf(port)).rejects.toMatchObject({ code: 'malformed-frame' });
});
