// The answers of the gateway itself: problem documents (RFC 9457) where no server gave an answer,
// and the way to TLS.

import { type OutgoingHttpHeaders, STATUS_CODES } from 'node:http';
import { type ErrorCode, errors } from '../../core/errors.ts';
import { ownFields } from './fields.ts';

const RETRY_AFTER_SECONDS = 1;

export interface Problem {
  readonly status: number;
  readonly fields: OutgoingHttpHeaders;
  readonly body: string;
}

export function problemOf(
  code: ErrorCode,
  requestId: string,
  isSecure: boolean,
  tries = 0,
): Problem {
  const { status, summary: title } = errors[code];
  const body = JSON.stringify({ type: 'about:blank', title, status, code, requestId });
  const fields: OutgoingHttpHeaders = {
    ...ownFields(requestId, isSecure),
    'content-type': 'application/problem+json',
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'x-gateway-tries': String(tries),
  };
  if (status === 503 || status === 429) fields['retry-after'] = String(RETRY_AFTER_SECONDS);
  // What follows on the connection may be the rest of what was refused.
  if (status === 400 || status === 413) fields.connection = 'close';
  return { status, fields, body };
}

export function moved(location: string, requestId: string): Problem {
  const fields = { ...ownFields(requestId, false), location, 'content-length': 0 };
  return { status: 308, fields, body: '' };
}

/** As bytes, after which the connection ends. */
export function raw({ status, fields, body }: Problem): string {
  const all = { ...fields, connection: 'close' };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('\r\n')}\r\n\r\n${body}`;
}
