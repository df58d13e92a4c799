// fastify with iron-session: the session in an encrypted cookie.

import type { AddressInfo } from 'node:net';
import { fastify } from 'fastify';
import { getIronSession } from 'iron-session';
import { dashboard, ready } from './answer.ts';

const options = {
  password: 'a password with at least 32 characters',
  cookieName: 'session',
  cookieOptions: { secure: false },
};
interface Data {
  user?: string;
}

const app = fastify();
app.post('/login', async (request, reply) => {
  const session = await getIronSession<Data>(request.raw, reply.raw, options);
  session.user = 'alice';
  await session.save();
  reply.send({});
});
app.get('/dashboard', async (request, reply) => {
  const { user } = await getIronSession<Data>(request.raw, reply.raw, options);
  return reply.code(user === undefined ? 401 : 200).send(dashboard);
});
await app.listen({ port: 0, host: '127.0.0.1' });
ready((app.server.address() as AddressInfo).port);
