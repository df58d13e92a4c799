// What administrators may do with the sessions and accounts of others (ASVS 7.4.2, 7.4.5). The role
// is asked of the accounts at every request, so that a right that was taken is gone at once; what
// changes something needs a fresh proof of identity. An account is disabled first and its sessions
// are ended after, so that no login slips in between; to repeat either is safe.

import type { FastifyRequest, onRequestAsyncHookHandler, onRequestHookHandler } from 'fastify';
import { afterWrite, OperatingError } from '../../core/errors.ts';
import type { Recogniser } from '../../strategies/strategy.ts';
import type { AccountParts, App } from '../parts.ts';
import { afterChange } from '../security-events.ts';
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

interface Guards {
  readonly onRequest: (onRequestHookHandler | onRequestAsyncHookHandler)[];
}

function sessionsOfOthers(app: App, parts: AccountParts, guards: Guards): void {
  const { recogniser } = parts;

  app.get(
    '/admin/users/:name/sessions',
    {
      onRequest: [app.recordable, ...guards.onRequest],
      schema: {
        summary: 'List the sessions of a user',
        tags,
        params: ofUser,
        response: { 200: sessionList },
      },
    },
    async (request) => {
      const { login, params } = request;
      const userId = await idOf(parts, params.name);
      await app.recorded({ kind: 'sessions-viewed', userId, actorId: login.userId }, request);
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
      await noteEnded(app, request, { userId, count: ended });
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
      await noteEnded(app, request, { userId, session });
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
      const tally: Tally = { isBegun: false, ended: 0 };
      try {
        await endEverybody(parts, tally);
      } finally {
        if (tally.isBegun) await noteEnded(app, request, { count: tally.ended });
      }
      carry(reply, recogniser.forget());
      return { ended: tally.ended };
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
      const noted = app.securityEvent({ kind: 'account-disabled', userId, actorId }, request);
      const ending = recogniser.endUser(userId, 'account-disabled');
      const ended = await afterWrite(ending, 'revocation-not-durable');
      app.sessionWatch.ended({ userId });
      await noted;
      return { ended };
    },
  );

  app.post(
    '/admin/users/:name/enable',
    {
      onRequest: [app.recordable, ...guards.onRequest],
      schema: { summary: 'Enable an account', tags, params: ofUser, response: { 204: nothing } },
    },
    async (request, reply) => {
      const userId = await idOf(parts, request.params.name);
      await accounts.enable(userId);
      const actorId = request.login.userId;
      await afterChange(app.recorded({ kind: 'account-enabled', userId, actorId }, request));
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

interface Tally {
  isBegun: boolean;
  ended: number;
}

/**
 * Users who log in while this goes on keep the sessions that they begin. What fails when some have
 * been ended is indefinite, whatever it is.
 */
async function endEverybody({ accounts, recogniser }: AccountParts, tally: Tally): Promise<void> {
  const pages = accounts.ids()[Symbol.asyncIterator]();
  let page = await pages.next();
  while (!page.done) {
    tally.isBegun = true;
    const step = endUsers(recogniser, page.value, tally).then(() => pages.next());
    page = await afterWrite(step, 'revocation-not-durable');
  }
}

async function endUsers(recogniser: Recogniser, ids: readonly string[], tally: Tally) {
  for (let at = 0; at < ids.length; at += usersAtOnce) {
    const some = ids.slice(at, at + usersAtOnce);
    const counts = await Promise.all(some.map((id) => recogniser.endUser(id, 'ended-by-admin')));
    tally.ended += counts.reduce((sum, each) => sum + each, 0);
  }
}

interface Ended {
  readonly userId?: string;
  readonly session?: string;
  readonly count?: number;
}

async function noteEnded(app: App, request: FastifyRequest, about: Ended): Promise<void> {
  const { userId, session: handle } = about;
  app.sessionWatch.ended({ ...(userId && { userId }), ...(handle && { handle }) });
  const actorId = request.login.userId;
  await app.securityEvent(
    { kind: 'session-ended', reason: 'ended-by-admin', actorId, ...about },
    request,
  );
}
