// Answers what never became a request: bytes that are not HTTP, header fields that are too large, a
// client that is too slow. It is in the log as well, as a request of which nothing is known.

import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { ErrorCode } from '../../core/errors.ts';
import type { Parts } from './journey.ts';
import { problemOf, raw } from './problem.ts';

const codes: Readonly<Record<string, ErrorCode>> = {
  HPE_HEADER_OVERFLOW: 'headers-too-large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request-timeout',
};

/** @param latest the last answer that was begun on each connection. */
export function brokenRequestHandler(parts: Parts, latest: WeakMap<Socket, ServerResponse>) {
  return (error: NodeJS.ErrnoException, socket: Socket): void => {
    const answer = latest.get(socket);
    const isOpen = answer?.writableFinished === false;
    if (error.code === 'ECONNRESET' || !socket.writable || (isOpen && answer.headersSent)) {
      socket.destroy();
      return;
    }
    const tls = socket instanceof TLSSocket ? socket.getProtocol() : null;
    const requestId = randomUUID();
    const problem = problemOf(
      codes[error.code ?? ''] ?? 'invalid-request',
      requestId,
      tls !== null,
    );
    const bytes = raw(problem);
    // Of a request that breaks off in its body the journey has its own line.
    if (!isOpen) {
      parts.log.write({
        time: new Date().toISOString(),
        requestId,
        client: socket.remoteAddress ?? 'unknown',
        method: 'other',
        path: null,
        served: null,
        status: problem.status,
        complete: true,
        upstream: null,
        tries: 0,
        headMs: null,
        durationMs: 0,
        bytes: Buffer.byteLength(bytes),
        tls,
      });
    }
    socket.end(bytes);
  };
}
