// Requests that change something and come from another site's page are refused, with or without a
// credential, so that no page can act for its visitor, nor log the visitor in as somebody else. The
// browser says where a request comes from (Fetch Metadata), and old ones say it in part (Origin). A
// request with neither comes from no browser of these years: what sends it has no credential but
// its own, so it is let through. A form's token is not needed; where one comes it must be right.

import type { FastifyRequest } from 'fastify';
import { OperatingError } from '../core/errors.ts';
import type { Recogniser } from '../strategies/strategy.ts';
import type { Config } from './config.ts';
import type { App, Parts } from './parts.ts';

const safeMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);
const tokenField = 'x-csrf-token';
const tokenMember = '_csrf';

/** OWASP ASVS 5.0 3.5.1. */
export function addCrossSiteGuard(app: App, { config, recogniser }: Parts): void {
  app.addHook('onRequest', (request, _reply, done) => {
    if (safeMethods.has(request.method)) return done();
    if (!comesFromHere(request, config)) return done(new OperatingError('cross-site'));
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

function comesFromHere(request: FastifyRequest, config: Config): boolean {
  const { 'sec-fetch-site': site, origin } = request.headers;
  if (site === 'same-origin' || site === 'none') return true;
  if (site === undefined && origin === undefined) return true;
  if (origin === undefined) return false;
  if (config.allowedOrigins.includes(origin)) return true;
  return site === undefined && isOwn(origin, request, config);
}

/** The scheme is not compared where it cannot be known: a proxy may end TLS. */
function isOwn(origin: string, { host }: FastifyRequest, { secureCookies }: Config): boolean {
  const url = URL.parse(origin);
  if (url?.origin !== origin || (secureCookies && url.protocol !== 'https:')) return false;
  return URL.parse(`${url.protocol}//${host}`)?.host === url.host;
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
