// The protected pages of the course. `GET /dashboard` is the request of the question: whichever
// server gets it must know who is asking, and says in its answer which server it is.

import { expiresAt } from '../../core/session.ts';
import { servedBy } from '../config.ts';
import type { App, Parts } from '../parts.ts';
import { isoTime, time, username } from './schemas.ts';

/** Every protected page shows the way out (ASVS 7.4.4). */
const links = { logout: '/logout', sessions: '/sessions' } as const;
const linkList = {
  type: 'object',
  required: ['logout', 'sessions'],
  properties: { logout: { const: links.logout }, sessions: { const: links.sessions } },
} as const;

const dashboard = {
  type: 'object',
  required: ['message', 'username', 'servedBy', 'links'],
  properties: {
    message: { type: 'string' },
    username,
    servedBy: { type: 'string' },
    links: linkList,
  },
} as const;

const me = {
  type: 'object',
  required: ['username', 'session', 'links'],
  properties: {
    username,
    links: linkList,
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
    ({ login }, reply) => {
      const message = `Welcome back, ${login.userName}`;
      reply.send({ message, username: login.userName, servedBy: server, links });
    },
  );

  app.get(
    '/me',
    {
      onRequest: app.authenticated,
      schema: { summary: 'Who I am, and until when', tags, response: { 200: me } },
    },
    async ({ login }) => ({
      username: login.userName,
      links,
      session: {
        handle: login.handle,
        createdAt: isoTime(login.createdAt),
        expiresAt: isoTime(expiresAt(login)),
      },
    }),
  );
}
