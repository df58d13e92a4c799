// fastify with @fastify/session: in memory, or in Redis by way of connect-redis.

import type { AddressInfo } from 'node:net';
import cookie from '@fastify/cookie';
import session from '@fastify/session';
import { RedisStore } from 'connect-redis';
import { fastify } from 'fastify';
import { createClient } from 'redis';
import { dashboard, ready } from './answer.ts';

declare module 'fastify' {
  interface Session {
    user?: string;
  }
}

async function store() {
  if (process.env.REDIS_URL === undefined) return {};
  const client = createClient({ url: process.env.REDIS_URL });
  await client.connect();
  return { store: new RedisStore({ client, prefix: 'fastify-session:' }) };
}

const app = fastify();
await app.register(cookie);
await app.register(session, {
  secret: 'a secret with minimum length of 32 characters',
  cookie: { secure: false },
  ...(await store()),
});
app.post('/login', (request, reply) => {
  request.session.user = 'alice';
  reply.send({});
});
app.get('/dashboard', (request, reply) => {
  reply.code(request.session.user === undefined ? 401 : 200).send(dashboard);
});
await app.listen({ port: 0, host: '127.0.0.1' });
ready((app.server.address() as AddressInfo).port);
