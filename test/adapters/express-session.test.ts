// The store for express-session as its callers may call it, the library or the application itself:
// no save is reported that was not made, and none brings an ended session back.

import { promisify } from 'node:util';
import session, { type SessionData } from 'express-session';
import { expect, test } from 'vitest';
import { raceFree } from '../../src/adapters/express-session.ts';
import { memory } from '../../src/stores/memory.ts';

const sid = 'an-id-that-express-session-made';

async function open() {
  const RaceFreeStore = raceFree(session.Store);
  const store = new RaceFreeStore({ store: await memory.open({ timeoutMs: 1_000 }) });
  const set = promisify<string, SessionData, void>((...args) => store.set(...args));
  const get = promisify<string, SessionData | null | undefined>(store.get.bind(store));
  const destroy = promisify<string, void>((...args) => store.destroy(...args));
  const data = Object.assign({ cookie: new session.Cookie() }, { username: 'alice', visits: 1 });
  const visits = async () => (await get(sid))?.visits;
  return { set, get, destroy, data, visits };
}

test('what was loaded without a request can be saved', async () => {
  const { set, get, data, visits } = await open();
  await set(sid, data);
  const loaded = await get(sid);
  await set(sid, Object.assign(loaded ?? data, { visits: 2 }));
  expect(await visits()).toBe(2);
});

test('a save that overtakes the first one is no less a save', async () => {
  const { set, data, visits } = await open();
  const first = set(sid, data);
  await Promise.all([first, set(sid, Object.assign(data, { visits: 2 }))]);
  expect(await visits()).toBe(2);
});

test('a copy is saved over the session that there is, and never over one that has ended', async () => {
  const { set, get, destroy, data, visits } = await open();
  await set(sid, data);
  await set(sid, { ...data, visits: 2 });
  expect(await visits()).toBe(2);
  const loaded = await get(sid);
  await destroy(sid);
  for (const late of [data, { ...data, visits: 3 }, loaded ?? data]) await set(sid, late);
  expect(await get(sid)).toBe(null);
});
