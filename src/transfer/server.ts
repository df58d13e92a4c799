// Listens for transfers, with TLS or without, and lets in as many connections as there is room for:
// in all, and from one address. When there is no room, one that has said nothing for a second makes
// room for the next, so that silence cannot keep others out. Who is turned away is told so. What a
// connection does is connection.ts.

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, isIPv6, type Server, type Socket } from 'node:net';
import { createSecureContext, type SecureContext, TLSSocket } from 'node:tls';
import { OperatingError } from '../core/errors.ts';
import { Connection, type ConnectionOptions } from './connection.ts';
import { encode } from './frame.ts';
import { errorFrame } from './problems.ts';
import type { Peer } from './surroundings.ts';

export interface TransferServerOptions extends ConnectionOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** PEM. Absent: no TLS. */
  readonly tls?: { readonly cert: string | Buffer; readonly key: string | Buffer };
  readonly connectionsMax: number;
  /** From one address; of IPv6, from one network /64. */
  readonly addressMax: number;
}

export interface TransferServer extends AsyncDisposable {
  /** tcp://127.0.0.1:65432, or tls://... */
  readonly url: string;
  readonly connections: number;
  /** Takes no new connection and no new command. */
  drain(): void;
  /** Breaks off what is still under way. */
  breakOff(): void;
}

/** How long a connection may say nothing before another may have its place. */
const silenceMs = 1_000;
const farewellMs = 1_000;

/** @throws OperatingError `unfit-certificate` */
export async function openTransferServer(options: TransferServerOptions): Promise<TransferServer> {
  const doors = new Doors(options);
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) =>
    doors.arrive(socket),
  );
  server.listen(options.port, options.host);
  await once(server, 'listening');
  // One that could not be accepted, for want of file descriptors: the others go on.
  server.on('error', (error) => doors.trouble(error));
  return {
    url: urlOf(server, options.tls === undefined ? 'tcp' : 'tls'),
    get connections() {
      return doors.count;
    },
    drain: () => {
      server.close();
      doors.drain();
    },
    breakOff: () => doors.breakOff(),
    async [Symbol.asyncDispose]() {
      server.close();
      doors.drain();
      await doors.empty();
    },
  };
}

interface Admitted {
  readonly place: string;
  readonly sinceMs: number;
}

class Doors {
  readonly #options: TransferServerOptions;
  readonly #context: SecureContext | undefined;
  /** Oldest first. */
  readonly #inside = new Map<Connection, Admitted>();
  /** Those too whose place was given to another, until they are gone. */
  readonly #running = new Map<Connection, Promise<void>>();
  readonly #prefix = randomBytes(6).toString('base64url');
  #arrived = 0;
  #leaving = 0;

  constructor(options: TransferServerOptions) {
    this.#options = options;
    const { tls } = options;
    this.#context = tls && contextOf(tls);
  }

  get count(): number {
    return this.#inside.size;
  }

  arrive(socket: Socket): void {
    // It is heard of by 'close', and by whoever reads or writes.
    socket.on('error', () => undefined);
    const ip = socket.remoteAddress?.replace(/^::ffff:(?=\d+\.)/, '') ?? '';
    this.#arrived += 1;
    const peer = { ip, id: `${this.#prefix}-t${this.#arrived.toString(36)}` };
    const place = placeOf(ip);
    if (!this.#makeRoom(place)) {
      this.#turnAway(socket, peer);
      return;
    }
    const stream = this.#secured(socket);
    const connection = new Connection(stream, peer, this.#options);
    this.#inside.set(connection, { place, sinceMs: performance.now() });
    this.#running.set(connection, this.#accompany(connection));
  }

  trouble(error: Error): void {
    this.#options.surroundings.trouble(error, { ip: '', id: this.#prefix });
  }

  drain(): void {
    for (const connection of this.#running.keys()) connection.drain();
  }

  breakOff(): void {
    for (const connection of this.#running.keys()) connection.breakOff();
  }

  async empty(): Promise<void> {
    await Promise.all(this.#running.values());
  }

  async #accompany(connection: Connection): Promise<void> {
    await connection.run();
    this.#inside.delete(connection);
    this.#running.delete(connection);
  }

  #makeRoom(place: string): boolean {
    const { connectionsMax, addressMax } = this.#options;
    const neighbours = [...this.#inside].filter(([, each]) => each.place === place);
    if (neighbours.length >= addressMax) return this.#displace(neighbours);
    return this.#inside.size < connectionsMax || this.#displace(this.#inside);
  }

  #displace(among: Iterable<[Connection, Admitted]>): boolean {
    const before = performance.now() - silenceMs;
    for (const [connection, { sinceMs }] of among) {
      if (sinceMs > before) return false;
      if (!connection.isSilent) continue;
      this.#inside.delete(connection);
      connection.breakOff();
      return true;
    }
    return false;
  }

  /** Of those who are told why there are at most as many as of those who are let in. */
  #turnAway(socket: Socket, peer: Peer): void {
    const { surroundings, connectionsMax, tls } = this.#options;
    surroundings.note({ kind: 'throttled' }, peer);
    if (tls !== undefined || this.#leaving >= connectionsMax) {
      socket.destroy();
      return;
    }
    const detail = 'There are too many connections';
    const error = new OperatingError('overloaded', { detail, retryAfterSeconds: 1 });
    const late = setTimeout(() => socket.destroy(), farewellMs);
    this.#leaving += 1;
    socket.once('close', () => {
      clearTimeout(late);
      this.#leaving -= 1;
    });
    socket.end(Buffer.concat(encode(errorFrame(error)))).resume();
  }

  #secured(socket: Socket): Socket {
    if (this.#context === undefined) return socket;
    return new TLSSocket(socket, { isServer: true, secureContext: this.#context });
  }
}

function contextOf(tls: NonNullable<TransferServerOptions['tls']>): SecureContext {
  try {
    return createSecureContext({ ...tls, minVersion: 'TLSv1.2' });
  } catch (cause) {
    const detail = 'The certificate of the transfer and its private key are no pair, or not PEM';
    throw new OperatingError('unfit-certificate', { detail, cause });
  }
}

function placeOf(ip: string): string {
  if (!isIPv6(ip)) return ip;
  const [head = '', tail] = ip.split('::');
  const groups = head.split(':');
  const more = tail === undefined ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : 8 - groups.length - more.length;
  return [...groups, ...new Array(zeros).fill('0'), ...more].slice(0, 4).join(':');
}

function urlOf(server: Server, scheme: 'tcp' | 'tls'): string {
  const { address, port } = server.address() as AddressInfo;
  return `${scheme}://${isIPv6(address) ? `[${address}]` : address}:${port}`;
}
