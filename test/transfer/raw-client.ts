// A client that says whatever it is told to, in the right order or not, and keeps what it hears:
// for tests of what a server does with clients that are wrong, slow, or gone.

import { connect, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectSecured } from 'node:tls';
import { onTestFinished } from 'vitest';
import { inTime } from '../../src/core/deadline.ts';
import {
  decode,
  decodeHeader,
  encode,
  type Frame,
  type FrameKind,
  type FrameOf,
  headerBytes,
} from '../../src/transfer/frame.ts';
import { problemOf } from '../../src/transfer/problems.ts';

const patienceMs = 20_000;

export class RawClient {
  readonly socket: Socket;
  readonly #closed = Promise.withResolvers<void>();
  readonly #heard: Frame[] = [];
  #rest = Buffer.alloc(0);
  #wake: () => void = () => undefined;
  #isOver = false;

  constructor(socket: Socket) {
    this.socket = socket
      .on('data', (chunk: Buffer) => this.#hear(chunk))
      .on('error', () => undefined)
      .on('end', () => this.#end())
      .on('close', () => this.#end());
    onTestFinished(() => void socket.destroy());
  }

  /** Resolves when the server has hung up. */
  closed(): Promise<void> {
    return inTime(patienceMs, this.#closed.promise);
  }

  say(...frames: readonly (Frame | Buffer)[]): this {
    for (const frame of frames) {
      this.socket.write(Buffer.isBuffer(frame) ? frame : Buffer.concat(encode(frame)));
    }
    return this;
  }

  /** The next frame; undefined when the server hung up instead. */
  async next(): Promise<Frame | undefined> {
    while (this.#heard.length === 0 && !this.#isOver) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await inTime(patienceMs, promise);
    }
    return this.#heard.shift();
  }

  /** The next frame is of this kind; `wait` is not counted. */
  async hear<K extends FrameKind>(kind: K): Promise<FrameOf<K>> {
    for (;;) {
      const frame = await this.next();
      if (frame?.kind === kind) return frame as FrameOf<K>;
      if (frame?.kind !== 'wait') throw new Error(`${kind} is due: ${JSON.stringify(frame)}`);
    }
  }

  /** The code of the error that comes next. */
  async error(): Promise<string> {
    return problemOf(await this.hear('error')).code;
  }

  /** The code of the error that comes next, and with which the server hangs up. */
  async lastError(): Promise<string> {
    const code = await this.error();
    await this.closed();
    return code;
  }

  #end(): void {
    this.#isOver = true;
    this.#closed.resolve();
    this.#wake();
  }

  #hear(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    while (this.#rest.length >= headerBytes) {
      const { kind, bytes } = decodeHeader(this.#rest.subarray(0, headerBytes));
      const end = headerBytes + bytes;
      if (this.#rest.length < end) break;
      this.#heard.push(decode(kind, this.#rest.subarray(headerBytes, end)));
      this.#rest = this.#rest.subarray(end);
    }
    this.#wake();
  }
}

/** Says nothing yet. */
export function rawTo(port: number, localAddress = '127.0.0.1'): RawClient {
  const host = '127.0.0.1';
  return new RawClient(connect({ port, host, localAddress, allowHalfOpen: true }));
}

export function rawOverTls(port: number, options: ConnectionOptions = {}): RawClient {
  const trusting = { port, host: '127.0.0.1', rejectUnauthorized: false };
  return new RawClient(connectSecured({ ...trusting, ...options }));
}

export function hello(user?: string): FrameOf<'hello'> {
  if (user === undefined) return { kind: 'hello', field: 'none', credential: '' };
  return { kind: 'hello', field: 'authorization', credential: `Bearer ${user}` };
}

/** One that was welcomed. */
export async function welcomed(port: number, user?: string): Promise<RawClient> {
  const client = rawTo(port).say(hello(user));
  await client.hear('welcome');
  return client;
}
