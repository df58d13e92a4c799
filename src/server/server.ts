// The web application, put together from its parts: what every request meets on its way (a request
// id, header fields, problems, counting) and then the routes, one file for each topic. It does not
// listen and opens nothing. There is no access log: that is the gateway's work, and here a log line
// means that something deserves attention.

import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Writable } from 'node:stream';
import Fastify, { type FastifyReply, type FastifyRequest, type onSendHookHandler } from 'fastify';
import type { Logger } from 'pino';
import { OperatingError } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import { addAuditField, unserved } from './audit-field.ts';
import { answerBrokenRequest } from './broken-request.ts';
import { reachesSessions } from './config/session-settings.ts';
import { servedBy } from './config.ts';
import { addCrossSiteGuard } from './csrf.ts';
import { openLog } from './log.ts';
import { Meter } from './meter.ts';
import { allowedMethods, type RouteTable } from './methods.ts';
import type { App, Decoration, Parts } from './parts.ts';
import { sendProblem } from './problem.ts';
import { accountRoutes } from './routes/accounts.ts';
import { adminRoutes } from './routes/admin.ts';
import { cartRoutes } from './routes/cart.ts';
import { eventRoutes } from './routes/events.ts';
import { fileRoutes } from './routes/files.ts';
import { healthRoutes } from './routes/health.ts';
import { jwksRoutes } from './routes/jwks.ts';
import { metricsRoutes } from './routes/metrics.ts';
import { pageRoutes } from './routes/pages.ts';
import { username } from './routes/schemas.ts';
import { sessionRoutes } from './routes/sessions.ts';
import { addSecurityEvents, noteFailure } from './security-events.ts';
import { addRecognition } from './session-plugin.ts';
import { addSessionWatch } from './session-watch.ts';
import { counted, observe } from './telemetry.ts';

declare module 'fastify' {
  interface FastifyInstance {
    /** True from the moment the server was told to end: it answers, and keeps no connection. */
    draining: boolean;
    /** Every path that there is, with its methods. */
    readonly routeTable: RouteTable;
    readonly serverLog: Logger;
  }
  interface FastifyRequest {
    /** By performance.now(). */
    startedMs: number;
  }
}

export interface ServerExtras {
  readonly decorate?: Decoration['app'];
  /** Where log lines go. Default: standard output. */
  readonly logTo?: Writable;
}

/** The application, not yet ready and not listening. Closing it closes none of the parts. */
export function buildServer(given: Parts, extras: ServerExtras = {}): App {
  const { config, meter = new Meter() } = given;
  const parts = { ...given, recogniser: counted(given.recogniser, meter) };
  const dress = createDress(parts);
  const log = openLog(config, extras.logTo);
  const app: App = Fastify({
    genReqId: requestIds(),
    bodyLimit: limits.bodyBytesMax,
    requestTimeout: config.requestTimeoutMs,
    // Silence on a connection, which also ends a client that never reads its answer.
    connectionTimeout: 2 * config.requestTimeoutMs,
    keepAliveTimeout: config.keepAliveMs,
    // Counted once it is decoded: as long as the text of a user name may be.
    routerOptions: { maxParamLength: username.maxLength },
    trustProxy: config.trustProxy.length > 0 && [...config.trustProxy],
    return503OnClosing: false,
    http: { requireHostHeader: false },
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false } },
    frameworkErrors: (error, request, reply) => {
      dress(reply, request.id);
      sendProblem(error, request.id, reply, log);
    },
    clientErrorHandler: answerBrokenRequest(config),
  });
  app.decorate('draining', false);
  app.decorate('serverLog', log);
  observe(parts, meter);
  addSecurityEvents(app, parts, meter);
  meetEveryRequest(app, dress, meter);
  addAuditField(app, parts);
  explainEveryFailure(app);
  addCrossSiteGuard(app, parts);
  addRecognition(app, parts, meter);
  addSessionWatch(app, parts);
  extras.decorate?.(app);
  addRoutes(app, parts, meter);
  return app;
}

function meetEveryRequest(app: App, dress: Dress, meter: Meter): void {
  const table: RouteTable = new Map();
  // Not onResponse: to hear of an answer's end costs more than all the counting.
  const count = (url: string): onSendHookHandler => {
    const tally = meter.route(url);
    return ({ startedMs }, reply, payload, done) => {
      tally.answer(reply.statusCode, performance.now() - startedMs);
      if (app.draining) reply.header('connection', 'close');
      done(null, payload);
    };
  };
  app.decorateRequest('startedMs', 0);
  app.decorate('routeTable', table);
  app.addHook('onRoute', (route) => {
    const methods = table.get(route.url) ?? new Set();
    for (const each of [route.method].flat()) methods.add(each);
    table.set(route.url, methods);
    route.onSend = [route.onSend ?? [], count(route.url)].flat();
  });
  app.addHook('onRequest', (request, reply, done) => {
    request.startedMs = performance.now();
    dress(reply, request.id);
    if (request.is404) done(refuseUnrouted(table, request, reply, meter));
    else if (isHostless(request) || isAmbiguous(request))
      done(new OperatingError('invalid-request'));
    else done();
  });
}

function explainEveryFailure(app: App): void {
  app.setErrorHandler((error, request, reply) => {
    const leftEarly = request.raw.destroyed && !request.raw.complete;
    const thrown = leftEarly ? new OperatingError('invalid-request') : error;
    // Closing on a client that is still sending would take the answer with it; Node drops the rest.
    if (isTooLarge(error)) reply.removeHeader('connection');
    const { code } = sendProblem(thrown, request.id, reply, app.serverLog);
    noteFailure(app, code, request);
  });
  // Never reached, because onRequest refuses what has no route; it keeps Fastify's own answer out.
  app.setNotFoundHandler((request, reply) => {
    sendProblem(new OperatingError('not-found'), request.id, reply, app.serverLog);
  });
}

function isTooLarge(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'FST_ERR_CTP_BODY_TOO_LARGE';
}

function addRoutes(app: App, parts: Parts, meter: Meter): void {
  app.register(async (scope) => {
    const { apiDocs, traces } = parts.config;
    if (apiDocs) await (await import('./api-docs.ts')).addApiDocs(scope, parts.config);
    if (traces) (await import('./traces.ts')).addRequestSpans(scope);
    if (parts.accounts) {
      const full = { ...parts, accounts: parts.accounts };
      accountRoutes(scope, full);
      adminRoutes(scope, full);
    }
    if (reachesSessions(parts.config)) {
      sessionRoutes(scope, parts);
      eventRoutes(scope, parts);
    }
    pageRoutes(scope, parts);
    cartRoutes(scope, parts);
    if (parts.vault) fileRoutes(scope, parts.vault);
    healthRoutes(scope, parts);
    if (parts.keys) jwksRoutes(scope, parts.keys);
    metricsRoutes(scope, meter);
  });
}

/** A client's request id is taken over when it is short and plain, and replaced when not. */
function requestIds(): (request: IncomingMessage) => string {
  const prefix = randomBytes(6).toString('base64url');
  let count = 0;
  return (request) => {
    const offered = request.headers['x-request-id'];
    if (typeof offered === 'string' && /^[A-Za-z0-9_-]{8,64}$/.test(offered)) return offered;
    count += 1;
    return `${prefix}-${count.toString(36)}`;
  };
}

type Dress = (reply: FastifyReply, requestId: string) => void;

/** The header fields of every answer. */
function createDress({ config }: Parts): Dress {
  const server = servedBy(config);
  return (reply, requestId) => {
    reply.header('x-served-by', server);
    reply.header('x-request-id', requestId);
    reply.header('cache-control', 'no-store');
    reply.header('x-content-type-options', 'nosniff');
    reply.header('content-security-policy', "default-src 'none'; frame-ancestors 'none'");
    reply.header('referrer-policy', 'no-referrer');
    if (config.secureCookies) reply.header('strict-transport-security', 'max-age=31536000');
    if (config.auditField) reply.header('x-audit', unserved(config));
  };
}

/** RFC 9112 section 3.2; asked here, because Node's own refusal is no problem document. */
function isHostless({ headers, raw }: FastifyRequest): boolean {
  return headers.host === undefined && raw.httpVersion === '1.1';
}

/** Two hosts or two credentials: Node takes the first, and a gateway may have judged the other. */
function isAmbiguous({ raw: { rawHeaders } }: FastifyRequest): boolean {
  let [hosts, credentials] = [0, 0];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? '';
    if (name.length === 4 && name.toLowerCase() === 'host') hosts += 1;
    if (name.length === 13 && name.toLowerCase() === 'authorization') credentials += 1;
  }
  return hosts > 1 || credentials > 1;
}

function refuseUnrouted(
  table: RouteTable,
  request: FastifyRequest,
  reply: FastifyReply,
  meter: Meter,
): Error {
  const allowed = allowedMethods(table, request.url);
  const error = new OperatingError(allowed.length === 0 ? 'not-found' : 'method-not-allowed');
  if (request.server.draining) reply.header('connection', 'close');
  if (allowed.length > 0) reply.header('allow', allowed.join(', '));
  meter.route('none').answer(error.status, 0);
  return error;
}
