// Who you are: registering a name, and logging in with it. A login begins a session and ends the
// one that the request came with, so that nothing from before the login gains it. A wrong name, a
// wrong password and a disabled account get the same answer, and so do attempts that are too many,
// whether or not there is such a user. Who changes how to log in must prove again who they are: by
// the password itself, or by a login or step-up that is fresh.

import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Verified } from '../../accounts/accounts.ts';
import { afterWrite, OperatingError } from '../../core/errors.ts';
import type { EndReason } from '../../core/session.ts';
import type { Begun, Issue, Recogniser, Refreshed } from '../../strategies/strategy.ts';
import { deviceCookie, deviceIn } from '../device-cookie.ts';
import type { AccountParts, App } from '../parts.ts';
import { afterChange } from '../security-events.ts';
import { carry, requireFresh } from '../session-plugin.ts';
import { issued, password, username } from './schemas.ts';

const credentials = {
  type: 'object',
  additionalProperties: false,
  required: ['username', 'password'],
  properties: { username, password },
} as const;

const registered = {
  type: 'object',
  required: ['username'],
  properties: { username },
} as const;

const loggedIn = {
  ...issued,
  required: ['username'],
  properties: { username, ...issued.properties },
} as const;

const proof = {
  type: 'object',
  additionalProperties: false,
  required: ['password'],
  properties: { password },
} as const;

const passwordChange = {
  type: 'object',
  additionalProperties: false,
  required: ['password', 'newPassword'],
  properties: {
    password,
    newPassword: password,
    endOthers: { type: 'boolean', description: 'true unless said otherwise' },
  },
} as const;

const address = { type: ['string', 'null'], maxLength: 512 } as const;
const emailChange = {
  type: 'object',
  additionalProperties: false,
  required: ['email'],
  properties: { email: address },
} as const;
const emailChanged = {
  type: 'object',
  required: ['email'],
  properties: { email: address },
} as const;

const tags = ['accounts'];

/** For what fails after a change of password: repeated, the request has the wrong password. */
const isChanged = 'The password is changed: prove by it who you are (POST /step-up)';
const endAll = 'end what may go on elsewhere (POST /logout-everywhere)';

export function accountRoutes(app: App, parts: AccountParts): void {
  entryRoutes(app, parts);
  proofRoutes(app, parts);
  changeRoutes(app, parts);
}

function entryRoutes(app: App, { config, accounts, recogniser }: AccountParts): void {
  app.post(
    '/register',
    {
      onRequest: app.recordable,
      schema: {
        summary: 'Register a user',
        tags,
        body: credentials,
        response: { 201: registered },
      },
    },
    async (request, reply) => {
      const { username, password } = request.body;
      const user = await accounts.register(username, password, request.ip);
      await afterChange(app.recorded({ kind: 'registered', userId: user.id }, request));
      return reply.code(201).send({ username: user.name });
    },
  );

  app.post(
    '/login',
    {
      onRequest: app.recordable,
      schema: {
        summary: 'Log in: begins a session',
        tags,
        body: credentials,
        response: { 200: loggedIn },
      },
    },
    async (request, reply) => {
      const { username, password } = request.body;
      const asker = { address: request.ip, device: deviceIn(request.headers.cookie) };
      const checked = await accounts.verify(username, password, asker);
      if (checked.outcome === 'refused') {
        const { outcome: _, ...why } = checked;
        app.securityEvent({ kind: 'login-refused', ...why }, request);
        throw new OperatingError('wrong-credentials');
      }
      const { user } = checked;
      const begun = await recogniser.begin(user, request.headers);
      // Who disabled the account or changed the password meanwhile may have ended all too early.
      const change = await afterWrite(accounts.changeSince(user), 'accounts-outcome-unknown');
      if (change !== undefined) {
        await endBegun(recogniser, begun, change);
        throw new OperatingError('wrong-credentials');
      }
      const about = { session: begun.session.handle, userId: user.id };
      try {
        await app.recorded({ kind: 'login', ...about }, request);
      } catch (cause) {
        await endBegun(recogniser, begun, 'unrecorded');
        app.securityEvent({ kind: 'session-ended', reason: 'unrecorded', ...about }, request);
        throw cause;
      }
      const body = carry(reply, begun);
      request.recognition = { kind: 'recognised', session: begun.session };
      if (user.newDevice) reply.header('set-cookie', deviceCookie(user.newDevice, config));
      return { username: user.name, ...body };
    },
  );
}

function proofRoutes(app: App, parts: AccountParts): void {
  const { recogniser } = parts;

  app.post(
    '/step-up',
    {
      onRequest: [app.recordable, app.authenticated],
      schema: {
        summary: 'Prove again who I am, for sensitive operations',
        tags,
        body: proof,
        response: { 200: issued },
      },
    },
    async (request, reply) => {
      await prove(app, parts, request, request.body.password);
      const { handle, userId } = request.login;
      await app.recorded({ kind: 'step-up', session: handle, userId }, request);
      const renewal = recogniser.stepUp(request.login, request.headers);
      return renew(app, request, reply, renewal);
    },
  );
}

function changeRoutes(app: App, parts: AccountParts): void {
  const { config, accounts, recogniser } = parts;

  app.post(
    '/password',
    {
      onRequest: [app.recordable, app.authenticated],
      schema: {
        summary: 'Change my password; ends my other sessions',
        tags,
        body: passwordChange,
        response: { 200: issued },
      },
    },
    async (request, reply) => {
      const { login } = request;
      const { password, newPassword, endOthers = true } = request.body;
      const user = await prove(app, parts, request, password);
      if (!(await accounts.setPassword(user, newPassword))) {
        throw new OperatingError('session-conflict');
      }
      const about = { session: login.handle, userId: login.userId };
      const recording = app.recorded({ kind: 'password-changed', ...about }, request);
      if (endOthers) {
        const ending = recogniser.endOthers(login, 'password-changed');
        await afterWrite(ending, 'revocation-not-durable', `${isChanged}, then ${endAll}`);
        app.sessionWatch.ended({ userId: login.userId, except: login.handle });
      }
      await afterChange(recording);
      const renewal = recogniser.stepUp(login, request.headers);
      return renew(app, request, reply, afterWrite(renewal, undefined, isChanged));
    },
  );

  app.put(
    '/email',
    {
      onRequest: [app.recordable, app.authenticated],
      schema: {
        summary: 'Change my e-mail address; needs a fresh login or step-up',
        tags,
        body: emailChange,
        response: { 200: emailChanged },
      },
    },
    async (request) => {
      const { login } = request;
      requireFresh(login, config);
      const email = await accounts.setEmail(login.userId, request.body.email);
      const about = { session: login.handle, userId: login.userId };
      await afterChange(app.recorded({ kind: 'email-changed', ...about }, request));
      return { email };
    },
  );
}

/** Ends the session that was begun, and no other: a change may have spared one. */
async function endBegun(recogniser: Recogniser, { session }: Begun, reason: EndReason) {
  const ending = recogniser.endOne(session, session.handle, reason);
  await afterWrite(ending, 'revocation-not-durable');
}

/**
 * The user of the login, whose password this is. Guesses are charged to the session they come from.
 *
 * @throws OperatingError `wrong-credentials`, `too-many-attempts`
 */
async function prove(
  app: App,
  { accounts }: AccountParts,
  request: FastifyRequest,
  password: string,
): Promise<Verified> {
  const { handle: session, userId, userName } = request.login;
  const checked = await accounts.verify(userName, password, { address: request.ip, session });
  if (checked.outcome === 'verified' && checked.user.id === userId) return checked.user;
  const reason = 'wrong-password';
  app.securityEvent({ kind: 'step-up-refused', reason, session, userId }, request);
  throw new OperatingError('wrong-credentials');
}

/**
 * Hands over a new credential for the same session; the one from before gains nothing.
 *
 * @throws OperatingError `session-ended` when it ended meanwhile
 */
async function renew(
  app: App,
  request: FastifyRequest,
  reply: FastifyReply,
  renewal: Promise<Refreshed>,
): Promise<Issue['body']> {
  const renewed = await renewal;
  if (renewed.outcome === 'ok') return carry(reply, renewed.issue);
  if (renewed.outcome === 'reuse') {
    const { handle, userId } = request.login;
    app.securityEvent({ kind: 'reuse-detected', session: handle, userId }, request);
    app.sessionWatch.ended({ handle });
  }
  throw new OperatingError('session-ended');
}
