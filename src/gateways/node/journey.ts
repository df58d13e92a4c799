// One request's way through the gateway: what was known when it came, which servers were asked, and
// the line in the log at its end. HTTP requests and WebSocket upgrades share it.

import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import { type ErrorCode, errors } from '../../core/errors.ts';
import type { Picker, Policy } from '../../policies/policy.ts';
import type { AccessLog } from './access-log.ts';
import { affinityCookie, receive } from './fields.ts';
import type { Pool, PooledServer } from './pool.ts';

/** Each holds at most one connection to a server, so this bounds those as well. */
const REQUESTS_AT_ONCE_MAX = 4_096;
const RETRY_AFTER_SECONDS = 1;

export interface Parts {
  readonly pool: Pool;
  readonly policy: Policy;
  readonly picker: Picker;
  readonly log: AccessLog;
  readonly answerTimeoutMs: number;
}

export interface Problem {
  readonly status: number;
  readonly fields: OutgoingHttpHeaders;
  readonly body: string;
}

export class Journey {
  readonly #parts: Parts;
  readonly #socket: Socket;
  readonly #address: string;
  readonly #method: string;
  readonly #path: string;
  readonly #arrivedMs = Date.now();
  readonly #startedMs = performance.now();
  readonly #bytesBefore: number;
  readonly #requestId: string;
  readonly #stuckTo: string | undefined;
  /** Why the request is not forwarded at all. */
  readonly objection: ErrorCode | undefined;
  #tries = 0;
  #server: PooledServer | undefined;
  /** A connection was made, and a byte may have reached a server: nothing is repeated from here. */
  hasReached = false;
  isTooLate = false;

  /** Makes the header fields of the request fit to be forwarded. */
  constructor(request: IncomingMessage, parts: Parts) {
    this.#parts = parts;
    this.#socket = request.socket;
    this.#address = request.socket.remoteAddress ?? 'unknown';
    this.#method = request.method ?? '';
    this.#path = request.url?.split('?', 1)[0] ?? '';
    this.#bytesBefore = request.socket.bytesWritten;
    this.objection = objection(request, parts.pool);
    const { requestId, stuckTo } = receive(request.headers, this.#address);
    this.#requestId = requestId;
    this.#stuckTo = stuckTo;
  }

  /** The servers to ask, one after the other, while none has been reached. */
  *choices(): Generator<PooledServer> {
    const tried = new Set<PooledServer>();
    const client = { address: this.#address, stuckTo: this.#stuckTo };
    while (!this.hasReached && !this.#socket.destroyed) {
      const candidates = this.#parts.pool.candidates(tried);
      if (candidates.length === 0) return;
      const { name } = this.#parts.picker.pick(candidates, client);
      const server = candidates.find((candidate) => candidate.name === name);
      if (server === undefined) throw new Error(`The policy picked ${name}, who was not offered`);
      tried.add(server);
      this.#tries += 1;
      this.#server = server;
      yield server;
    }
  }

  /** What the gateway adds to an answer; the cookies of the server are kept. */
  ownFields(cookies: readonly string[] = []): OutgoingHttpHeaders {
    const own = { 'x-request-id': this.#requestId, 'x-gateway-tries': String(this.#tries) };
    const name = this.#server?.name;
    const isNew = this.#parts.policy.setsCookie && name !== undefined && name !== this.#stuckTo;
    if (isNew) return { ...own, 'set-cookie': [...cookies, affinityCookie(name)] };
    return own;
  }

  /** The answer of the gateway itself (RFC 9457), where no server gave one. */
  problem(code: ErrorCode = this.#failure()): Problem {
    const { status, summary: title } = errors[code];
    const requestId = this.#requestId;
    const body = JSON.stringify({ type: 'about:blank', title, status, code, requestId });
    const fields: OutgoingHttpHeaders = {
      'content-type': 'application/problem+json',
      'content-length': Buffer.byteLength(body),
      'cache-control': 'no-store',
      'x-request-id': requestId,
      'x-gateway-tries': String(this.#tries),
    };
    if (status === 503 || status === 429) fields['retry-after'] = String(RETRY_AFTER_SECONDS);
    return { status, fields, body };
  }

  end(status: number | null, complete: boolean): void {
    this.#parts.log.write({
      time: new Date(this.#arrivedMs).toISOString(),
      requestId: this.#requestId,
      client: this.#address,
      method: this.#method,
      path: this.#path,
      status,
      complete,
      upstream: this.#server?.name ?? null,
      tries: this.#tries,
      durationMs: Math.round((performance.now() - this.#startedMs) * 100) / 100,
      bytes: this.#socket.bytesWritten - this.#bytesBefore,
    });
  }

  #failure(): ErrorCode {
    if (!this.hasReached) return 'no-server';
    return this.isTooLate ? 'server-silent' : 'server-lost';
  }
}

/** Of two of these Node takes the first, and whoever reads the other is deceived. */
const unique = ['host', 'authorization'];

function objection(request: IncomingMessage, pool: Pool): ErrorCode | undefined {
  const encoding = request.headers['transfer-encoding'];
  const isClear =
    request.url?.startsWith('/') &&
    unique.every((name) => (request.headersDistinct[name]?.length ?? 0) <= 1) &&
    (encoding === undefined || encoding.toLowerCase() === 'chunked');
  if (!isClear) return 'invalid-request';
  return pool.inFlight() >= REQUESTS_AT_ONCE_MAX ? 'overloaded' : undefined;
}
