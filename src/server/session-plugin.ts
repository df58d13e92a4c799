// Recognition, for the routes that ask for it: `onRequest: app.authenticated` lets only recognised
// clients pass, `app.recognised` also lets nobody pass. It runs before a body is read. Nobody gets
// one and the same 401 for every cause; "could not find out" is 503 and leaves the credential
// alone. A refusal names the way in where HTTP has a name for it (RFC 6750, RFC 9470). Nothing is
// saved behind a handler's back: a handler that changes the session says
// `await changeSession(...)`, and has the outcome before the response head leaves.

import assert from 'node:assert';
import type { FastifyReply, FastifyRequest, onRequestHookHandler } from 'fastify';
import { systemClock } from '../core/clock.ts';
import { OperatingError } from '../core/errors.ts';
import { asUnavailable } from '../core/problem.ts';
import type { Recognition } from '../core/recognition.ts';
import type { Fields, Session } from '../core/session.ts';
import type { Changes, Issue, Recogniser } from '../strategies/strategy.ts';
import type { Config } from './config.ts';
import type { Meter } from './meter.ts';
import type { App, Parts } from './parts.ts';

declare module 'fastify' {
  interface FastifyInstance {
    /** Recognises the client, or answers 401 or 503. */
    readonly authenticated: onRequestHookHandler;
    /** Recognises the client or finds that it is nobody, or answers 503. */
    readonly recognised: onRequestHookHandler;
  }
  interface FastifyRequest {
    recognition: Recognition | null;
    /** The session that the client began by its login; only on routes with `app.authenticated`. */
    readonly login: Session;
  }
}

export function addRecognition(app: App, { config, recogniser }: Parts, meter: Meter): void {
  function recognise(
    request: FastifyRequest,
    reply: FastifyReply,
    done: (error?: OperatingError) => void,
    nobodyMayPass: boolean,
  ): void {
    const act = (recognition: Recognition) => {
      request.recognition = recognition;
      meter.recognition(recognition);
      if (recognition.kind === 'unknown') done(asUnavailable(recognition.cause));
      else if (recognition.kind === 'recognised') {
        if (recognition.headers !== undefined) hand(reply, recognition.headers);
        done();
      } else {
        const { reason } = recognition;
        if (reason !== 'no-credential') {
          app.securityEvent({ kind: 'credential-refused', reason }, request);
        }
        done(nobodyMayPass ? undefined : new OperatingError('not-authenticated'));
      }
    };
    const recognition = recogniser.recognise(request.headers);
    if (recognition instanceof Promise) recognition.then(act, done);
    else act(recognition);
  }

  app.decorateRequest('recognition', null);
  app.decorateRequest('login', {
    getter(this: FastifyRequest): Session {
      assert(this.recognition?.kind === 'recognised', 'the route asks for no session');
      return this.recognition.session;
    },
  });
  app.decorate('authenticated', (request, reply, done) => recognise(request, reply, done, false));
  app.decorate('recognised', (request, reply, done) => recognise(request, reply, done, true));
  if (config.strategy.startsWith('token')) challengeOnRefusal(app, config);
}

/** RFC 9110 demands a challenge with 401; for cookies no scheme is registered, so there is none. */
function challengeOnRefusal(app: App, { audience, freshMs }: Config): void {
  const realm = `Bearer realm="${audience}"`;
  const seconds = Math.floor(freshMs / 1_000);
  app.addHook('onError', (request, reply, thrown, done) => {
    const { code, status } = thrown instanceof OperatingError ? thrown : { code: '', status: 0 };
    const came = request.headers.authorization !== undefined;
    if (code === 'reauthentication-required') {
      const error = `error="insufficient_user_authentication", max_age=${seconds}`;
      reply.header('www-authenticate', `${realm}, ${error}`);
    } else if (status === 401) {
      const invalid = came && request.recognition?.kind === 'anonymous';
      reply.header('www-authenticate', invalid ? `${realm}, error="invalid_token"` : realm);
    }
    done();
  });
}

/**
 * Refuses a login whose proof of identity is too old for a sensitive operation (ASVS 7.5.1, 7.5.3).
 *
 * @throws OperatingError `reauthentication-required`
 */
export function requireFresh({ authenticatedAt }: Session, { freshMs }: Config): void {
  if (systemClock.now() - authenticatedAt < freshMs) return;
  const detail = 'Prove again who you are: POST /step-up with your password, then repeat this';
  throw new OperatingError('reauthentication-required', { detail });
}

/** Puts what the client must be given into the answer; returns the members of its body. */
export function carry(reply: FastifyReply, { headers, body }: Issue): Issue['body'] {
  const { recognition } = reply.request;
  const renewed = recognition?.kind === 'recognised' ? (recognition.headers ?? []) : [];
  // What is issued now goes before what the recognition renewed.
  if (headers.length > 0) for (const [name] of renewed) reply.removeHeader(name);
  hand(reply, headers);
  return body;
}

function hand(reply: FastifyReply, headers: Issue['headers']): void {
  for (const [name, value] of headers) reply.header(name, value);
}

/** @throws OperatingError `session-ended`, with no credential in the answer. */
export async function changeSession(
  recogniser: Recogniser,
  request: FastifyRequest,
  reply: FastifyReply,
  changes: Changes,
): Promise<Fields> {
  const changed = await recogniser.change(request.login, changes);
  if (changed.outcome === 'gone') throw new OperatingError('session-ended');
  carry(reply, changed.issue);
  return changed.fields;
}
