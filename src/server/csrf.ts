// Requests that change something and come from another site's page are refused, with or without a
// credential, so that no page can act for its visitor, nor log the visitor in as somebody else. How
// that is told: core/cross-site.ts. A form's token is not needed; where one comes it must be right.

import type { FastifyRequest } from 'fastify';
import { isCrossSite, isSafe } from '../core/cross-site.ts';
import { OperatingError } from '../core/errors.ts';
import type { Recogniser } from '../strategies/strategy.ts';
import type { App, Parts } from './parts.ts';

const tokenField = 'x-csrf-token';
const tokenMember = '_csrf';

/** OWASP ASVS 5.0 3.5.1. */
export function addCrossSiteGuard(app: App, { config, recogniser }: Parts): void {
  const origins = { allowedOrigins: config.allowedOrigins, secure: config.secureCookies };
  app.addHook('onRequest', (request, _reply, done) => {
    if (isSafe(request.method)) return done();
    if (isCrossSite(request, origins)) return done(new OperatingError('cross-site'));
    const token = request.headers[tokenField];
    if (token === undefined) return done();
    checkToken(recogniser, request, token).then(() => done(), done);
  });
  // The member is ours and not the route's, so it is taken out before the route looks.
  app.addHook('preValidation', (request, _reply, done) => {
    const { body } = request;
    if (typeof body !== 'object' || body === null || !(tokenMember in body)) return done();
    const { [tokenMember]: token, ...rest } = body;
    request.body = rest;
    checkToken(recogniser, request, token).then(() => done(), done);
  });
}

/** Where no browser sends a credential by itself, there is nothing that a token could prove. */
async function checkToken(
  recogniser: Recogniser,
  { headers }: FastifyRequest,
  token: unknown,
): Promise<void> {
  if (recogniser.csrfToken(headers) === undefined) return;
  if (typeof token === 'string' && (await recogniser.csrfMatches(headers, token))) return;
  throw new OperatingError('cross-site');
}
