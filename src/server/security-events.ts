// Notes security events: `app.securityEvent({ kind: 'login', userId }, request)` fills in when, who
// served, and from where, and gives the event to the sink: by default the log, one structured line
// each. What a client can cause as often as it likes (credentials that open nothing, outages) is
// gathered: one event for each kind and reason in a second, with how many it stands for. Failures
// that have a code of the error table and always mean the same are noted from there, once for all
// routes: cross-site requests, throttling, refused access, endings that are not durable.

import type { FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import type { ErrorCode } from '../core/errors.ts';
import {
  type Noticed,
  type SecurityEvent,
  type SecurityEventSink,
  type Severity,
  securityEvents,
} from '../core/security-event.ts';
import { isLoopback } from './config/kinds.ts';
import { type Config, servedBy } from './config.ts';
import type { Meter } from './meter.ts';
import type { App, Parts } from './parts.ts';

declare module 'fastify' {
  interface FastifyInstance {
    /** Notes a security event; `request` says where it came from. */
    readonly securityEvent: (noticed: Noticed, request?: FastifyRequest) => void;
  }
}

const gatheringMs = 1_000;

/** Failures that are events whatever the route. */
const failures: Partial<Record<ErrorCode, Noticed>> = {
  'cross-site': { kind: 'csrf-refused' },
  'not-allowed': { kind: 'access-refused' },
  'too-many-attempts': { kind: 'throttled' },
  'too-many-sessions': { kind: 'login-refused', reason: 'too-many-sessions' },
  'revocation-not-durable': { kind: 'revocation-not-durable' },
  'store-unavailable': { kind: 'store-unavailable' },
  'store-outcome-unknown': { kind: 'store-unavailable' },
};

const gathered: ReadonlySet<Noticed['kind']> = new Set([
  'credential-refused',
  'csrf-refused',
  'insecure-transport',
  'throttled',
  'store-unavailable',
]);

const level = { info: 'info', warning: 'warn', alert: 'error' } as const satisfies Record<
  Severity,
  string
>;

function logSink(log: Logger): SecurityEventSink {
  return (event) => log[level[event.severity]]({ event }, securityEvents[event.kind].says);
}

export function addSecurityEvents(app: App, parts: Parts, meter: Meter): void {
  const { config, securityEvent: given } = parts;
  const sink = given ?? logSink(app.serverLog);
  const server = servedBy(config);
  const seen = new Map<string, { event: SecurityEvent; more: number }>();
  let sweep: NodeJS.Timeout | undefined;

  /** What many have in common: their kind and reason, and not whom they were about. */
  function flush(): void {
    sweep = undefined;
    for (const { event, more } of seen.values()) {
      const { kind, reason, severity, outcome } = event;
      const shared = { time: Date.now(), kind, reason, severity, outcome, server, count: more };
      if (more > 0) sink(shared as SecurityEvent);
    }
    seen.clear();
  }

  function gather(event: SecurityEvent): void {
    const key = `${event.kind} ${event.reason ?? ''}`;
    const known = seen.get(key);
    if (known === undefined) {
      seen.set(key, { event, more: 0 });
      sink(event);
      sweep ??= setTimeout(flush, gatheringMs).unref();
    } else known.more += 1;
  }

  app.decorate('securityEvent', (noticed, request) => {
    const { severity, outcome } = securityEvents[noticed.kind];
    meter.event(noticed.kind);
    const event = {
      time: Date.now(),
      ...noticed,
      severity,
      outcome,
      server,
      ...(request && { address: request.ip, requestId: request.id }),
    };
    if (gathered.has(noticed.kind)) gather(event);
    else sink(event);
    if (noticed.kind === 'login' && request && isExposed(request, config)) {
      app.securityEvent({ kind: 'insecure-transport' }, request);
    }
  });
  app.addHook('onClose', async () => {
    clearTimeout(sweep);
    flush();
  });
}

/** Notes a failure that is a security event by its code. */
export function noteFailure(app: App, code: ErrorCode, request: FastifyRequest): void {
  const noticed = failures[code];
  if (noticed === undefined) return;
  const login = request.recognition?.kind === 'recognised' ? request.recognition.session : null;
  const about = login === null ? {} : { session: login.handle, userId: login.userId };
  app.securityEvent({ ...noticed, ...about }, request);
}

/** As far as it can be known here: a proxy that is not trusted is not believed. */
function isExposed({ protocol, ip }: FastifyRequest, { secureCookies }: Config): boolean {
  return secureCookies && protocol === 'http' && !isLoopback(ip);
}
