// Spans for OpenTelemetry: the request, who its sender was found to be, each verb of the store, and
// what the accounts did, hashing included. Only its API is used: where they go is decided by the
// provider that the operator registers in the process, and without one they go nowhere. Loaded when
// TRACES is true. Names are those of the semantic conventions where there are any; a session is
// named by its handle, a user by the id, and no credential, password or typed name is in a span.

import {
  type Attributes,
  type Context,
  context,
  propagation,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import type { FastifyRequest } from 'fastify';
import type { Accounts } from '../accounts/accounts.ts';
import { OperatingError } from '../core/errors.ts';
import type { SessionStore } from '../stores/store.ts';
import type { Recogniser } from '../strategies/strategy.ts';
import { around, type Wrap } from './around.ts';
import type { App } from './parts.ts';
import { storeVerbs } from './telemetry.ts';

const tracer = trace.getTracer('sessionlab');

/** A span around each call, with what can be said of its result. */
function spanning(
  prefix: string,
  kind: SpanKind,
  attributes: (method: string) => Attributes,
  resultOf: (result: unknown) => Attributes = () => ({}),
): Wrap {
  return (method, run) =>
    (...args) =>
      tracer.startActiveSpan(
        `${prefix}.${method}`,
        { kind, attributes: attributes(method) },
        async (span) => {
          try {
            const result = await run(...args);
            span.setAttributes(resultOf(result));
            return result;
          } catch (cause) {
            fail(span, cause);
            throw cause;
          } finally {
            span.end();
          }
        },
      );
}

/** Messages may tell too much: the code is enough to look the rest up. */
function fail(span: Span, cause: unknown): void {
  const code = cause instanceof OperatingError ? cause.code : 'internal';
  span.setAttribute('error.type', code).setStatus({ code: SpanStatusCode.ERROR });
}

/** `system` as the semantic conventions name databases: redis, postgresql. */
export function tracedStore(store: SessionStore, system: string): SessionStore {
  const attributes = (verb: string) => ({ 'db.system.name': system, 'db.operation.name': verb });
  return around(store, storeVerbs, spanning('store', SpanKind.CLIENT, attributes));
}

export function tracedAccounts(accounts: Accounts): Accounts {
  const methods = ['register', 'verify', 'setPassword'] as const;
  return around(
    accounts,
    methods,
    spanning('accounts', SpanKind.INTERNAL, () => ({})),
  );
}

export function tracedRecogniser(recogniser: Recogniser, strategy: string): Recogniser {
  const methods = ['recognise', 'begin', 'refresh', 'stepUp', 'leave', 'endAll'] as const;
  const attributes = () => ({ 'sessionlab.strategy': strategy });
  return around(recogniser, methods, spanning('session', SpanKind.INTERNAL, attributes, outcomeOf));
}

/** Of a recognition its kind or reason, of a refresh its outcome. */
function outcomeOf(result: unknown): Attributes {
  const { kind, reason, outcome } = Object(result);
  const told: unknown = reason ?? kind ?? outcome;
  return typeof told === 'string' ? { 'sessionlab.outcome': told } : {};
}

/** The request as the server's span, unless something in the process makes one already. */
export function addRequestSpans(app: App): void {
  const spans = new WeakMap<FastifyRequest, Span>();
  app.addHook('onRequest', (request, _reply, done) => {
    if (trace.getActiveSpan() !== undefined) return done();
    const { method, headers, routeOptions } = request;
    const route = routeOptions.url ?? 'none';
    const caller: Context = propagation.extract(context.active(), headers);
    const attributes = { 'http.request.method': method, 'http.route': route };
    const span = tracer.startSpan(
      `${method} ${route}`,
      { kind: SpanKind.SERVER, attributes },
      caller,
    );
    spans.set(request, span);
    context.with(trace.setSpan(caller, span), done);
  });
  app.addHook('onResponse', (request, reply, done) => {
    const span = spans.get(request);
    span?.setAttribute('http.response.status_code', reply.statusCode);
    if (request.recognition?.kind === 'recognised') {
      const { handle, userId } = request.recognition.session;
      span?.setAttributes({ 'session.id': handle, 'user.id': userId });
    }
    if (reply.statusCode >= 500) span?.setStatus({ code: SpanStatusCode.ERROR });
    span?.end();
    done();
  });
}
