// A server to stand behind a gateway under test: it tells what it was asked, and misbehaves on
// request. It is started, killed and started again on the same port.

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { freePort } from '../../src/backing/process.ts';
import type { Upstream } from '../../src/gateways/gateway.ts';

/** What a server saw of a request; it answers with it, as JSON. */
export interface Seen {
  readonly by: string;
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** More than the buffers hold between a server and a client that does not read. */
const LARGE = Buffer.alloc(32 * 1024 * 1024);

/** As patient as a server behind a gateway that passes bodies on while they come. */
const patience = { requestTimeout: 9_000, connectionsCheckingInterval: 500 };
/** This one is an ordinary route, whatever the client would like. */
const shouldUpgradeCallback = ({ url }: IncomingMessage) => url !== '/audited';

export class TestServer implements Upstream, AsyncDisposable {
  readonly name: string;
  /** Without those about health. */
  readonly seen: Seen[] = [];
  isReady = true;
  checks = 0;
  #port = 0;
  #server: Server | undefined;
  readonly #sockets = new Set<Socket>();

  constructor(name: string) {
    this.name = name;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  async start(): Promise<void> {
    const server = createServer({ ...patience, shouldUpgradeCallback }, (request, response) => {
      void this.#handle(request, response);
    });
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    server.on('upgrade', (request, socket) => {
      const key = `${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
      const accept = createHash('sha1').update(key).digest('base64');
      const fields = `upgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: ${accept}`;
      const audit = `x-audit: ${this.name}#1 /live u1 h1`;
      socket.on('error', () => undefined);
      socket.write(`HTTP/1.1 101 Switching Protocols\r\n${fields}\r\n${audit}\r\n\r\n`);
      socket.write(`${this.name}:`);
      socket.pipe(socket);
    });
    this.#port ||= await freePort();
    server.listen(this.#port, '127.0.0.1');
    await once(server, 'listening');
    this.#server = server;
  }

  /** As `kill -9` looks from outside: open connections are reset, new ones refused. */
  async kill(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    server.close();
    for (const socket of this.#sockets) socket.resetAndDestroy();
    await once(server, 'close');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = request.url ?? '';
    if (url === '/health/ready') {
      this.checks += 1;
      response.writeHead(this.isReady ? 200 : 503).end();
      return;
    }
    if (url === '/echo-stream') {
      request.on('data', (chunk) => response.write(chunk)).on('end', () => response.end());
      return;
    }
    const seen = {
      by: this.name,
      method: request.method ?? '',
      url,
      headers: Object.fromEntries(
        Object.entries(request.headersDistinct).map(([name, all]) => [name, (all ?? []).join('|')]),
      ),
      body: await text(request).catch(() => ''),
    };
    this.seen.push(seen);
    answer(seen, request, response);
  }
}

function answer(seen: Seen, request: IncomingMessage, response: ServerResponse): void {
  const path = seen.url.split('?', 1)[0];
  if (path === '/die') {
    request.socket.destroy();
  } else if (path === '/break-off') {
    response.writeHead(200, { 'content-length': 100 });
    response.write('the beginning of', () => request.socket.destroy());
  } else if (path === '/events') {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('data: first\n\n');
    setTimeout(() => response.end('data: last\n\n'), Number(seen.url.split('=')[1]));
  } else if (path === '/large') {
    response.end(LARGE);
  } else if (path === '/late') {
    const delayMs = Number(seen.url.split('=')[1]);
    setTimeout(() => response.end(JSON.stringify(seen)), delayMs);
  } else if (path !== '/never') {
    if (path === '/audited') response.setHeader('x-audit', `${seen.by}#1 /audited u1 h1`);
    response.writeHead(path === '/teapot' ? 418 : 200, {
      'content-type': 'application/json',
      'set-cookie': ['a=1; Path=/', 'b=2'],
      'x-kind': 'own',
      server: 'TestServer/1',
    });
    response.end(JSON.stringify(seen));
  }
}
