// A failure as a client is told of it: a problem document (RFC 9457), and the header fields of the
// answer that carries it.

import { type ErrorCode, errors, OperatingError } from './errors.ts';

export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ErrorCode;
}

export function problemOf({ code, status, message }: OperatingError): Problem {
  const title = errors[code].summary;
  return { type: `urn:sessionlab:${code}`, title, status, detail: message, code };
}

export function problemHeaders(error: OperatingError): Record<string, string> {
  return { 'content-type': 'application/problem+json', ...error.headers };
}

/** For a question that was not answered: it changed nothing, so it may be asked again. */
export function asUnavailable(cause: OperatingError): OperatingError {
  return cause.status === 503 ? cause : new OperatingError('store-unavailable', { cause });
}
