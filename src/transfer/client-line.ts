// The way of a client to one server: connections that are kept between two commands, and commands
// that are repeated over another one when theirs breaks. Every command can be, without harm.

import { isIP } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { type ErrorCode, OperatingError } from '../core/errors.ts';
import { ClientConnection, type Door, type TransferCredential } from './client-connection.ts';

export interface TransferOptions {
  /** Default: 127.0.0.1. */
  readonly host?: string;
  /** Default: 65432. */
  readonly port?: number;
  /** Speak TLS. `ca`: whom to trust, as PEM; absent: whom Node trusts. */
  readonly tls?: NonNullable<Door['tls']>;
  /** Who you are; a function is asked before each connection. Absent: nobody. */
  readonly credential?: TransferCredential | (() => Promise<TransferCredential>);
  /** Show the credential to a server on another machine though there is no TLS. */
  readonly inTheClear?: boolean;
  /** How often in succession nothing may come of it. Default: 10, which takes half a minute. */
  readonly attempts?: number;
  /** Told why something is tried again. */
  readonly onRetry?: (why: OperatingError) => void;
  /** How long a server may be silent. Default: 30 s. */
  readonly patienceMs?: number;
  /** Breaks everything off: what is under way rejects with its reason. */
  readonly signal?: AbortSignal;
}

/** What may go away by itself. */
const passing: ReadonlySet<ErrorCode> = new Set([
  ...(['transfer-lost', 'no-server', 'too-slow', 'overloaded', 'internal'] as const),
  ...(['store-unavailable', 'vault-unavailable', 'audit-unavailable'] as const),
  ...(['audit-outcome-unknown', 'digest-mismatch'] as const),
]);
const backoffMs = { least: 100, most: 5_000 };

export class Line implements Disposable {
  readonly door: Door;
  readonly #credential: TransferOptions['credential'];
  readonly #attempts: number;
  readonly #onRetry: TransferOptions['onRetry'];
  readonly #idle: ClientConnection[] = [];
  #isLeft = false;
  /** Where there never was a server nothing is tried again. */
  #isKnown = false;
  user = '';
  fileBytesMax = 0;

  private constructor(options: TransferOptions) {
    const { credential, attempts = 10, inTheClear, onRetry, ...rest } = options;
    this.door = { host: '127.0.0.1', port: 65_432, patienceMs: 30_000, ...rest };
    this.#credential = credential;
    this.#attempts = attempts;
    this.#onRetry = onRetry;
    if (credential === undefined || rest.tls || inTheClear || isLoopback(this.door.host)) return;
    const detail = `A credential for ${this.door.host} would travel in the clear: use TLS, or allow it (inTheClear, --in-the-clear)`;
    throw new OperatingError('invalid-request', { detail });
  }

  static async open(options: TransferOptions): Promise<Line> {
    const line = new Line(options);
    await line.persist(async ({ user, fileBytesMax }) => {
      line.user = user;
      line.fileBytesMax = fileBytesMax;
    });
    return line;
  }

  /** Repeats what breaks, later each time, and counts anew whenever `reached` has grown. */
  async persist<T>(
    attempt: (connection: ClientConnection) => Promise<T>,
    reached: () => number = () => 0,
  ): Promise<T> {
    let best = reached();
    for (let failures = 1; ; failures += 1) {
      try {
        return await this.#once(attempt);
      } catch (error) {
        if (!(error instanceof OperatingError) || !this.#mayPass(error)) throw error;
        if (reached() > best) failures = 1;
        best = Math.max(best, reached());
        if (failures >= this.#attempts) throw lost(error);
        this.#onRetry?.(error);
        await this.#pause(failures, error.retryAfterSeconds ?? 0);
      }
    }
  }

  [Symbol.dispose](): void {
    this.#isLeft = true;
    for (const connection of this.#idle.splice(0)) connection[Symbol.dispose]();
  }

  async #once<T>(attempt: (connection: ClientConnection) => Promise<T>): Promise<T> {
    const connection = await this.#connection();
    try {
      return await attempt(connection);
    } finally {
      if (connection.isReady && !this.#isLeft) this.#idle.push(connection);
      else connection[Symbol.dispose]();
    }
  }

  async #connection(): Promise<ClientConnection> {
    for (;;) {
      const connection = this.#idle.pop();
      if (connection === undefined) break;
      if (connection.isReady) return connection;
      connection[Symbol.dispose]();
    }
    const credential = this.#credential;
    const own = typeof credential === 'function' ? await credential() : credential;
    const opened = await ClientConnection.open(this.door, own);
    this.#isKnown = true;
    return opened;
  }

  #mayPass({ code }: OperatingError): boolean {
    return passing.has(code) && (this.#isKnown || code !== 'no-server');
  }

  async #pause(failures: number, askedSeconds: number): Promise<void> {
    const { signal } = this.door;
    const ownMs = backoffMs.least * 2 ** (failures - 1);
    const ms = Math.min(Math.max(ownMs, askedSeconds * 1000), backoffMs.most);
    await delay(ms, undefined, { ...(signal && { signal }) }).catch(() => undefined);
    signal?.throwIfAborted();
  }
}

/** A server that was there, and is not any more, may have done it. */
function lost(error: OperatingError): OperatingError {
  if (error.code !== 'no-server') return error;
  return new OperatingError('transfer-lost', { detail: error.message, cause: error });
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}
