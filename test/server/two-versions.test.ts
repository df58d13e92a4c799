// Two versions of the application side by side, as in every rolling deployment: real processes on
// one store, the program as it is and a next one whose session schema is a version further.

import { Client as Postgres } from 'pg';
import { expect, test } from 'vitest';
import { answers, clientAt, environment, password, type Replica, startReplica } from './ground.ts';

const shared = answers.filter(({ store }) => store !== 'memory');
const onPostgres = answers[3];
const [current, next] = ['../../src/server/main.ts', './next-version.ts'];
const apple = { item: 'apple', quantity: 2 };

/** The same client at another server. */
function at(replica: Replica, client: ReturnType<typeof clientAt>): ReturnType<typeof clientAt> {
  const there = clientAt(replica.url);
  there.credential = client.credential;
  there.refreshToken = client.refreshToken;
  return there;
}

test.each(shared)(
  'a session of $strategy on $store is brought up to the next version, and is nobody in the one before',
  async (answer) => {
    const env = await environment(answer);
    await using older = await startReplica(current, env);
    await using newer = await startReplica(next, env);
    const me = clientAt(older.url);
    await me.ask('POST', '/register', { username: 'alice', password });
    await me.logIn('alice');
    expect((await me.ask('POST', '/cart/items', apple)).status).toBe(200);

    // Read by the next version, unchanged in the store: both serve it.
    const there = at(newer, me);
    expect((await there.ask('GET', '/cart')).body.items).toEqual({ fruit: 2 });
    expect((await me.ask('GET', '/cart')).body.items).toEqual({ apple: 2 });

    // Written by the next version: the one before cannot read it, which is no failure of its.
    expect((await there.ask('POST', '/cart/items', { item: 'pear', quantity: 1 })).status).toBe(
      200,
    );
    expect((await there.ask('GET', '/cart')).body.items).toEqual({ fruit: 2, pear: 1 });
    const back = await at(older, there).ask('GET', '/dashboard');
    expect([back.status, back.body.code]).toEqual([401, 'not-authenticated']);
    expect(back.headers['set-cookie']).toBeUndefined();
    expect((await there.ask('GET', '/dashboard')).status).toBe(200);
    expect(older.output()).not.toContain('the server failed');
  },
);

test('replicas serve while the table of sessions and that of users gain a column', async () => {
  const env = await environment(onPostgres);
  await using replica = await startReplica(current, env);
  const me = clientAt(replica.url);
  await me.ask('POST', '/register', { username: 'alice', password });
  await me.logIn('alice');
  const work = async () => [
    (await me.ask('GET', '/dashboard')).status,
    (await me.ask('POST', '/cart/items', apple)).status,
    (await me.ask('POST', '/refresh')).status,
    (await me.ask('GET', '/sessions')).status,
    (await me.ask('POST', '/login', { username: 'alice', password })).status,
  ];
  // Twice, so that every statement is prepared.
  expect([await work(), await work()].flat()).toEqual(Array(10).fill(200));
  const database = new Postgres(env.DATABASE_URL);
  await database.connect();
  await database.query(`
    ALTER TABLE sessions ADD COLUMN colour text NOT NULL DEFAULT 'blue';
    ALTER TABLE users ADD COLUMN colour text NOT NULL DEFAULT 'blue';`);
  await database.end();
  expect([await work(), await work()].flat()).toEqual(Array(10).fill(200));
});
