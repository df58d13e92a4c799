// What administrators may do with the sessions and accounts of others (ASVS 7.4.2, 7.4.5). The role
// is asked of the accounts at every request, so that a right that was taken is gone at once; what
// changes something needs a fresh proof of identity. An account is disabled first and its sessions
// are ended after, so that no login slips in between; to repeat either is safe.

import type { FastifyRequest } from 'fastify';
import { afterWrite, OperatingError } from '../../core/errors.ts';
import type { AccountParts, App } from '../parts.ts';
import { carry, requireFresh } from '../session-plugin.ts';
import { handle, listed, nothing, sessionList, username } from './schemas.ts';

/** Sessions of so many users are ended at once. */
const usersAtOnce = 16;

const tags = ['administration'];
const ofUser = { type: 'object', required: ['name'], properties: { name: username } } as const;
const ofSession = {
  type: 'object',
  required: ['name', 'handle'],
  properties: { name: username, handle },
} as const;
const count = {
  type: 'object',
  required: ['ended'],
  properties: { ended: { type: 'integer', description: 'How many sessions ended' } },
} as const;

export function adminRoutes(app: App, parts: AccountParts): void {
  const guards = {
    onRequest: [
      app.authenticated,
      async ({ login, method }: FastifyRequest) => {
        if (!(await parts.accounts.isAdmin(login.userId))) throw new OperatingError('not-allowed');
        if (method !== 'GET' && method !== 'HEAD') requireFresh(login, parts.config);
      },
    ],
  };
  sessionsOfOthers(app, parts, guards);
  accountsOfOthers(app, parts, guards);
}

type Guards = Pick<Parameters<App['get']>[1] & object, 'onRequest'>;

function sessionsOfOthers(app: App, parts: AccountParts, guards: Guards): void {
  const { recogniser } = parts;

  app.get(
    '/admin/users/:name/sessions',
    {
      ...guards,
      schema: {
        summary: 'List the sessions of a user',
        tags,
        params: ofUser,
        response: { 200: sessionList },
      },
    },
    async ({ login, params }) => {
      const userId = await idOf(parts, params.name);
      return listed(await recogniser.list({ userId }), login.handle);
    },
  );

  app.delete(
    '/admin/users/:name/sessions',
    {
      ...guards,
      schema: {
        summary: 'End all sessions of a user',
        tags,
        params: ofUser,
        response: { 200: count },
      },
    },
    async (request) => {
      const userId = await idOf(parts, request.params.name);
      const ended = await recogniser.endUser(userId, 'ended-by-admin');
      noteEnded(app, request, { userId, count: ended });
      return { ended };
    },
  );

  app.delete(
    '/admin/users/:name/sessions/:handle',
    {
      ...guards,
      schema: {
        summary: 'End one session of a user',
        tags,
        params: ofSession,
        response: { 204: nothing },
      },
    },
    async (request, reply) => {
      const userId = await idOf(parts, request.params.name);
      const session = request.params.handle;
      const ended = await recogniser.endOne({ userId }, session, 'ended-by-admin');
      if (!ended) throw new OperatingError('not-found');
      noteEnded(app, request, { userId, session });
      return reply.code(204).send(null);
    },
  );

  app.delete(
    '/admin/sessions',
    {
      ...guards,
      schema: { summary: 'End all sessions of all users', tags, response: { 200: count } },
    },
    async (request, reply) => {
      const ended = await endEverybody(parts);
      noteEnded(app, request, { count: ended });
      carry(reply, recogniser.forget());
      return { ended };
    },
  );
}

function accountsOfOthers(app: App, parts: AccountParts, guards: Guards): void {
  const { accounts, recogniser } = parts;

  app.post(
    '/admin/users/:name/disable',
    {
      ...guards,
      schema: {
        summary: 'Disable an account and end its sessions',
        tags,
        params: ofUser,
        response: { 200: count },
      },
    },
    async (request) => {
      const userId = await idOf(parts, request.params.name);
      const actorId = request.login.userId;
      await accounts.disable(userId);
      app.securityEvent({ kind: 'account-disabled', userId, actorId }, request);
      const ending = recogniser.endUser(userId, 'account-disabled');
      const ended = await afterWrite(ending, 'revocation-not-durable');
      app.sessionWatch.ended({ userId });
      return { ended };
    },
  );

  app.post(
    '/admin/users/:name/enable',
    {
      ...guards,
      schema: { summary: 'Enable an account', tags, params: ofUser, response: { 204: nothing } },
    },
    async (request, reply) => {
      const userId = await idOf(parts, request.params.name);
      await accounts.enable(userId);
      const actorId = request.login.userId;
      app.securityEvent({ kind: 'account-enabled', userId, actorId }, request);
      return reply.code(204).send(null);
    },
  );
}

/** @throws OperatingError `not-found` */
async function idOf({ accounts }: AccountParts, name: string): Promise<string> {
  const account = await accounts.find(name);
  if (account === undefined) throw new OperatingError('not-found');
  return account.id;
}

/** Users who log in while this goes on keep the sessions that they begin. */
async function endEverybody({ accounts, recogniser }: AccountParts): Promise<number> {
  let ended = 0;
  for await (const ids of accounts.ids()) {
    for (let at = 0; at < ids.length; at += usersAtOnce) {
      const some = ids.slice(at, at + usersAtOnce);
      const counts = await Promise.all(some.map((id) => recogniser.endUser(id, 'ended-by-admin')));
      ended += counts.reduce((sum, each) => sum + each, 0);
    }
  }
  return ended;
}

interface Ended {
  readonly userId?: string;
  readonly session?: string;
  readonly count?: number;
}

function noteEnded(app: App, request: FastifyRequest, about: Ended): void {
  const { userId, session: handle } = about;
  app.sessionWatch.ended({ ...(userId && { userId }), ...(handle && { handle }) });
  const actorId = request.login.userId;
  app.securityEvent(
    { kind: 'session-ended', reason: 'ended-by-admin', actorId, ...about },
    request,
  );
}
