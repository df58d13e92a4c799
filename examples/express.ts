// Sessions in an Express application of your own: `node examples/express.ts`. The same middleware
// serves Connect and plain node:http. In your project the imports come from 'sessionlab' and
// 'sessionlab/connect'. Users and passwords are your affair.

import express from 'express';
import { authenticated, sessions, visitOf } from '../src/adapters/connect.ts';
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

const app = express();
app.use(sessions(recogniser));

app.post('/login', async (request, response) => {
  await visitOf(request).logIn({ id: '1', name: 'alice' });
  response.json({ welcome: 'alice' });
});

app.get('/dashboard', authenticated, async (request, response) => {
  const visit = visitOf(request);
  const { visits = 0 } = await visit.change([{ op: 'increment', field: 'visits', by: 1 }]);
  response.json({ username: visit.login.userName, visits });
});

app.post('/logout', async (request, response) => {
  await visitOf(request).logOut();
  response.status(204).end();
});

const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : address;
  console.log(`listening on http://127.0.0.1:${port}`);
});
