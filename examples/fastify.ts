// Sessions in a Fastify application of your own: `node examples/fastify.ts`. In your project the
// imports come from 'sessionlab' and 'sessionlab/fastify'. Users and passwords are your affair.

import Fastify from 'fastify';
import { authenticated, sessions } from '../src/adapters/fastify.ts';
import { lifetimes, stores, strategies, systemClock } from '../src/index.ts';

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

const app = Fastify();
app.register(sessions, { recogniser });

app.post('/login', async ({ visit }) => {
  await visit.logIn({ id: '1', name: 'alice' });
  return { welcome: 'alice' };
});

app.get('/dashboard', { onRequest: authenticated }, async ({ visit }) => ({
  username: visit.login.userName,
  visits: (await visit.change([{ op: 'increment', field: 'visits', by: 1 }])).visits,
}));

app.post('/logout', async ({ visit }, reply) => {
  await visit.logOut();
  return reply.code(204).send();
});

console.log(`listening on ${await app.listen({ port: Number(process.env.PORT ?? 3000) })}`);
