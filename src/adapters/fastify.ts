// For Fastify: a plugin that knows who sent the request, as `request.visit`, before the body is
// read. An outage is thrown (503), as is "nobody" by `authenticated`; Fastify's error handler
// answers by the error's `status` and `headers`.

import type { FastifyInstance, FastifyRequest, onRequestAsyncHookHandler } from 'fastify';
import { OperatingError } from '../core/errors.ts';
import type { Recogniser } from '../strategies/strategy.ts';
import { Visit, type VisitOptions } from './visit.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who sent this; only where the plugin `sessions` is registered. */
    readonly visit: Visit;
  }
}

const visits = new WeakMap<FastifyRequest, Visit>();

/** Recognises everybody and lets everybody pass: `app.register(sessions, { recogniser })`. */
export async function sessions(
  app: FastifyInstance,
  { recogniser, ...options }: VisitOptions & { readonly recogniser: Recogniser },
): Promise<void> {
  app.decorateRequest('visit', {
    getter(this: FastifyRequest): Visit {
      const visit = visits.get(this);
      if (visit === undefined) throw new Error('the request has not been received yet');
      return visit;
    },
  });
  app.addHook('onRequest', async (request, reply) => {
    const { method, host, headers, protocol } = request;
    const received = { method, host, headers, secure: protocol === 'https' };
    const give = (name: string, value: string) => void reply.header(name, value);
    visits.set(request, await Visit.receive(recogniser, received, give, options));
  });
}
// Fastify's own mark of a plugin that is for its whole parent (what fastify-plugin sets).
Object.assign(sessions, { [Symbol.for('skip-override')]: true });

/** Lets only those pass who are logged in: `{ onRequest: authenticated }`. */
export const authenticated: onRequestAsyncHookHandler = async ({ visit }) => {
  if (!visit.session) throw new OperatingError('not-authenticated');
};
