// Strategies on two servers whose caches are told nothing: what a cache does not know yet may let
// somebody stay for a moment, but may refuse nobody and end nothing.

import { beforeEach, describe, expect, test } from 'vitest';
import { Credential } from '../../src/core/credential.ts';
import { memory as memoryLog } from '../../src/revocations/memory.ts';
import type { RevocationLog } from '../../src/revocations/revocation-log.ts';
import { CachedSessions } from '../../src/stores/cached-sessions.ts';
import { memory } from '../../src/stores/memory.ts';
import type { SessionStore } from '../../src/stores/store.ts';
import { session } from '../../src/strategies/session.ts';
import type { Recogniser } from '../../src/strategies/strategy.ts';
import { HandFeed } from '../stores/hand-feed.ts';
import {
  Client,
  HandClock,
  lifetimes,
  newUser,
  recognised,
  refresh,
  startOn,
  watched,
} from './strategy.contract.ts';

const subjects = { session: false, 'session with a log': true };

describe.each(Object.entries(subjects))('%s', (_, isLogged) => {
  let clock: HandClock;
  let store: SessionStore;
  let calls: string[];
  let log: RevocationLog;
  let here: Recogniser;
  let there: Recogniser;
  let client: Client;

  /** Both servers know the session as it is before the test. */
  beforeEach(async () => {
    clock = new HandClock();
    ({ store, calls } = watched(await memory.open({ timeoutMs: 1_000 })));
    log = await memoryLog.open({ timeoutMs: 1_000, stalenessMs: 1_000 });
    const start = () => {
      const cache = new CachedSessions(store, new HandFeed());
      return startOn(session, cache, clock, {}, isLogged ? { revocations: log } : {});
    };
    [here, there] = [await start(), await start()];
    client = new Client().take(await here.begin(newUser(), {}));
    for (const server of [here, there]) await recognised(server, client);
  });

  async function renewed(server: Recogniser, one: Client): Promise<Client> {
    const refreshed = await refresh(server, one);
    if (refreshed.outcome !== 'ok') throw new Error(refreshed.outcome);
    return one.copy().take(refreshed.issue);
  }

  test('a credential that another server has just issued is recognised', async () => {
    const next = await renewed(there, client);
    expect((await here.recognise(next.headers)).kind).toBe('recognised');
    calls.length = 0;
    expect((await here.recognise(next.headers)).kind).toBe('recognised');
    expect(calls).toEqual([]);
  });

  test('a credential that another server has just issued is renewed, and ends nothing', async () => {
    const own = await recognised(here, client);
    const last = await renewed(here, await renewed(there, client));
    expect(log.standing(own)).toBe('stands');
    for (const server of [here, there]) expect(await recognised(server, last)).toBeDefined();
  });

  test('whether a session stands is asked of the cache, however often', async () => {
    const own = await recognised(here, client);
    calls.length = 0;
    for (let n = 0; n < 10; n += 1) expect(await here.stands(own)).toBe(true);
    expect(calls).toEqual([]);
    await here.leave(client.headers);
    expect(await here.stands(own)).toBe(false);
  });

  test('a secret that nobody issued is refused, for one question to the store', async () => {
    const made = Credential.reissue(client.credential.id).reveal();
    calls.length = 0;
    const nobody = { kind: 'anonymous', reason: 'wrong-secret' };
    expect(await here.recognise({ cookie: `session=${made}` })).toEqual(nobody);
    expect(calls).toEqual(['read']);
  });

  test('an old credential ends the session, though a cache holds it to be the current one', async () => {
    const own = await recognised(here, client);
    const last = await renewed(there, await renewed(there, client));
    clock.pass(lifetimes.rotationGraceMs);
    expect((await refresh(here, client)).outcome).toBe('reuse');
    expect((await here.recognise(last.headers)).kind).toBe('anonymous');
    expect(await store.read(last.credential.id, clock.now())).toBeUndefined();
    expect(log.standing(own)).toBe(isLogged ? 'ended' : 'stands');
  });
});
