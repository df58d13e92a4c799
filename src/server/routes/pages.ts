// The protected pages of the course. `GET /dashboard` is the request of the question: whichever
// server gets it must know who is asking, and says in its answer which server it is.

import { expiresAt } from '../../core/session.ts';
import { servedBy } from '../config.ts';
import type { App, Parts } from '../parts.ts';
import { isoTime, time, username } from './schemas.ts';

const dashboard = {
  type: 'object',
  required: ['message', 'username', 'servedBy'],
  properties: { message: { type: 'string' }, username, servedBy: { type: 'string' } },
} as const;

const me = {
  type: 'object',
  required: ['username', 'session'],
  properties: {
    username,
    session: {
      type: 'object',
      required: ['handle', 'createdAt', 'expiresAt'],
      properties: { handle: { type: 'string' }, createdAt: time, expiresAt: time },
    },
  },
} as const;

const tags = ['pages'];

export function pageRoutes(app: App, { config }: Parts): void {
  const server = servedBy(config);

  app.get(
    '/dashboard',
    {
      onRequest: app.authenticated,
      schema: { summary: 'The protected page', tags, response: { 200: dashboard } },
    },
    ({ session }, reply) => {
      const message = `Welcome back, ${session.userName}`;
      reply.send({ message, username: session.userName, servedBy: server });
    },
  );

  app.get(
    '/me',
    {
      onRequest: app.authenticated,
      schema: { summary: 'Who I am, and until when', tags, response: { 200: me } },
    },
    async ({ session }) => ({
      username: session.userName,
      session: {
        handle: session.handle,
        createdAt: isoTime(session.createdAt),
        expiresAt: isoTime(expiresAt(session)),
      },
    }),
  );
}
