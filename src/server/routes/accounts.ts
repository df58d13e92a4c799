// Who you are: registering a name, and logging in with it. A login begins a session and ends the
// one that the request came with, so that nothing from before the login gains it. A wrong name and
// a wrong password get the same answer.

import { OperatingError } from '../../core/errors.ts';
import { limits } from '../../core/limits.ts';
import type { App, Parts } from '../parts.ts';
import { carry } from '../session-plugin.ts';
import { issued, username } from './schemas.ts';

const password = { type: 'string', maxLength: limits.passwordCharsMax } as const;

const registration = {
  type: 'object',
  additionalProperties: false,
  required: ['username', 'password'],
  properties: { username, password: { ...password, minLength: limits.passwordCharsMin } },
} as const;

const login = {
  ...registration,
  properties: { username, password: { ...password, minLength: 1 } },
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
        body: registration,
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
        body: login,
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
