// The life of sessions after the login: renewing one, leaving, leaving everywhere, and looking
// after one's own devices. Leaving ends all that the request proves, also what it opens no more. It
// is idempotent: whoever is nobody has left already, once that is durable; and while the server
// cannot find out who you are it does not pretend that you have left.
// Ending more than the own session needs a fresh proof of identity, so that a thief cannot end the
// owner's (ASVS 7.5.2).

import type { FastifyRequest } from 'fastify';
import { OperatingError } from '../../core/errors.ts';
import type { AnonymousReason } from '../../core/recognition.ts';
import type { Left } from '../../strategies/strategy.ts';
import type { App, Parts } from '../parts.ts';
import { afterChange } from '../security-events.ts';
import { carry, requireFresh } from '../session-plugin.ts';
import { handle, issued, listed, nothing, sessionList } from './schemas.ts';

const refreshRequest = {
  type: ['object', 'null'],
  additionalProperties: false,
  properties: { refreshToken: { type: 'string', maxLength: 512 } },
} as const;

const csrf = {
  type: 'object',
  required: ['csrfToken'],
  properties: {
    csrfToken: {
      type: ['string', 'null'],
      description: 'null where no browser sends the credential by itself',
    },
  },
} as const;

const tags = ['sessions'];
/** As whom a client is recognised whose session has been ended. */
const ended: ReadonlySet<AnonymousReason> = new Set(['not-found', 'revoked']);

export function sessionRoutes(app: App, parts: Parts): void {
  renewalRoutes(app, parts);
  leavingRoutes(app, parts);
  deviceRoutes(app, parts);
  formRoutes(app, parts);
}

function renewalRoutes(app: App, { config, recogniser }: Parts): void {
  // A token is good without asking anybody; a session has the same rights by whatever credential.
  const givesMore = config.strategy.startsWith('token');

  app.post(
    '/refresh',
    {
      onRequest: givesMore ? app.recordable : [],
      schema: {
        summary: 'Exchange the credential for a fresh one',
        tags,
        body: refreshRequest,
        response: { 200: issued },
      },
    },
    async (request, reply) => {
      const refreshed = await recogniser.refresh(request.headers, request.body?.refreshToken);
      if (refreshed.outcome === 'refused') {
        const { reason } = refreshed;
        if (reason !== 'no-credential') {
          app.securityEvent({ kind: 'credential-refused', reason }, request);
        }
        throw new OperatingError('not-authenticated');
      }
      if (refreshed.outcome === 'reuse') {
        app.securityEvent({ kind: 'reuse-detected', session: refreshed.handle }, request);
        app.sessionWatch.ended({ handle: refreshed.handle });
        throw new OperatingError('session-ended');
      }
      const { session } = refreshed;
      const about = { session: session.handle, userId: session.userId };
      const noted = { kind: 'refresh', ...about } as const;
      if (givesMore) await afterChange(app.recorded(noted, request));
      else await app.securityEvent(noted, request);
      request.recognition = { kind: 'recognised', session };
      return carry(reply, refreshed.issue);
    },
  );
}

function leavingRoutes(app: App, { config, recogniser }: Parts): void {
  async function leave(request: FastifyRequest): Promise<Left> {
    const left = await recogniser.leave(request.headers);
    for (const { handle, userId } of left.ended) {
      app.sessionWatch.ended({ handle });
      await app.securityEvent({ kind: 'logout', session: handle, userId }, request);
    }
    return left;
  }

  /** Whose session is gone has perhaps left already by this very request, and not durably. */
  async function hasLeftDurably(request: FastifyRequest): Promise<void> {
    const { recognition } = request;
    if (recognition?.kind === 'recognised') return;
    if (recognition?.kind === 'anonymous' && ended.has(recognition.reason)) await leave(request);
    throw new OperatingError('not-authenticated');
  }

  app.post(
    '/logout',
    {
      onRequest: app.recognised,
      schema: { summary: 'End this session', tags, response: { 204: nothing } },
    },
    async (request, reply) => {
      carry(reply, await leave(request));
      return reply.code(204).send(null);
    },
  );

  app.post(
    '/logout-everywhere',
    {
      onRequest: [app.recognised, hasLeftDurably],
      schema: {
        summary: 'End all my sessions; needs a fresh login or step-up',
        tags,
        response: { 204: nothing },
      },
    },
    async (request, reply) => {
      const { login } = request;
      requireFresh(login, config);
      const { userId } = login;
      carry(reply, await recogniser.endAll(login));
      app.sessionWatch.ended({ userId });
      const reason = 'logout-everywhere';
      await app.securityEvent({ kind: 'session-ended', reason, userId }, request);
      return reply.code(204).send(null);
    },
  );
}

function formRoutes(app: App, { recogniser }: Parts): void {
  app.get(
    '/csrf-token',
    {
      onRequest: app.authenticated,
      schema: { summary: 'What a form of mine may carry', tags, response: { 200: csrf } },
    },
    async ({ headers }) => ({ csrfToken: recogniser.csrfToken(headers) ?? null }),
  );
}

function deviceRoutes(app: App, { config, recogniser }: Parts): void {
  app.get(
    '/sessions',
    {
      onRequest: app.authenticated,
      schema: { summary: 'List my sessions, oldest first', tags, response: { 200: sessionList } },
    },
    async ({ login }) => listed(await recogniser.list(login), login.handle),
  );

  app.delete(
    '/sessions/:handle',
    {
      onRequest: app.authenticated,
      schema: {
        summary: 'End one of my sessions; needs a fresh login or step-up',
        tags,
        params: { type: 'object', required: ['handle'], properties: { handle } } as const,
        response: { 204: nothing },
      },
    },
    async (request, reply) => {
      const { login, params } = request;
      requireFresh(login, config);
      const ended = await recogniser.endOne(login, params.handle);
      if (!ended) throw new OperatingError('not-found');
      app.sessionWatch.ended({ userId: login.userId, handle: params.handle });
      const about = { session: params.handle, userId: login.userId };
      await app.securityEvent(
        { kind: 'session-ended', reason: 'ended-by-user', ...about },
        request,
      );
      return reply.code(204).send(null);
    },
  );
}
