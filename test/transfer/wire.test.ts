// A socket as a place of frames: what it holds of a peer that nobody listens to for a while.

import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { expect, test } from 'vitest';
import { encode, type Frame } from '../../src/transfer/frame.ts';
import { Wire } from '../../src/transfer/wire.ts';
import { hello } from './raw-client.ts';

const patience = { helloMs: 60_000, idleMs: 60_000, totalMs: 60_000, rateMin: 1 };
const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** In memory of its own, as what a socket gives is. */
const alone = (bytes: Buffer) => Buffer.from(Uint8Array.from(bytes).buffer);

/** The stream of a socket, which gives each piece by itself. */
class Drip extends Duplex {
  setTimeout = () => this;
  override _read() {}
  override _write(_chunk: Buffer, _encoding: string, done: () => void) {
    done();
  }
}

test('what is read ahead is few pieces, however small each is, and none is lost', async () => {
  const drip = new Drip();
  const wire = new Wire(drip as unknown as Socket, patience);
  let pieces = 0;
  drip.on('data', () => {
    pieces += 1;
  });
  drip.push(alone(Buffer.concat(encode(hello()))));
  expect((await wire.next())?.kind).toBe('hello');
  wire.say({ kind: 'welcome', idleMs: 1, fileBytesMax: 1, user: '' });
  const put: Frame = {
    ...{ kind: 'put', upload: 'a'.repeat(32), bytes: null },
    ...{ name: 'x'.repeat(1000), claimedType: '' },
  };
  const before = pieces;
  const bytes = Buffer.concat(encode(put));
  for (const byte of bytes) drip.push(alone(Buffer.of(byte)));
  await nextTurn();
  expect(pieces - before).toBeLessThanOrEqual(64);
  expect(await wire.next()).toEqual(put);
  expect(pieces - before).toBe(bytes.length);
  drip.destroy();
});
