// Every failure that leaves the server, as a problem document (RFC 9457). Whatever was thrown is
// brought to one row of the error table by its class or code, never by its message; what has no row
// is our own fault, is logged with its stack, and tells the client nothing but its request id.

import type { FastifyReply } from 'fastify';
import type { Logger } from 'pino';
import { type ErrorCode, OperatingError } from '../core/errors.ts';
import { problemHeaders, problemOf } from '../core/problem.ts';

/** Fastify's own refusals of a request. What it says with another code is our mistake. */
const refusals: Readonly<Record<string, ErrorCode>> = {
  FST_ERR_BAD_URL: 'invalid-request',
  FST_ERR_MAX_PARAM_LENGTH: 'invalid-request',
  FST_ERR_NOT_FOUND: 'not-found',
  FST_ERR_VALIDATION: 'invalid-request',
  FST_ERR_CTP_BODY_TOO_LARGE: 'payload-too-large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported-media-type',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'invalid-request',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'invalid-request',
  FST_ERR_CTP_INVALID_JSON_BODY: 'invalid-request',
  FST_ERR_ROUTE_MISSING_CONTENT_TYPE: 'unsupported-media-type',
};

/** The row of the error table that a thrown thing belongs to. */
function operatingErrorOf(thrown: unknown): OperatingError {
  if (thrown instanceof OperatingError) return thrown;
  if (thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string') {
    const code = refusals[thrown.code];
    // The validator names the member and the rule, and never repeats the value.
    const explained = thrown.code === 'FST_ERR_VALIDATION' ? { detail: thrown.message } : {};
    if (code !== undefined) return new OperatingError(code, explained);
  }
  return new OperatingError('internal', { cause: thrown });
}

/** Answers with the problem, and logs it when it is the server's. Returns its row's error. */
export function sendProblem(
  thrown: unknown,
  requestId: string,
  reply: FastifyReply,
  log: Logger,
): OperatingError {
  const error = operatingErrorOf(thrown);
  if (error.code === 'internal') log.error({ requestId, err: error.cause }, 'the server failed');
  else if (error.status >= 500) log.warn({ requestId, code: error.code }, error.message);
  reply
    .code(error.status)
    .headers(problemHeaders(error))
    .send(JSON.stringify({ ...problemOf(error), requestId }));
  return error;
}
