// Who you are: registering a name, and logging in with it. A login begins a session and ends the
// one that the request came with, so that nothing from before the login gains it. A wrong name and
// a wrong password get the same answer. What a name and a password may be, the accounts say.

import { OperatingError } from '../../core/errors.ts';
import type { App, Parts } from '../parts.ts';
import { carry } from '../session-plugin.ts';
import { issued, username } from './schemas.ts';

const credentials = {
  type: 'object',
  additionalProperties: false,
  required: ['username', 'password'],
  properties: { username, password: { type: 'string', minLength: 1, maxLength: 512 } },
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

export function accountRoutes(app: App, { accounts, recogniser }: Parts): void {
  app.post(
    '/register',
    {
      schema: {
        summary: 'Register a user',
        tags: ['accounts'],
        body: credentials,
        response: { 201: registered },
      },
    },
    async (request, reply) => {
      const user = await accounts.register(request.body.username, request.body.password);
      return reply.code(201).send({ username: user.name });
    },
  );

  app.post(
    '/login',
    {
      schema: {
        summary: 'Log in: begins a session',
        tags: ['accounts'],
        body: credentials,
        response: { 200: loggedIn },
      },
    },
    async (request, reply) => {
      const user = await accounts.verify(request.body.username, request.body.password);
      if (user === undefined) throw new OperatingError('wrong-credentials');
      const issue = await recogniser.begin(user, request.headers);
      return { username: user.name, ...carry(reply, issue) };
    },
  );
}
