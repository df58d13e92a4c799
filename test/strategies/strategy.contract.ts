// What every strategy keeps, whatever store it is given. A client here does what clients do: it
// keeps what it is handed and presents it. Time is held by hand. What a strategy declares not to
// hold (a self-contained credential cannot be called back) is tested as declared.

import { randomUUID } from 'node:crypto';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Credential } from '../../src/core/credential.ts';
import { OperatingError } from '../../src/core/errors.ts';
import type { Lifetimes } from '../../src/core/limits.ts';
import type { Session } from '../../src/core/session.ts';
import { given } from '../../src/keys/given.ts';
import { newTokenKey } from '../../src/keys/token-key.ts';
import type { SessionStore } from '../../src/stores/store.ts';
import type { Issue, Recogniser, Refreshed, Strategy } from '../../src/strategies/strategy.ts';

export const lifetimes: Lifetimes = {
  idleMs: 60_000,
  absoluteMs: 300_000,
  accessTokenMs: 20_000,
  rotationGraceMs: 10_000,
  freshMs: 60_000,
};

export const tokenKey = await newTokenKey();

/** A ring of keys that are given, as TOKEN_KEY is. */
export function ringOf(key?: string) {
  const lifetime = { rotationMs: 86_400_000, tokenMs: lifetimes.accessTokenMs };
  return given.open({
    ...(key !== undefined && { given: key }),
    ...{ algorithm: 'EdDSA', ...lifetime, timeoutMs: 1_000 },
  });
}

const keys = await ringOf(tokenKey);

/** A clock that is set by hand; it starts at the real time, which stores may use to sweep. */
export class HandClock {
  #now = Date.now();
  now = () => this.#now;
  pass(timeMs: number): void {
    this.#now += timeMs;
  }
}

export class Client {
  headers: Record<string, string> = {};
  refreshToken: string | undefined;

  take(issue: Issue): this {
    for (const [name, value] of issue.headers) {
      if (name === 'set-cookie') this.headers.cookie = value.slice(0, value.indexOf(';'));
      const renewed = /^access_token="(.+)"$/.exec(value)?.[1];
      if (name === 'authentication-info') this.headers.authorization = `Bearer ${renewed}`;
    }
    const { accessToken, refreshToken } = issue.body;
    if (accessToken !== undefined) this.headers.authorization = `Bearer ${accessToken}`;
    if (refreshToken !== undefined) this.refreshToken = String(refreshToken);
    return this;
  }

  /** The credential that can be rotated. */
  get credential(): Credential {
    const text = this.refreshToken ?? this.headers.cookie?.split('=')[1] ?? '';
    const credential = Credential.parse(text);
    if (credential === undefined) throw new Error('this client holds no credential');
    return credential;
  }

  copy(): Client {
    return Object.assign(new Client(), { ...this, headers: { ...this.headers } });
  }
}

export function newUser(name = 'ann') {
  return { id: randomUUID(), name };
}

export function startOn(
  strategy: Strategy,
  store: SessionStore,
  clock = new HandClock(),
  others: Partial<Lifetimes> = {},
) {
  const own = { ...lifetimes, ...others };
  const options = {
    store,
    clock,
    lifetimes: own,
    keys,
    audience: 'test',
    secureCookies: false,
  };
  return strategy.start(options);
}

/** The store, but a session is logged out at the very moment at which it would be touched. */
export function endingBeforeTouch(store: SessionStore): SessionStore {
  const touch: SessionStore['touch'] = async (id, now, until) => {
    await store.revoke(id, 'logout', now);
    return store.touch(id, now, until);
  };
  return new Proxy(store, {
    get: (target, name) => (name === 'touch' ? touch : Reflect.get(target, name)),
  });
}

/** Every call of the store, by name. */
export function watched(store: SessionStore): { store: SessionStore; calls: string[] } {
  const calls: string[] = [];
  const watch = new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]) => {
        calls.push(String(name));
        return Reflect.apply(value, target, args);
      };
    },
  });
  return { store: watch, calls };
}

export function failing(): SessionStore {
  const fail = async () => {
    throw new OperatingError('store-unavailable');
  };
  return new Proxy({} as SessionStore, { get: () => fail });
}

export async function recognised(recogniser: Recogniser, client: Client): Promise<Session> {
  const recognition = await recogniser.recognise(client.headers);
  if (recognition.kind !== 'recognised') throw new Error(`not recognised: ${inspect(recognition)}`);
  return recognition.session;
}

async function isKnown(recogniser: Recogniser, client: Client): Promise<boolean> {
  return (await recogniser.recognise(client.headers)).kind === 'recognised';
}

export function refresh(recogniser: Recogniser, client: Client): Promise<Refreshed> {
  return recogniser.refresh(client.headers, client.refreshToken);
}

export function strategyContract(
  strategyName: string,
  strategy: Strategy,
  storeName: string,
  openStore: () => Promise<SessionStore>,
): void {
  describe(`${strategyName} on ${storeName}`, () => {
    let store: SessionStore;
    beforeAll(async () => {
      store = await openStore();
    });
    afterAll(async () => {
      await store[Symbol.asyncDispose]();
    });

    async function begun(user = newUser()) {
      const clock = new HandClock();
      const recogniser = await startOn(strategy, store, clock);
      const client = new Client().take(await recogniser.begin(user, {}));
      return { clock, recogniser, client, user };
    }

    /** Refused at once; or, as declared, from the expiry of the credential on. Never renewed. */
    async function expectEnded(recogniser: Recogniser, clock: HandClock, client: Client) {
      expect(await refresh(recogniser, client)).toEqual({ outcome: 'refused' });
      expect(await isKnown(recogniser, client)).toBe(strategy.selfContained);
      clock.pass(lifetimes.accessTokenMs - 1);
      expect(await isKnown(recogniser, client)).toBe(strategy.selfContained);
      clock.pass(1);
      expect(await isKnown(recogniser, client)).toBe(false);
    }

    test('every server with the same store and key recognises what another began', async () => {
      const { clock, client, user } = await begun();
      const other = await startOn(strategy, store, clock);
      const session = await recognised(other, client);
      expect([session.userId, session.userName]).toEqual([user.id, user.name]);
      expect(Object.keys(session)).not.toContain('secretHash');
    });

    test('a user is never recognised as another', async () => {
      const recogniser = await startOn(strategy, store);
      const users = Array.from({ length: 20 }, (_, number) => newUser(`user${number}`));
      const issues = await Promise.all(users.map((user) => recogniser.begin(user, {})));
      const sessions = issues.map((issue) => recognised(recogniser, new Client().take(issue)));
      expect((await Promise.all(sessions)).map(({ userId }) => userId)).toEqual(
        users.map(({ id }) => id),
      );
    });

    test('nobody is recognised by a credential that was never issued', async () => {
      const { client, recogniser, user } = await begun();
      const forged = new Client();
      const invented = Credential.issue(user.id).reveal();
      forged.headers = { cookie: `session=${invented}`, authorization: `Bearer ${invented}` };
      forged.refreshToken = invented;
      expect(await isKnown(recogniser, forged)).toBe(false);
      expect(await refresh(recogniser, forged)).toEqual({ outcome: 'refused' });
      expect(await isKnown(recogniser, client)).toBe(true);
    });

    test('a logged-out session is not renewed, and is refused as soon as declared', async () => {
      const { clock, recogniser, client } = await begun();
      await recogniser.end(await recognised(recogniser, client));
      await expectEnded(recogniser, clock, client);
    });

    test('logging out everywhere ends all sessions of the user and of nobody else', async () => {
      const { clock, recogniser, client, user } = await begun();
      const second = new Client().take(await recogniser.begin(user, {}));
      const other = new Client().take(await recogniser.begin(newUser('bob'), {}));
      await recogniser.endAll(await recognised(recogniser, client));
      await expectEnded(recogniser, clock, client);
      expect(await isKnown(recogniser, second)).toBe(false);
      expect((await refresh(recogniser, second)).outcome).toBe('refused');
      expect((await refresh(recogniser, other)).outcome).toBe('ok');
    });

    test('users list and end their own logins, and nobody else’s', async () => {
      const { clock, recogniser, client, user } = await begun();
      clock.pass(1);
      const second = new Client().take(await recogniser.begin(user, {}));
      const bob = new Client().take(await recogniser.begin(newUser('bob'), {}));
      const [mine, hers, his] = await Promise.all(
        [client, second, bob].map((one) => recognised(recogniser, one)),
      );
      if (!mine || !hers || !his) throw new Error('three are logged in');
      const listed = await recogniser.list(mine);
      expect(listed.map(({ handle }) => handle)).toEqual([mine.handle, hers.handle]);
      expect(await recogniser.endOne(his, hers.handle)).toBe(false);
      expect(await recogniser.endOne(mine, 'never-a-handle')).toBe(false);
      expect(await recogniser.endOne(mine, hers.handle)).toBe(true);
      expect(await recogniser.list(mine)).toHaveLength(1);
      await expectEnded(recogniser, clock, second);
    });

    test('a credential from before a login never gains the login', async () => {
      const { clock, recogniser, client } = await begun(newUser('mallory'));
      const victim = newUser('victim');
      const after = new Client().take(await recogniser.begin(victim, client.headers));
      const before = await recogniser.recognise(client.headers);
      if (before.kind === 'recognised') expect(before.session.userName).toBe('mallory');
      expect((await recognised(recogniser, after)).userId).toBe(victim.id);
      expect(after.credential.id).not.toBe(client.credential.id);
      await expectEnded(recogniser, clock, client);
    });

    test('a login never adopts an id that the client chose', async () => {
      const recogniser = await startOn(strategy, store);
      const chosen = Credential.issue('nobody').reveal();
      const headers = { cookie: `session=${chosen}`, authorization: `Bearer ${chosen}` };
      const client = new Client().take(await recogniser.begin(newUser(), headers));
      expect(chosen).not.toContain(client.credential.id);
    });

    test('a session that is used lasts to the absolute limit and not a millisecond more', async () => {
      const { clock, recogniser, client } = await begun();
      const stepMs = lifetimes.accessTokenMs - 1;
      let leftMs = lifetimes.absoluteMs;
      for (; leftMs > stepMs; leftMs -= stepMs) {
        clock.pass(stepMs);
        const refreshed = await refresh(recogniser, client);
        if (refreshed.outcome !== 'ok') throw new Error(`refresh: ${refreshed.outcome}`);
        client.take(refreshed.issue);
      }
      clock.pass(leftMs - 1);
      expect(await isKnown(recogniser, client)).toBe(true);
      clock.pass(1);
      expect(await isKnown(recogniser, client)).toBe(false);
      expect((await refresh(recogniser, client)).outcome).toBe('refused');
    });

    test('a session that is not used ends at the idle limit', async () => {
      const { clock, recogniser, client } = await begun();
      const unrenewed = client.copy();
      clock.pass(lifetimes.idleMs - 1);
      const refreshed = await refresh(recogniser, client);
      if (refreshed.outcome !== 'ok') throw new Error(`refresh: ${refreshed.outcome}`);
      client.take(refreshed.issue);
      if (strategy.selfContained) expect(await isKnown(recogniser, unrenewed)).toBe(false);
      clock.pass(lifetimes.idleMs);
      expect(await isKnown(recogniser, client)).toBe(false);
      expect((await refresh(recogniser, client)).outcome).toBe('refused');
    });

    test('what was changed is seen by the next request, and survives a refresh', async () => {
      const { recogniser, client } = await begun();
      const add = { op: 'increment', field: 'cart.apple', by: 2 } as const;
      for (let times = 0; times < 3; times += 1) {
        const done = await recogniser.change(await recognised(recogniser, client), [add]);
        if (done.outcome === 'gone') throw new Error('the session is there');
        client.take(done.issue);
      }
      expect({ ...(await recognised(recogniser, client)).fields }).toEqual({ 'cart.apple': 6 });
      const refreshed = await refresh(recogniser, client);
      if (refreshed.outcome === 'ok') client.take(refreshed.issue);
      expect({ ...(await recognised(recogniser, client)).fields }).toEqual({ 'cart.apple': 6 });
    });

    test('a change after the end writes nothing and hands out nothing', async () => {
      const { clock, recogniser, client } = await begun();
      const session = await recognised(recogniser, client);
      await recogniser.end(session);
      if (strategy.selfContained) clock.pass(lifetimes.accessTokenMs);
      const change = recogniser.change(session, [{ op: 'set', field: 'a', value: 1 }]);
      expect(await change).toEqual({ outcome: 'gone' });
    });

    test('a session holds no more than the limits say', async () => {
      const { recogniser, client } = await begun();
      const session = await recognised(recogniser, client);
      const set = (field: string, value: string) => ({ op: 'set', field, value }) as const;
      const many = Array.from({ length: 65 }, (_, number) => set(`f${number}`, ''));
      const tooLarge = { code: 'session-too-large' };
      await expect(recogniser.change(session, many)).rejects.toMatchObject(tooLarge);
      const long = recogniser.change(session, [set('x'.repeat(65), '')]);
      await expect(long).rejects.toMatchObject(tooLarge);
      const large = recogniser.change(session, [set('f', 'ü'.repeat(2048))]);
      await expect(large).rejects.toMatchObject(tooLarge);
      expect((await recognised(recogniser, client)).fields).toEqual({});
    });

    test('100 refreshes at once leave one lineage and raise no alarm', async () => {
      const { clock, recogniser, client, user } = await begun();
      const refreshes = Array.from({ length: 100 }, () => refresh(recogniser, client));
      const results = await Promise.all(refreshes);
      const heirs = results.flatMap((result) =>
        result.outcome === 'ok' ? [client.copy().take(result.issue)] : [],
      );
      expect(heirs).toHaveLength(100);
      const record = await store.read(client.credential.id, clock.now());
      if (!record) throw new Error('the session is there');
      const [heir] = heirs;
      expect(heir?.credential.matches(record.secretHash)).toBe(true);
      expect(new Set(heirs.map(({ credential }) => credential.reveal())).size).toBe(1);
      expect(await store.list(user.id, clock.now())).toHaveLength(1);
      clock.pass(lifetimes.rotationGraceMs);
      expect(heir && (await refresh(recogniser, heir)).outcome).toBe('ok');
    });

    test('a replaced credential is absorbed within the grace; after it, it ends the session', async () => {
      const { clock, recogniser, client } = await begun();
      const { handle } = await recognised(recogniser, client);
      const old = client.copy();
      const first = await refresh(recogniser, client);
      clock.pass(lifetimes.rotationGraceMs - 1);
      const again = await refresh(recogniser, old);
      expect([first.outcome, again.outcome]).toEqual(['ok', 'ok']);
      if (again.outcome === 'ok') client.take(again.issue);
      clock.pass(1);
      expect(await isKnown(recogniser, old)).toBe(strategy.selfContained);
      expect(await refresh(recogniser, old)).toEqual({ outcome: 'reuse', handle });
      expect(await isKnown(recogniser, client)).toBe(strategy.selfContained);
      expect(await refresh(recogniser, client)).toEqual({ outcome: 'refused' });
    });
  });
}
