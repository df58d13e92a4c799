// Notes security events: `app.securityEvent({ kind: 'login', userId }, request)` fills in when, who
// served, and from where. They go to the audit log, or else to the process's log, one structured
// line each. What gives somebody new rights is answered when it is on record, and is refused before
// it is begun while nothing can be; what takes rights away is never held up by that. What a client
// can cause as often as it likes (credentials that open nothing, outages) is gathered: one event
// for each kind and reason in a second, with how many it stands for. Failures that have a code of
// the error table and always mean the same are noted from there, once for all routes.

import type { FastifyRequest, onRequestHookHandler } from 'fastify';
import type { Logger } from 'pino';
import { afterWrite, type ErrorCode, OperatingError } from '../core/errors.ts';
import {
  type Noticed,
  type SecurityEvent,
  type Severity,
  securityEvents,
} from '../core/security-event.ts';
import { isLoopback } from './config/kinds.ts';
import { type Config, servedBy } from './config.ts';
import type { Meter } from './meter.ts';
import type { App, Parts } from './parts.ts';

/** Where it came from: a request, or a connection of another kind. */
export type Source = Pick<FastifyRequest, 'ip' | 'id'> & Partial<Pick<FastifyRequest, 'protocol'>>;

declare module 'fastify' {
  interface FastifyInstance {
    /**
     * Notes a security event; `request` says where it came from. Resolves when it is on record, or
     * waits in memory until it can be.
     */
    readonly securityEvent: (noticed: Noticed, request?: Source) => Promise<void>;
    /**
     * The same, for what may not be answered before.
     *
     * @throws OperatingError `audit-unavailable` when it is not on record; it need not be noted again
     */
    readonly recorded: (noticed: Noticed, request: Source) => Promise<void>;
    /** Refuses what gives rights (503) while nothing can be put on record. */
    readonly recordable: onRequestHookHandler;
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
  'invalid-request': { kind: 'input-refused', reason: 'malformed' },
  'headers-too-large': { kind: 'input-refused', reason: 'too-large' },
  'payload-too-large': { kind: 'input-refused', reason: 'too-large' },
  'unsupported-media-type': { kind: 'input-refused', reason: 'wrong-type' },
};

const gathered: ReadonlySet<Noticed['kind']> = new Set([
  'credential-refused',
  'csrf-refused',
  'input-refused',
  'insecure-transport',
  'throttled',
  'store-unavailable',
  'revocation-not-durable',
  'file-refused',
  'transfer-broken-off',
]);

const level = { info: 'info', warning: 'warn', alert: 'error' } as const satisfies Record<
  Severity,
  string
>;

type Sink = (event: SecurityEvent) => Promise<void>;

const done = Promise.resolve();

function logSink(log: Logger): Sink {
  return (event) => {
    log[level[event.severity]]({ event }, securityEvents[event.kind].says);
    return done;
  };
}

export function addSecurityEvents(app: App, parts: Parts, meter: Meter): void {
  const { config, audit } = parts;
  const sink: Sink = audit ? (event) => audit.append(event) : logSink(app.serverLog);
  const server = servedBy(config);
  const seen = new Map<string, { event: SecurityEvent; more: number }>();
  let sweep: NodeJS.Timeout | undefined;

  /** What many have in common: their kind and reason, and not whom they were about. */
  function flush(): void {
    sweep = undefined;
    for (const { event, more } of seen.values()) {
      const { kind, reason, severity, outcome } = event;
      const shared = { time: Date.now(), kind, reason, severity, outcome, server, count: more };
      if (more > 0) ignoreOutage(sink(shared as SecurityEvent));
    }
    seen.clear();
  }

  function gather(event: SecurityEvent): Promise<void> {
    const key = `${event.kind} ${event.reason ?? ''}`;
    const known = seen.get(key);
    if (known !== undefined) {
      known.more += 1;
      return done;
    }
    seen.set(key, { event, more: 0 });
    sweep ??= setTimeout(flush, gatheringMs).unref();
    return sink(event);
  }

  function note(noticed: Noticed, request?: Source): Promise<void> {
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
    const recording = gathered.has(noticed.kind) ? gather(event) : sink(event);
    if (noticed.kind === 'login' && request && isExposed(request, config)) {
      app.securityEvent({ kind: 'insecure-transport' }, request);
    }
    return recording;
  }

  app.decorate('securityEvent', (noticed, request) => ignoreOutage(note(noticed, request)));
  app.decorate('recorded', (noticed, request) => {
    const recording = note(noticed, request);
    // Who waits for it may be doing something else before.
    ignoreOutage(recording);
    return recording;
  });
  app.decorate('recordable', (_request, _reply, next) => {
    next(audit?.canRecord === false ? new OperatingError('audit-unavailable') : undefined);
  });
  app.addHook('onClose', async () => {
    clearTimeout(sweep);
    flush();
  });
}

/** The log keeps what it could not write, and says so itself. */
function ignoreOutage(recording: Promise<void>): Promise<void> {
  if (recording === done) return done;
  return recording.catch((cause: unknown) => {
    if (!(cause instanceof OperatingError)) throw cause;
  });
}

/** For the recording of what was done: that it failed undoes nothing. */
export function afterChange(recording: Promise<void>): Promise<void> {
  return afterWrite(recording, 'audit-outcome-unknown');
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
function isExposed({ protocol, ip }: Source, { secureCookies }: Config): boolean {
  return secureCookies && protocol === 'http' && !isLoopback(ip);
}
