// For Express, Connect and plain node:http: a middleware that knows who sent the request, as
// `visitOf(request)`. It answers an outage itself (503); what a handler throws is the framework's
// to answer, and an OperatingError has the `status` and `headers` that Express looks for.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { OperatingError } from '../core/errors.ts';
import type { Recogniser } from '../strategies/strategy.ts';
import { answerOf, Visit, type VisitOptions } from './visit.ts';

export type Middleware = (
  request: IncomingMessage,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void;

const visits = new WeakMap<IncomingMessage, Visit>();

/** Recognises everybody and lets everybody pass. */
export function sessions(recogniser: Recogniser, options: VisitOptions = {}): Middleware {
  return (request, response, next) => {
    const { method = 'GET', headers } = request;
    const received = { method, host: headers.host, headers, secure: isSecure(request) };
    const give = (name: string, value: string) =>
      void (name === 'set-cookie'
        ? response.appendHeader(name, value)
        : response.setHeader(name, value));
    Visit.receive(recogniser, received, give, options).then(
      (visit) => {
        visits.set(request, visit);
        next();
      },
      refuse(response, next),
    );
  };
}

/** Lets only those pass who are logged in; comes after `sessions`. */
export const authenticated: Middleware = (request, response, next) => {
  if (visitOf(request).session) next();
  else refuse(response, next)(new OperatingError('not-authenticated'));
};

/** @throws Error when the middleware `sessions` did not see the request. */
export function visitOf(request: IncomingMessage): Visit {
  const visit = visits.get(request);
  if (visit === undefined) throw new Error('use(sessions(recogniser)) must come before');
  return visit;
}

/** Express knows what the proxies say that it trusts. */
function isSecure(request: IncomingMessage & { readonly secure?: boolean }): boolean {
  return request.secure ?? 'encrypted' in request.socket;
}

function refuse(response: ServerResponse, next: (error?: unknown) => void) {
  return (error: unknown) => {
    if (!(error instanceof OperatingError)) return next(error);
    const problem = answerOf(error);
    response.writeHead(problem.status, problem.headers).end(problem.body);
  };
}
