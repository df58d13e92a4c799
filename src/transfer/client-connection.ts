// One connection of a client: opens it, says what is to be said, hears the answers in their order,
// and notices when there will be none. It tries nothing twice; that is for client.ts.

import { connect as connectInTheClear, isIP, type Socket } from 'node:net';
import { connect as connectWithTls, type TLSSocket } from 'node:tls';
import { OperatingError } from '../core/errors.ts';
import type { Frame, FrameKind, FrameOf } from './frame.ts';
import { printable } from './printable.ts';
import { errorOf } from './problems.ts';
import { Receiver } from './receiver.ts';

/** Unread frames from which on nothing more is read; a list's are small, data's a socket's read. */
const unreadMax = 32;

const closed = 'has closed the connection';

export interface TransferCredential {
  /** The header field in which the same credential goes to an HTTP server. */
  readonly field: 'authorization' | 'cookie' | 'x-session-id';
  readonly value: string;
}

export interface Door {
  readonly host: string;
  readonly port: number;
  /** Absent: no TLS. `ca`: whom to trust, as PEM; absent: whom Node trusts. */
  readonly tls?: { readonly ca?: string | Buffer; readonly servername?: string };
  /** How long nothing may happen while something is waited for. */
  readonly patienceMs: number;
  readonly signal?: AbortSignal;
}

export class ClientConnection implements Disposable {
  readonly #door: Door;
  readonly #socket: Socket;
  readonly #receiver = new Receiver('client');
  readonly #heard: Frame[] = [];
  /** Why nothing more will be heard. */
  #failure: unknown;
  #onHeard: (() => void) | undefined;
  #onBroken: ((why: unknown) => void) | undefined;
  #isListening = false;
  isWelcome = false;
  /** As whom the server knows us; empty: as nobody. */
  user = '';
  fileBytesMax = 0;
  readonly #onAbort = () => this.#fail(this.#door.signal?.reason);

  private constructor(door: Door) {
    this.#door = door;
    const { host, port, tls } = door;
    const { ca, servername = isIP(host) ? '' : host } = tls ?? {};
    this.#socket = tls
      ? connectWithTls({ host, port, servername, ...(ca !== undefined && { ca }) })
      : connectInTheClear({ host, port });
    this.#socket.setNoDelay(true).setTimeout(door.patienceMs);
    this.#socket.on('data', (bytes: Buffer<ArrayBuffer>) => this.#take(bytes));
    this.#socket.on('timeout', () => {
      if (this.#isListening || this.#socket.writableLength > 0) this.#fail(this.#lost('is silent'));
    });
    this.#socket.on('error', (error) => this.#fail(this.#translated(error)));
    this.#socket.on('close', () => this.#fail(this.#lost(closed)));
    door.signal?.addEventListener('abort', this.#onAbort);
  }

  /**
   * @throws OperatingError `no-server`, `unfit-certificate`, and what a server answers: chiefly
   *   `not-authenticated`, `overloaded`, `store-unavailable`
   */
  static async open(door: Door, credential?: TransferCredential): Promise<ClientConnection> {
    door.signal?.throwIfAborted();
    const connection = new ClientConnection(door);
    try {
      const { field = 'none', value = '' } = credential ?? {};
      connection.say({ kind: 'hello', field, credential: value });
      const { user, fileBytesMax } = await connection.expect('welcome');
      connection.isWelcome = true;
      connection.user = user;
      connection.fileBytesMax = fileBytesMax;
      return connection;
    } catch (error) {
      connection[Symbol.dispose]();
      throw error;
    }
  }

  /** May the next command be said? */
  get isReady(): boolean {
    const isOpen = this.#failure === undefined && this.#heard.length === 0;
    return isOpen && this.#receiver.phase === 'ready';
  }

  /** @throws what has happened instead, if this is of no use any more */
  say(frame: Frame, onSent: () => void = () => undefined): void {
    this.#checkSaying();
    const pieces = this.#receiver.say(frame);
    this.#socket.cork();
    for (const [index, piece] of pieces.entries()) {
      this.#socket.write(piece, index === pieces.length - 1 ? onSent : undefined);
    }
    this.#socket.uncork();
  }

  /** The next frame; while the server says that it is still at work, that is waited for. */
  async hear(): Promise<Frame> {
    this.#isListening = true;
    this.#socket.setTimeout(this.#door.patienceMs);
    try {
      for (;;) {
        const frame = this.#heard.shift();
        if (this.#heard.length < unreadMax) this.#socket.resume();
        if (frame?.kind === 'error') throw errorOf(frame);
        if (frame !== undefined && frame.kind !== 'wait') return frame;
        if (frame === undefined && this.#failure !== undefined) throw this.#failure;
        if (frame === undefined) await this.#something();
      }
    } finally {
      this.#isListening = false;
    }
  }

  async expect<K extends FrameKind>(kind: K): Promise<FrameOf<K>> {
    const frame = await this.hear();
    if (is(frame, kind)) return frame;
    throw new OperatingError('malformed-frame', {
      detail: `${frame.kind} came instead of ${kind}`,
    });
  }

  /** Waits for something else, unless the server breaks off meanwhile, or says an error. */
  async unlessBroken<T>(work: Promise<T>): Promise<T> {
    this.#checkSaying();
    const broken = Promise.withResolvers<never>();
    this.#onBroken = broken.reject;
    try {
      return await Promise.race([work, broken.promise]);
    } finally {
      this.#onBroken = undefined;
    }
  }

  [Symbol.dispose](): void {
    this.#fail(this.#lost('was left'));
  }

  async #something(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#onHeard = resolve;
    });
  }

  #take(bytes: Buffer<ArrayBuffer>): void {
    if (this.#failure !== undefined) return;
    for (const action of this.#receiver.step(bytes)) {
      if (action.do === 'refuse') {
        this.#fail(this.#notOurs(action.error));
        return;
      }
      const frame = action.frame.kind === 'error' ? shown(action.frame) : action.frame;
      this.#heard.push(frame);
      if (frame.kind === 'error') this.#onBroken?.(errorOf(frame));
    }
    // Free at once: else it would gather until it is collected.
    bytes.buffer.transfer(0);
    if (this.#heard.length >= unreadMax) this.#socket.pause();
    this.#onHeard?.();
  }

  #checkSaying(): void {
    const error = this.#heard.find((frame) => frame.kind === 'error');
    if (error !== undefined) throw errorOf(error);
    if (this.#failure !== undefined) throw this.#failure;
  }

  #fail(why: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = why;
    this.#door.signal?.removeEventListener('abort', this.#onAbort);
    this.#socket.destroy();
    this.#onBroken?.(why);
    this.#onHeard?.();
  }

  #translated(error: Error): OperatingError {
    const { authorizationError: refused } = this.#socket as Partial<TLSSocket>;
    if (refused) {
      const detail = `${this.#where} shows a certificate that is not trusted (${codeOf(refused)})`;
      return new OperatingError('unfit-certificate', { detail, cause: error });
    }
    const code = codeOf(error);
    const isOther = this.#door.tls !== undefined && /^EPROTO$|^ERR_SSL/.test(code);
    return this.#lost(isOther ? 'does not speak TLS' : `cannot be reached (${code})`, error);
  }

  /** Before the welcome nothing can have happened. */
  #lost(what: string, cause?: unknown): OperatingError {
    const { tls } = this.#door;
    const hint =
      what === closed && !this.isWelcome ? `: does it speak TLS${tls ? '' : ' alone'}?` : '';
    const code = this.isWelcome ? 'transfer-lost' : 'no-server';
    return new OperatingError(code, { detail: `${this.#where} ${what}${hint}`, cause });
  }

  #notOurs({ code, detail = '' }: OperatingError): OperatingError {
    return new OperatingError(code, { detail: `${this.#where} answers something else: ${detail}` });
  }

  get #where(): string {
    return `${this.#door.host}:${this.#door.port}`;
  }
}

function shown(error: FrameOf<'error'>): FrameOf<'error'> {
  return { ...error, detail: printable(error.detail) };
}

function is<K extends FrameKind>(frame: Frame, kind: K): frame is Frame & FrameOf<K> {
  return frame.kind === kind;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
