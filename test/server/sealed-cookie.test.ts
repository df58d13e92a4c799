// Two servers that share sealing keys, the accounts and the log of endings: whoever one of them
// sealed a cookie for, the other knows, with the cart. Neither has a session store worth the name.

import { expect, test } from 'vitest';
import { newSealingKeys } from '../../src/strategies/sealing.ts';
import { type Client, clientOf, password, startApp } from './ground.ts';

async function twoServers(changes: Record<string, string> = {}) {
  const settings = { STRATEGY: 'sealed-cookie', SEALING_KEYS: newSealingKeys(), ...changes };
  const answer = { strategy: 'session', store: 'memory' } as const;
  const here = await startApp(answer, settings);
  const there = await startApp(answer, { ...settings, DATABASE_URL: here.databaseUrl });
  const [alice, elsewhere] = [clientOf(here.app), clientOf(there.app)];
  await alice.ask('POST', '/register', { username: 'alice', password });
  await alice.logIn('alice');
  return { here, there, alice, elsewhere };
}

const moveTo = (to: Client, from: Client) => Object.assign(to, { credential: from.credential });

test('what one server sealed, the other reads, changes and takes back', async () => {
  const { here, there, alice, elsewhere } = await twoServers();
  await using _ = here;
  await using __ = there;
  expect((await alice.ask('POST', '/cart/items', { item: 'apple', quantity: 2 })).status).toBe(200);
  moveTo(elsewhere, alice);
  const added = await elsewhere.ask('POST', '/cart/items', { item: 'apple', quantity: 1 });
  expect(added.body).toEqual({ items: { apple: 3 } });
  moveTo(alice, elsewhere);
  expect((await alice.ask('GET', '/dashboard')).body).toMatchObject({ username: 'alice' });
  expect((await alice.ask('POST', '/step-up', { password })).status).toBe(200);
  expect((await alice.ask('GET', '/sessions')).body.sessions).toHaveLength(1);
  moveTo(elsewhere, alice);
  expect((await elsewhere.ask('GET', '/cart')).body).toEqual({ items: { apple: 3 } });
  const copy = elsewhere.copy();
  expect((await elsewhere.ask('POST', '/logout')).status).toBe(204);
  expect((await elsewhere.ask('GET', '/dashboard')).status).toBe(401);
  expect((await copy.ask('GET', '/dashboard')).status).toBe(401);
  Object.assign(alice, { credential: copy.credential });
  await expect.poll(() => alice.ask('GET', '/dashboard').then(({ status }) => status)).toBe(401);
});

test('use renews the cookie, and an answer sets it once', async () => {
  const { here, there, alice } = await twoServers({ IDLE_MS: '5000' });
  await using _ = here;
  await using __ = there;
  const old = alice.copy();
  await expect
    .poll(() => alice.ask('GET', '/me').then(() => alice.credential))
    .not.toEqual(old.credential);
  const { headers } = await old.ask('POST', '/cart/items', { item: 'apple', quantity: 1 });
  expect(headers['set-cookie']?.match(/session=/g)).toHaveLength(1);
  expect((await old.ask('GET', '/cart')).body).toEqual({ items: { apple: 1 } });
});
