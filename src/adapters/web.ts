// For everything that speaks the Web's `Request` and `Response` (Hono, Next.js route handlers, Deno,
// workers): receive the request, use its visit, and dress the response with what the client must be
// given. Only header fields are touched, so it runs wherever the strategy and its store do.

import { OperatingError } from '../core/errors.ts';
import type { Recogniser } from '../strategies/strategy.ts';
import { answerOf, Visit, type VisitOptions } from './visit.ts';

export interface WebVisit {
  readonly visit: Visit;
  /** The response with the header fields that the visit gave away so far. */
  dress(response: Response): Response;
}

/** @throws OperatingError `store-unavailable`; see `respond`. */
export async function receive(
  recogniser: Recogniser,
  request: Request,
  options: VisitOptions = {},
): Promise<WebVisit> {
  const given: [name: string, value: string][] = [];
  const headers = Object.fromEntries(request.headers);
  const { host, protocol } = new URL(request.url);
  const received = { method: request.method, host, headers, secure: protocol === 'https:' };
  const give = (...field: [string, string]) => void given.push(field);
  const visit = await Visit.receive(recogniser, received, give, options);
  return {
    visit,
    dress(response) {
      const dressed = new Response(response.body, response);
      for (const [name, value] of given) {
        if (name === 'set-cookie') dressed.headers.append(name, value);
        else dressed.headers.set(name, value);
      }
      return dressed;
    },
  };
}

/** A handler of requests, with the visit; what it throws of ours becomes its problem document. */
export function withSessions(
  recogniser: Recogniser,
  handler: (request: Request, visit: Visit) => Response | Promise<Response>,
  options: VisitOptions = {},
): (request: Request) => Promise<Response> {
  return async (request) => {
    try {
      const { visit, dress } = await receive(recogniser, request, options);
      return dress(await handler(request, visit));
    } catch (error) {
      if (error instanceof OperatingError) return respond(error);
      throw error;
    }
  };
}

/** A failure as a response with a problem document (RFC 9457). */
export function respond(error: OperatingError): Response {
  const { body, ...init } = answerOf(error);
  return new Response(body, init);
}
