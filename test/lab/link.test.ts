// The laws of the cable, with real sockets: what goes in comes out, later, or never, as the fault
// says, and a connection that lost something does not go on as if nothing had been.

import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { type Link, openLink } from '../../src/lab/link.ts';

interface Echo {
  readonly port: number;
  readonly sockets: Set<Socket>;
  received: string;
}

/** Sends back what it gets, behind a prefix that tells which server it is. */
async function echo(prefix = ''): Promise<Echo> {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const peer: Echo = {
    port: (server.address() as AddressInfo).port,
    sockets: new Set(),
    received: '',
  };
  server.on('connection', (socket) => {
    peer.sockets.add(socket);
    if (prefix !== '') socket.write(prefix);
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      if (peer.received.length < 10_000) peer.received += chunk.toString('latin1');
    });
    socket.pipe(socket);
  });
  onTestFinished(() => {
    for (const socket of peer.sockets) socket.destroy();
    server.close();
  });
  return peer;
}

async function linkTo(port: number): Promise<Link> {
  const link = await openLink({ name: 'a -> b', to: { host: '127.0.0.1', port } });
  onTestFinished(async () => await link[Symbol.asyncDispose]());
  return link;
}

class Client {
  readonly socket: Socket;
  readonly ended: Promise<string>;
  text = '';

  constructor(port: number) {
    this.socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.socket.on('data', (chunk) => {
      this.text += chunk.toString('latin1');
    });
    let code = 'closed';
    this.socket.on('error', (error: NodeJS.ErrnoException) => {
      code = error.code ?? error.message;
    });
    this.ended = new Promise((resolve) => this.socket.once('close', () => resolve(code)));
    onTestFinished(() => void this.socket.destroy());
  }

  async sees(text: string): Promise<void> {
    await expect.poll(() => this.text, { interval: 2 }).toBe(text);
  }

  async says(text: string): Promise<void> {
    const before = this.text;
    this.socket.write(text);
    await this.sees(before + text);
  }
}

test('a healthy link carries twenty megabytes each way unchanged, and the end of each stream', async () => {
  const link = await linkTo((await echo()).port);
  const sent = randomBytes(20 * 1024 * 1024);
  const socket = connect({ port: link.port, host: '127.0.0.1', allowHalfOpen: true });
  socket.end(sent);
  const hash = createHash('sha256');
  for await (const chunk of socket) hash.update(chunk);
  expect(hash.digest('hex')).toBe(createHash('sha256').update(sent).digest('hex'));
});

test('a slow reader slows the writer down: the link does not hoard', async () => {
  const peer = await echo();
  const link = await linkTo(peer.port);
  const socket = connect({ port: link.port, host: '127.0.0.1' });
  onTestFinished(() => void socket.destroy());
  socket.pause();
  const chunk = Buffer.alloc(1024 * 1024);
  let isStopped = false;
  for (let megabytes = 0; megabytes < 200 && !isStopped; megabytes += 1) {
    if (!socket.write(chunk)) {
      isStopped = await Promise.race([
        once(socket, 'drain').then(() => false),
        delay(1_000).then(() => true),
      ]);
    }
  }
  expect(isStopped).toBe(true);
});

test('delay adds its time to each direction, once for many chunks, and keeps their order', async () => {
  const peer = await echo();
  const link = await linkTo(peer.port);
  const client = new Client(link.port);
  await client.says('warm');
  link.delay(60);
  const start = performance.now();
  for (const letter of 'abcdefghij') {
    client.socket.write(letter);
    await new Promise(setImmediate);
  }
  await client.sees('warmabcdefghij');
  const tookMs = performance.now() - start;
  expect(tookMs).toBeGreaterThanOrEqual(119);
  // Ten times if it were added to each chunk.
  expect(tookMs).toBeLessThan(1_100);
  expect(peer.received).toBe('warmabcdefghij');
});

test('what was delayed still arrives, in order, when the link heals in between', async () => {
  const link = await linkTo((await echo()).port);
  const client = new Client(link.port);
  await client.says('x');
  link.delay(100);
  client.socket.write('slow');
  await new Promise(setImmediate);
  link.heal();
  client.socket.write('fast');
  await client.sees('xslowfast');
});

test('a cut link keeps connections open, and loses what is sent for good', async () => {
  const peer = await echo();
  const link = await linkTo(peer.port);
  const [old, idle] = [new Client(link.port), new Client(link.port)];
  await old.says('before');
  await idle.says('idle');
  link.cut();
  old.socket.write('lost');
  const fresh = new Client(link.port);
  await once(fresh.socket, 'connect');
  fresh.socket.write('lost too');
  await delay(100);
  expect([old.socket.closed, fresh.socket.closed]).toEqual([false, false]);
  expect(peer.received).toBe('beforeidle');
  link.heal();
  expect(await old.ended).toBe('ECONNRESET');
  expect(await fresh.ended).toBe('ECONNRESET');
  await idle.says(' and well');
  await new Client(link.port).says('new');
  expect(peer.received).not.toContain('lost');
});

test('through a cut link no end is heard of, until it heals', async () => {
  const peer = await echo();
  const link = await linkTo(peer.port);
  const client = new Client(link.port);
  await client.says('hello');
  link.cut();
  for (const socket of peer.sockets) socket.resetAndDestroy();
  await delay(100);
  expect(client.socket.closed).toBe(false);
  link.heal();
  expect(await client.ended).toBe('ECONNRESET');
});

test('a refusing link resets what is open and refuses what is new, on the port it heals to', async () => {
  const link = await linkTo((await echo()).port);
  const { port } = link;
  for (let round = 0; round < 3; round += 1) {
    const client = new Client(port);
    await client.says(`hello ${round}`);
    link.refuse();
    expect(await client.ended).toBe('ECONNRESET');
    expect(await new Client(port).ended).toBe('ECONNREFUSED');
    link.heal();
    await link.retarget((await echo()).port);
    expect(link.port).toBe(port);
  }
});

test('a link heals to its port also when it is refused and healed in the same breath', async () => {
  const link = await linkTo((await echo()).port);
  for (let round = 0; round < 20; round += 1) {
    link.refuse();
    link.heal();
    link.refuse();
    link.cut();
    link.heal();
  }
  await link.retarget((await echo('new ')).port);
  await new Client(link.port).sees('new ');
});

test('a target without a port is refused, and open connections go on', async () => {
  const link = await linkTo((await echo()).port);
  const old = new Client(link.port);
  await old.says('old');
  await link.retarget(undefined);
  expect(await new Client(link.port).ended).toBe('ECONNREFUSED');
  await old.says(' goes on');
  await link.retarget((await echo('restarted ')).port);
  await new Client(link.port).sees('restarted ');
});

test('a reset at one end is a reset at the other', async () => {
  const peer = await echo();
  const link = await linkTo(peer.port);
  const client = new Client(link.port);
  await client.says('hello');
  for (const socket of peer.sockets) socket.resetAndDestroy();
  expect(await client.ended).toBe('ECONNRESET');
});

test('a target that nobody listens on resets the connection', async () => {
  const link = await linkTo(1);
  expect(await new Client(link.port).ended).toBe('ECONNRESET');
});

test('a closed link has closed everything', async () => {
  const link = await openLink({ name: 'a', to: { host: '127.0.0.1', port: (await echo()).port } });
  const client = new Client(link.port);
  await client.says('hello');
  await link[Symbol.asyncDispose]();
  expect(await client.ended).toBe('ECONNRESET');
  expect(await new Client(link.port).ended).toBe('ECONNREFUSED');
});
