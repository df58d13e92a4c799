// Answers what never became a request: bytes that are not HTTP, header fields that are too large,
// a client that is too slow. There is no request to hang a reply on, so the problem document is
// written to the socket by hand, and the connection ends.

import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { OperatingError } from '../core/errors.ts';
import { problemOf } from '../core/problem.ts';
import { unserved } from './audit-field.ts';
import { type Config, servedBy } from './config.ts';

const rows = {
  HPE_HEADER_OVERFLOW: 'headers-too-large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request-timeout',
} as const;

export function answerBrokenRequest(config: Config) {
  return (error: Error & { code?: string }, socket: Socket): void => {
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }
    const code = error.code !== undefined && error.code in rows;
    const row = code ? rows[error.code as keyof typeof rows] : 'invalid-request';
    const requestId = randomBytes(9).toString('base64url');
    const problem = problemOf(new OperatingError(row));
    const body = JSON.stringify({ ...problem, requestId });
    const head = [
      `HTTP/1.1 ${problem.status} ${problem.title}`,
      'content-type: application/problem+json',
      `content-length: ${Buffer.byteLength(body)}`,
      `x-served-by: ${servedBy(config)}`,
      `x-request-id: ${requestId}`,
      'cache-control: no-store',
      'x-content-type-options: nosniff',
      'connection: close',
      ...(config.auditField ? [`x-audit: ${unserved(config)}`] : []),
    ];
    socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
  };
}
