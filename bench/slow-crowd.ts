// Clients that are slow on purpose, as Slowloris is: a third sends a header, a third a body, a byte
// a second each, and a third asks for a large answer and never reads it. What is noted of each is
// when it was cut off.

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

const kinds = ['header', 'body', 'read'] as const;
type Kind = (typeof kinds)[number];

const dripMs = 1_000;

const opening: Readonly<Record<Kind, string>> = {
  header: 'GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ',
  body: 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10000\r\n\r\n',
  read: 'GET /large HTTP/1.1\r\nHost: a\r\n\r\n',
};

interface Client {
  readonly kind: Kind;
  readonly socket: Socket;
}

export interface CutOff {
  readonly kind: Kind;
  readonly afterMs: number;
}

export class SlowCrowd implements Disposable {
  readonly #clients: readonly Client[];
  readonly #drip: NodeJS.Timeout;
  readonly #startedMs = performance.now();
  readonly cut: CutOff[] = [];

  private constructor(clients: readonly Client[]) {
    this.#clients = clients;
    for (const { kind, socket } of clients) {
      let isCut = false;
      const note = () => {
        if (isCut) return;
        isCut = true;
        this.cut.push({ kind, afterMs: performance.now() - this.#startedMs });
      };
      socket.on('close', note).on('error', note).on('end', note);
      socket.write(opening[kind]);
      // An answer is the end of a slow sender; a slow reader leaves it where it is.
      if (kind === 'read') socket.pause();
      else socket.on('data', note).resume();
    }
    this.#drip = setInterval(() => {
      for (const { kind, socket } of clients) {
        if (socket.writable && kind !== 'read') socket.write('x');
      }
    }, dripMs);
  }

  /** Resolves when all are connected. */
  static async open(url: string, size: number): Promise<SlowCrowd> {
    const { hostname, port } = new URL(url);
    const clients = Array.from({ length: size }, (_, index) => {
      const socket = connect({ host: hostname, port: Number(port) });
      return { kind: kinds[index % kinds.length] as Kind, socket };
    });
    await Promise.all(clients.map(({ socket }) => once(socket, 'connect')));
    return new SlowCrowd(clients);
  }

  get size(): number {
    return this.#clients.length;
  }

  /** A reader that reads nothing cannot see that it was cut off: it looks by writing. */
  probe(): void {
    for (const { kind, socket } of this.#clients) {
      if (kind === 'read' && socket.writable) socket.write('GET / HTTP/1.1\r\n');
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#drip);
    for (const { socket } of this.#clients) socket.destroy();
  }
}
