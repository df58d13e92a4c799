// Who may ask the page's server for what. It believes only requests that name it as it is reached
// from this machine, so that no foreign name that leads here (DNS rebinding) makes a page of
// another site ours; it takes orders from no other site's page; and where it is open to other
// machines, orders need the operator's token.

import { hash, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { isCrossSite, isSafe } from '../core/cross-site.ts';
import { OperatingError } from '../core/errors.ts';

export interface Admission {
  /** What orders need; absent: the page is for this machine alone. */
  readonly token?: string;
}

const loopback: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);
const origins = { allowedOrigins: [], secure: false };

export const isLoopback = (host: string): boolean => loopback.has(host) || host === '::1';

/** Must come before any route. OWASP ASVS 5.0 3.5.1. */
export function addGuard(app: FastifyInstance, { token }: Admission): void {
  app.addHook('onRequest', (request, _reply, done) => {
    if (token === undefined && !isLoopback(hostnameOf(request))) {
      return done(new OperatingError('misdirected'));
    }
    if (isSafe(request.method)) return done();
    if (isCrossSite(request, origins)) return done(new OperatingError('cross-site'));
    if (token !== undefined && !carries(request, token)) {
      return done(new OperatingError('not-authenticated'));
    }
    done();
  });
}

function hostnameOf({ host }: FastifyRequest): string {
  return URL.parse(`http://${host}`)?.hostname ?? '';
}

/** In a time that tells nothing of the token. */
function carries({ headers }: FastifyRequest, token: string): boolean {
  const digest = (text: string) => hash('sha256', text, 'buffer');
  return timingSafeEqual(digest(headers.authorization ?? ''), digest(`Bearer ${token}`));
}
