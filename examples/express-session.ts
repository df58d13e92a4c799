// An existing express-session application: `node examples/express-session.ts`. It keeps its code;
// only the store changes. With `STORE=theirs` it runs on that library's own MemoryStore, where a
// slow request that is under way when its user logs out brings the session back from the dead.

import express from 'express';
import session from 'express-session';
import { raceFree } from '../src/adapters/express-session.ts';
import { stores } from '../src/index.ts';

declare module 'express-session' {
  interface SessionData {
    username: string;
    visits: number;
  }
}

const { REDIS_URL: url, STORE } = process.env;
const ours = async () => {
  const store = await (url
    ? stores.redis.open({ url, timeoutMs: 250 })
    : stores.memory.open({ timeoutMs: 250 }));
  const RaceFreeStore = raceFree(session.Store);
  return new RaceFreeStore({ store });
};

const app = express();
app.use(
  session({
    secret: 'only an example',
    resave: false,
    saveUninitialized: false,
    store: STORE === 'theirs' ? new session.MemoryStore() : await ours(),
  }),
);

app.post('/login', (request, response, next) => {
  request.session.regenerate((error) => {
    if (error) return next(error);
    Object.assign(request.session, { username: 'alice', visits: 0 });
    response.json({ welcome: 'alice' });
  });
});

app.get('/dashboard', (request, response) => {
  const { username } = request.session;
  if (username === undefined) return void response.status(401).end();
  request.session.visits = (request.session.visits ?? 0) + 1;
  response.json({ username, visits: request.session.visits });
});

/** Loads the session, says so (102), and answers when the client has sent its body to the end. */
app.post('/slow', (request, response) => {
  const { username } = request.session;
  if (username === undefined) return void response.status(401).end();
  request.session.visits = (request.session.visits ?? 0) + 1;
  response.writeProcessing();
  request.resume().once('end', () => response.json({ username }));
});

app.post('/logout', (request, response, next) => {
  request.session.destroy((error) => (error ? next(error) : response.status(204).end()));
});

const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : address;
  console.log(`listening on http://127.0.0.1:${port}`);
});
