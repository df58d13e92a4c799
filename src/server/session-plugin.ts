// Recognition, for the routes that ask for it: `onRequest: app.authenticated` lets only recognised
// clients pass, `app.recognised` also lets nobody pass. It runs before a body is read. Nobody gets
// one and the same 401 for every cause; "could not find out" is 503 and leaves the credential
// alone. Nothing is saved behind a handler's back: a handler that changes the session says
// `await changeSession(...)`, and has the outcome before the response head leaves.

import assert from 'node:assert';
import type { FastifyReply, FastifyRequest, onRequestHookHandler } from 'fastify';
import { OperatingError } from '../core/errors.ts';
import type { Recognition } from '../core/recognition.ts';
import type { FieldChange, Fields, Session } from '../core/session.ts';
import type { Issue, Recogniser } from '../strategies/strategy.ts';
import type { Meter } from './meter.ts';
import type { App } from './parts.ts';

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

export function addRecognition(app: App, recogniser: Recogniser, meter: Meter): void {
  function recognise(
    request: FastifyRequest,
    done: (error?: OperatingError) => void,
    nobodyMayPass: boolean,
  ): void {
    recogniser.recognise(request.headers).then((recognition) => {
      request.recognition = recognition;
      meter.recognition(recognition);
      if (recognition.kind === 'unknown') done(unknownToUnavailable(recognition.cause));
      else if (recognition.kind === 'recognised') done();
      else {
        const { reason } = recognition;
        if (reason !== 'no-credential') {
          app.securityEvent({ kind: 'credential-refused', reason }, request);
        }
        done(nobodyMayPass ? undefined : new OperatingError('not-authenticated'));
      }
    }, done);
  }

  app.decorateRequest('recognition', null);
  app.decorateRequest('login', {
    getter(this: FastifyRequest): Session {
      assert(this.recognition?.kind === 'recognised', 'the route asks for no session');
      return this.recognition.session;
    },
  });
  app.decorate('authenticated', (request, _reply, done) => recognise(request, done, false));
  app.decorate('recognised', (request, _reply, done) => recognise(request, done, true));
}

/** A lookup that timed out changed nothing, so the failure is definite and may be tried again. */
function unknownToUnavailable(cause: OperatingError): OperatingError {
  if (cause.status === 503) return cause;
  return new OperatingError('store-unavailable', { cause });
}

/** Puts what the client must be given into the answer; returns the members of its body. */
export function carry(reply: FastifyReply, issue: Issue): Issue['body'] {
  for (const [name, value] of issue.headers) reply.header(name, value);
  return issue.body;
}

/** @throws OperatingError `session-ended`, with no credential in the answer. */
export async function changeSession(
  recogniser: Recogniser,
  request: FastifyRequest,
  reply: FastifyReply,
  changes: readonly FieldChange[],
): Promise<Fields> {
  const changed = await recogniser.change(request.login, changes);
  if (changed.outcome === 'gone') throw new OperatingError('session-ended');
  carry(reply, changed.issue);
  return changed.fields;
}
