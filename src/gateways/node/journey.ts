// One request's way through the gateway: what was known when it came, which servers were asked, and
// the line in the log at its end. HTTP requests and WebSocket upgrades share it.

import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { ErrorCode } from '../../core/errors.ts';
import { parseServed, type Served } from '../access-line.ts';
import { ambiguousPath, knownMethods, sizes } from '../border.ts';
import type { AccessLog } from './access-log.ts';
import { affinityCookie, answerFields, ownFields, receive } from './fields.ts';
import { type PooledServer, refused } from './pool.ts';
import { moved, type Problem, problemOf } from './problem.ts';
import type { Destination, Site } from './site.ts';

export interface Parts {
  readonly site: Site;
  readonly log: AccessLog;
  readonly answerTimeoutMs: number;
}

export class Journey {
  readonly #parts: Parts;
  readonly #socket: Socket;
  readonly #address: string;
  readonly #tls: string | null;
  readonly #method: string;
  readonly #destination: Destination | undefined;
  readonly #arrivedMs = Date.now();
  readonly #startedMs = performance.now();
  readonly #bytesBefore: number;
  readonly #requestId: string;
  readonly #stuckTo: string | undefined;
  readonly #objection: ErrorCode | undefined;
  #tries = 0;
  #server: PooledServer | undefined;
  #headMs: number | null = null;
  #served: Served | null = null;
  /** A connection was made, and a byte may have reached a server: nothing is repeated from here. */
  hasReached = false;
  isTooLate = false;

  /** Makes the header fields and the path of the request fit to be forwarded. */
  constructor(request: IncomingMessage, parts: Parts) {
    const { socket, method = '', url = '', headers } = request;
    this.#parts = parts;
    this.#socket = socket;
    this.#address = socket.remoteAddress ?? 'unknown';
    this.#tls = socket instanceof TLSSocket ? socket.getProtocol() : null;
    this.#method = knownMethods.includes(method) ? method : 'other';
    this.#bytesBefore = socket.bytesWritten;
    const [path = ''] = url.split('?', 1);
    this.#destination = parts.site.destination(path);
    this.#objection = objection(request, path, parts.site, this.#destination);
    const { requestId, stuckTo } = receive(
      headers,
      this.#address,
      this.#isSecure ? 'https' : 'http',
      (group) => parts.site.has(group),
      this.#destination?.to?.group.cookies,
    );
    this.#requestId = requestId;
    this.#stuckTo = stuckTo.get(this.#destination?.to?.group.name ?? '');
    request.url = url.slice(this.#destination?.route.base?.length ?? 0);
  }

  get #isSecure(): boolean {
    return this.#tls !== null;
  }

  /** The servers to ask, one after the other, while none has been reached. */
  *choices(): Generator<PooledServer> {
    if (this.#destination?.to === undefined) return;
    const { pool, picker } = this.#destination.to;
    const tried = new Set<PooledServer>();
    const client = { address: this.#address, stuckTo: this.#stuckTo };
    while (!this.hasReached && !this.#socket.destroyed) {
      const candidates = pool.candidates(tried);
      if (candidates.length === 0) return;
      const { name } = picker.pick(candidates, client);
      const server = candidates.find((candidate) => candidate.name === name);
      if (server === undefined) throw new Error(`The policy picked ${name}, who was not offered`);
      tried.add(server);
      this.#tries += 1;
      this.#server = server;
      yield server;
      if (!this.hasReached) refused(server);
    }
  }

  /** The answer's head has come from the server; the fields as the client gets them. */
  answered({ headers }: IncomingMessage): OutgoingHttpHeaders {
    this.#headMs = this.#elapsedMs();
    const said = headers['x-audit'];
    this.#served = parseServed(Array.isArray(said) ? undefined : said);
    const fields = { ...answerFields(headers), ...this.added(headers['set-cookie']) };
    const own = headers['content-security-policy'];
    if (this.#destination?.to?.group.pages && own) {
      fields['content-security-policy'] = [own].flat().join(', ');
    }
    return fields;
  }

  /** What the gateway adds to an answer; the cookies of the server are kept. */
  added(cookies: readonly string[] = []): OutgoingHttpHeaders {
    const own = {
      ...ownFields(this.#requestId, this.#isSecure),
      'x-gateway-tries': String(this.#tries),
    };
    const name = this.#server?.name;
    const { group, policy } = this.#destination?.to ?? {};
    if (!group || !policy?.setsCookie || name === undefined || name === this.#stuckTo) return own;
    return { ...own, 'set-cookie': [...cookies, affinityCookie(group.name, name, this.#isSecure)] };
  }

  /** Why and how the request is not forwarded, if it is not. */
  refusal(elsewhere: string | null | undefined): Problem | undefined {
    const objection = this.#objection;
    if (elsewhere === undefined || objection === 'invalid-request') {
      return objection && this.problem(objection);
    }
    return elsewhere === null ? this.problem('misdirected') : moved(elsewhere, this.#requestId);
  }

  /** Where no server gave an answer. */
  problem(code: ErrorCode = this.#failure()): Problem {
    return problemOf(code, this.#requestId, this.#isSecure, this.#tries);
  }

  end(status: number | null, complete: boolean): void {
    this.#parts.log.write({
      time: new Date(this.#arrivedMs).toISOString(),
      requestId: this.#requestId,
      client: this.#address,
      method: this.#method,
      path: this.#destination?.route.path ?? null,
      served: this.#served,
      status,
      complete,
      upstream: this.#server?.name ?? null,
      tries: this.#tries,
      headMs: this.#headMs,
      durationMs: this.#elapsedMs(),
      bytes: this.#socket.bytesWritten - this.#bytesBefore,
      tls: this.#tls,
    });
  }

  #elapsedMs(): number {
    return Math.round((performance.now() - this.#startedMs) * 100) / 100;
  }

  #failure(): ErrorCode {
    if (!this.hasReached) return 'no-server';
    return this.isTooLate ? 'server-silent' : 'server-lost';
  }
}

function objection(
  request: IncomingMessage,
  path: string,
  site: Site,
  destination: Destination | undefined,
): ErrorCode | undefined {
  const encoding = request.headers['transfer-encoding'];
  const isClear =
    (request.httpVersion === '1.1' || request.httpVersion === '1.0') &&
    path.startsWith('/') &&
    !ambiguousPath.test(path) &&
    // Of two of these Node takes the first, and whoever reads the other is deceived.
    request.headersDistinct.host?.length === 1 &&
    (request.headersDistinct.authorization?.length ?? 0) <= 1 &&
    (encoding === undefined || encoding.toLowerCase() === 'chunked');
  if (!isClear) return 'invalid-request';
  if (request.method === 'TRACE' || request.method === 'CONNECT') return 'method-not-allowed';
  if (destination?.to === undefined) return 'not-found';
  if (Number(request.headers['content-length']) > sizes.bodyBytesMax) return 'payload-too-large';
  return site.inFlight() >= sizes.requestsMax ? 'overloaded' : undefined;
}
