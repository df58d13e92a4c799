// Who you are: registering a name, and logging in with it. A login begins a session and ends the
// one that the request came with, so that nothing from before the login gains it. A wrong name, a
// wrong password and a disabled account get the same answer, and so do attempts that are too many,
// whether or not there is such a user. What a name and a password may be, the accounts say.

import { OperatingError } from '../../core/errors.ts';
import { deviceCookie, deviceIn } from '../device-cookie.ts';
import type { App, Parts } from '../parts.ts';
import { afterWrite, carry } from '../session-plugin.ts';
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

const tags = ['accounts'];

export function accountRoutes(app: App, { config, accounts, recogniser }: Parts): void {
  app.post(
    '/register',
    {
      schema: {
        summary: 'Register a user',
        tags,
        body: credentials,
        response: { 201: registered },
      },
    },
    async (request, reply) => {
      const user = await accounts.register(request.body.username, request.body.password);
      app.securityEvent({ kind: 'registered', userId: user.id }, request);
      return reply.code(201).send({ username: user.name });
    },
  );

  app.post(
    '/login',
    {
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
      const issue = await recogniser.begin(user, request.headers);
      // Who disabled the account or changed the password meanwhile may have ended all too early.
      const change = await afterWrite('accounts-outcome-unknown', accounts.changeSince(user));
      if (change !== undefined) {
        await afterWrite('revocation-not-durable', recogniser.endUser(user.id, change));
        throw new OperatingError('wrong-credentials');
      }
      app.securityEvent({ kind: 'login', userId: user.id }, request);
      const body = carry(reply, issue);
      if (user.newDevice) reply.header('set-cookie', deviceCookie(user.newDevice, config));
      return { username: user.name, ...body };
    },
  );
}
