// A file over a bare `node:net` stream: the sender hashes what it reads, the receiver hashes what it
// writes and answers with the digest, with FSYNC=true when the file is on the disk. No frames, no
// users, no limits, and after a cut all begins anew. It receives where RECEIVE_TO names a file, and
// else sends.

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import type { Order } from '../file-sender.ts';

const pieceBytes = 256 * 1024;
const { RECEIVE_TO: target, FSYNC } = process.env;

async function receive(socket: Socket, path: string): Promise<void> {
  const hash = createHash('sha256');
  const file = createWriteStream(path, { flush: FSYNC === 'true' });
  file.on('drain', () => socket.resume());
  socket.on('data', (bytes) => {
    hash.update(bytes);
    if (!file.write(bytes)) socket.pause();
  });
  await once(socket, 'end');
  file.end();
  await once(file, 'close');
  socket.end(hash.digest('hex'));
}

async function send({ port, path }: Order): Promise<void> {
  const hash = createHash('sha256');
  const socket = connect({ port, host: '127.0.0.1' });
  const answer = text(socket);
  for await (const bytes of createReadStream(path, { highWaterMark: pieceBytes })) {
    hash.update(bytes);
    if (!socket.write(bytes)) await once(socket, 'drain');
  }
  socket.end();
  if ((await answer) !== hash.digest('hex')) throw new Error('something else has arrived');
}

if (target !== undefined) {
  const server = createServer({ allowHalfOpen: true }, (socket) => receive(socket, target));
  server.listen(0, '127.0.0.1', () => {
    const { port } = server.address() as AddressInfo;
    process.send?.({ t: 'ready', transferUrl: `tcp://127.0.0.1:${port}` });
  });
} else {
  process.on('message', async (order: Order | 'cpu-time') => {
    if (order === 'cpu-time') return;
    const startedMs = performance.now();
    await send(order);
    process.send?.({ t: 'sent', number: order.number, ms: performance.now() - startedMs });
  });
}
