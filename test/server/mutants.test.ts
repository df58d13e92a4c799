// Each planted fault is real: started as a process, it does the wrong thing that it was made for,
// where the program itself does the right one. Otherwise a checker that finds it proves nothing.

import { describe, expect, test } from 'vitest';
import { openBacking } from '../../src/backing/backing.ts';
import type { Environment } from '../../src/server/config.ts';
import {
  answers,
  type Client,
  clientAt,
  environment,
  password,
  type Replica,
  startReplica,
} from './ground.ts';

const onMemory = answers[1];
const add = { item: 'apple', quantity: 1 };

async function loggedIn(replica: Replica, username = 'alice'): Promise<Client> {
  const client = clientAt(replica.url);
  await client.ask('POST', '/register', { username, password });
  expect((await client.logIn(username)).status).toBe(200);
  return client;
}

/** What the fault shows itself by; false where all is well. */
const symptoms: Record<string, (replica: Replica) => Promise<boolean>> = {
  'cookie-only-logout': async (replica) => {
    const me = await loggedIn(replica);
    const copy = me.copy();
    await me.ask('POST', '/logout');
    return (await copy.ask('GET', '/dashboard')).status === 200;
  },

  'unconditional-save': async (replica) => {
    for (let round = 0; round < 20; round += 1) {
      const me = await loggedIn(replica);
      const copy = me.copy();
      const adds = Array.from({ length: 5 }, () => copy.ask('POST', '/cart/items', add));
      await copy.ask('GET', '/dashboard');
      await me.ask('POST', '/logout');
      await Promise.all(adds);
      if ((await copy.ask('GET', '/dashboard')).status === 200) return true;
    }
    return false;
  },

  'shared-current-user': async (replica) => {
    const both = [await loggedIn(replica, 'alice'), await loggedIn(replica, 'bob')];
    for (let round = 0; round < 20; round += 1) {
      const asked = Array.from({ length: 20 }, (_, index) => both[index % 2]);
      const told = await Promise.all(asked.map((client) => client?.ask('GET', '/dashboard')));
      const names = told.map((answer) => answer?.body.username);
      if (names.some((name, index) => name !== ['alice', 'bob'][index % 2])) return true;
    }
    return false;
  },

  'read-modify-write': async (replica) => {
    const me = await loggedIn(replica);
    const adds = Array.from({ length: 20 }, () => me.ask('POST', '/cart/items', add));
    const acknowledged = (await Promise.all(adds)).filter(({ status }) => status === 200).length;
    return (await me.ask('GET', '/cart')).body.items.apple < acknowledged;
  },

  'ack-before-save': async (replica) => {
    const me = await loggedIn(replica);
    expect((await me.ask('POST', '/cart/items', add)).status).toBe(200);
    return (await me.ask('GET', '/cart')).body.items.apple === undefined;
  },

  'no-absolute-limit': async (replica) => {
    const { cookie = '' } = (await loggedIn(replica)).credential;
    const tool = clientAt(replica.url);
    tool.credential = { cookie };
    const deadline = Date.now() + 1_500;
    while (Date.now() < deadline) {
      if ((await tool.ask('GET', '/dashboard')).status === 401) return false;
    }
    return true;
  },
};

describe.each(Object.entries(symptoms))('%s', (name, symptom) => {
  const settings: Environment = name === 'no-absolute-limit' ? { ABSOLUTE_MS: '1000' } : {};

  test.each([
    ['shows in the mutant', `../mutants/${name}.ts`, true],
    ['does not show in the program', '../../src/server/main.ts', false],
  ])('%s', async (_law, entry, shows) => {
    const env = { ...(await environment(onMemory)), ...settings };
    await using replica = await startReplica(entry, env);
    expect(await symptom(replica)).toBe(shows);
  });
});

test.each([
  ['../mutants/fail-open.ts', 200],
  ['../../src/server/main.ts', 503],
])('with the store silent, %s answers %i', async (entry, expected) => {
  await using backing = await openBacking();
  await using redis = await backing.startRedis();
  if (redis === undefined) throw new Error(backing.redisHint);
  const settings = { SESSION_STORE_URL: redis.url, STORE_TIMEOUT_MS: '1000' };
  const env = { ...(await environment(answers[2])), ...settings };
  await using replica = await startReplica(entry, env);
  const me = await loggedIn(replica);
  expect((await me.ask('GET', '/dashboard')).status).toBe(200);
  process.kill(redis.pid, 'SIGSTOP');
  const { status } = await me.ask('GET', '/dashboard');
  process.kill(redis.pid, 'SIGCONT');
  expect(status).toBe(expected);
});
