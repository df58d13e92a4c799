// Sessions in a Hono application of your own, on the Web's Request and Response, as in Next.js route
// handlers: `node examples/hono.ts`. In your project the imports come from 'sessionlab' and
// 'sessionlab/web'. Users and passwords are your affair.

import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { setCookie } from 'hono/cookie';
import { createMiddleware } from 'hono/factory';
import type { Visit } from '../src/adapters/visit.ts';
import { receive, respond } from '../src/adapters/web.ts';
import { lifetimes, OperatingError, stores, strategies, systemClock } from '../src/index.ts';

const { REDIS_URL: url } = process.env;
const recogniser = await strategies.session.start({
  store: await (url
    ? stores.redis.open({ url, timeoutMs: 250 })
    : stores.memory.open({ timeoutMs: 250 })),
  clock: systemClock,
  lifetimes,
  audience: 'example',
  secureCookies: false, // true wherever there is TLS
});

const sessions = createMiddleware<{ Variables: { visit: Visit } }>(async (context, next) => {
  const { visit, dress } = await receive(recogniser, context.req.raw);
  context.set('visit', visit);
  await next();
  const dressed = dress(context.res);
  context.res = undefined; // or Hono keeps the old one's cookies instead of the new one's
  context.res = dressed;
});

const app = new Hono<{ Variables: { visit: Visit } }>();
app.use(sessions);
app.onError((error) => {
  if (error instanceof OperatingError) return respond(error);
  throw error;
});

app.post('/login', async (context) => {
  setCookie(context, 'theme', 'dark'); // a cookie of your own
  await context.var.visit.logIn({ id: '1', name: 'alice' });
  return context.json({ welcome: 'alice' });
});

app.get('/dashboard', async (context) => {
  const { visit } = context.var;
  const { userName: username } = visit.login;
  const { visits = 0 } = await visit.change([{ op: 'increment', field: 'visits', by: 1 }]);
  return context.json({ username, visits });
});

app.post('/logout', async (context) => {
  await context.var.visit.logOut();
  return context.body(null, 204);
});

const port = Number(process.env.PORT ?? 3000);
serve({ fetch: app.fetch, hostname: '127.0.0.1', port }, (address) => {
  console.log(`listening on http://127.0.0.1:${address.port}`);
});
