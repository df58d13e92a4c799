// The life of sessions after the login: renewing one, leaving, leaving everywhere, and looking
// after one's own devices. Leaving is idempotent: whoever is nobody has left already, but while the
// server cannot find out who you are it does not pretend that you have left.

import { OperatingError } from '../../core/errors.ts';
import type { App, Parts } from '../parts.ts';
import { carry } from '../session-plugin.ts';
import { isoTime, issued, nothing, time } from './schemas.ts';

const refreshRequest = {
  type: ['object', 'null'],
  additionalProperties: false,
  properties: { refreshToken: { type: 'string', maxLength: 512 } },
} as const;

const handle = { type: 'string', pattern: '^[A-Za-z0-9_-]{1,64}$' } as const;

const sessionList = {
  type: 'object',
  required: ['sessions'],
  properties: {
    sessions: {
      type: 'array',
      items: {
        type: 'object',
        required: ['handle', 'createdAt', 'lastSeenAt', 'expiresAt', 'current'],
        properties: {
          handle,
          createdAt: time,
          lastSeenAt: time,
          expiresAt: time,
          current: { type: 'boolean' },
        },
      },
    },
  },
} as const;

const tags = ['sessions'];

export function sessionRoutes(app: App, parts: Parts): void {
  lifeRoutes(app, parts);
  deviceRoutes(app, parts);
}

function lifeRoutes(app: App, { recogniser }: Parts): void {
  app.post(
    '/refresh',
    {
      schema: {
        summary: 'Exchange the credential for a fresh one',
        tags,
        body: refreshRequest,
        response: { 200: issued },
      },
    },
    async (request, reply) => {
      const refreshed = await recogniser.refresh(request.headers, request.body?.refreshToken);
      if (refreshed.outcome === 'ok') return carry(reply, refreshed.issue);
      if (refreshed.outcome === 'refused') throw new OperatingError('not-authenticated');
      app.serverLog.warn({ handle: refreshed.handle }, 'an old credential was used: session ended');
      throw new OperatingError('session-ended');
    },
  );

  app.post(
    '/logout',
    {
      onRequest: app.recognised,
      schema: { summary: 'End this session', tags, response: { 204: nothing } },
    },
    async (request, reply) => {
      const somebody = request.recognition?.kind === 'recognised';
      carry(reply, somebody ? await recogniser.end(request.login) : recogniser.forget());
      return reply.code(204).send(null);
    },
  );

  app.post(
    '/logout-everywhere',
    {
      onRequest: app.authenticated,
      schema: { summary: 'End all my sessions', tags, response: { 204: nothing } },
    },
    async (request, reply) => {
      carry(reply, await recogniser.endAll(request.login));
      return reply.code(204).send(null);
    },
  );
}

function deviceRoutes(app: App, { recogniser }: Parts): void {
  app.get(
    '/sessions',
    {
      onRequest: app.authenticated,
      schema: { summary: 'List my sessions, oldest first', tags, response: { 200: sessionList } },
    },
    async ({ login }) => {
      const mine = await recogniser.list(login);
      const sessions = mine.map((each) => ({
        handle: each.handle,
        createdAt: isoTime(each.createdAt),
        lastSeenAt: isoTime(each.lastSeenAt),
        expiresAt: isoTime(each.expiresAt),
        current: each.handle === login.handle,
      }));
      return { sessions };
    },
  );

  app.delete(
    '/sessions/:handle',
    {
      onRequest: app.authenticated,
      schema: {
        summary: 'End one of my sessions',
        tags,
        params: { type: 'object', required: ['handle'], properties: { handle } } as const,
        response: { 204: nothing },
      },
    },
    async (request, reply) => {
      const ended = await recogniser.endOne(request.login, request.params.handle);
      if (!ended) throw new OperatingError('not-found');
      return reply.code(204).send(null);
    },
  );
}
