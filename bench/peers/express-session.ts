// express with express-session: in memory, or in Redis by way of connect-redis.

import type { AddressInfo } from 'node:net';
import { RedisStore } from 'connect-redis';
import express from 'express';
import session from 'express-session';
import { createClient } from 'redis';
import { dashboard, ready } from './answer.ts';

declare module 'express-session' {
  interface SessionData {
    user?: string;
  }
}

async function store() {
  if (process.env.REDIS_URL === undefined) return {};
  const client = createClient({ url: process.env.REDIS_URL });
  await client.connect();
  return { store: new RedisStore({ client, prefix: 'express-session:' }) };
}

const app = express();
app.use(
  session({ secret: 'keyboard', resave: false, saveUninitialized: false, ...(await store()) }),
);
app.post('/login', (request, response) => {
  request.session.user = 'alice';
  response.json({});
});
app.get('/dashboard', (request, response) => {
  response.status(request.session.user === undefined ? 401 : 200).json(dashboard);
});
const server = app.listen(0, '127.0.0.1', () => ready((server.address() as AddressInfo).port));
