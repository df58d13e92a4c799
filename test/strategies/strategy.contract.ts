// What every strategy keeps, whatever store it is given. A client here does what clients do: it
// keeps what it is handed and presents it. Time is held by hand. What a strategy declares not to
// hold (a self-contained credential cannot be called back) is tested as declared.

import { randomUUID } from 'node:crypto';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { assurance } from '../../src/core/assurance.ts';
import { Credential } from '../../src/core/credential.ts';
import { OperatingError } from '../../src/core/errors.ts';
import type { Lifetimes } from '../../src/core/limits.ts';
import type { Fields, Session } from '../../src/core/session.ts';
import { given } from '../../src/keys/given.ts';
import { newTokenKey } from '../../src/keys/token-key.ts';
import { memory as memoryLog } from '../../src/revocations/memory.ts';
import type { SessionStore } from '../../src/stores/store.ts';
import { newSealingKeys } from '../../src/strategies/sealing.ts';
import type {
  Issue,
  Recogniser,
  Refreshed,
  Strategy,
  StrategyOptions,
} from '../../src/strategies/strategy.ts';

export const lifetimes: Lifetimes = {
  idleMs: 60_000,
  absoluteMs: 300_000,
  accessTokenMs: 20_000,
  rotationGraceMs: 10_000,
  freshMs: 60_000,
};

export const tokenKey = await newTokenKey();
export const sealingKeys = newSealingKeys();

/** A ring of keys that are given, as TOKEN_KEY is. */
export function ringOf(key?: string) {
  const lifetime = { rotationMs: 86_400_000, tokenMs: lifetimes.accessTokenMs };
  return given.open({
    ...(key !== undefined && { given: key }),
    ...{ algorithm: 'EdDSA', ...lifetime, timeoutMs: 1_000 },
  });
}

const keys = await ringOf(tokenKey);

/** One log for all servers of a test. */
const revocations = await memoryLog.open({ timeoutMs: 1_000, stalenessMs: 1_000 });

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

  get text(): string {
    return this.refreshToken ?? this.headers.cookie?.split('=')[1] ?? '';
  }

  /** The credential that can be rotated. */
  get credential(): Credential {
    const purpose = this.refreshToken === undefined ? 'session' : 'refresh';
    const credential = Credential.parse(this.text, purpose);
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
  more: Partial<StrategyOptions> = {},
) {
  const own = { lifetimes: { ...lifetimes, ...others }, audience: 'test', secureCookies: false };
  const log = strategy.needs?.includes('revocations') ? { revocations } : {};
  return strategy.start({ store, clock, keys, sealingKeys, ...log, ...own, ...more });
}

/** Is anything of a session kept on the server? If not, none is counted, listed or ended there. */
export function keepsRecords(strategy: Strategy): boolean {
  return !strategy.needs?.includes('sealingKeys');
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
  const isRecorded = keepsRecords(strategy);
  /** Is a credential refused from its end on, or accepted until it expires? */
  const canCallBack = strategy.claims.revocation?.holds === true;
  /** How long a self-contained credential is accepted after it was made. */
  const acceptedMs = isRecorded ? lifetimes.accessTokenMs : lifetimes.idleMs;
  describe(`${strategyName} on ${storeName}`, () => {
    let store: SessionStore;
    beforeAll(async () => {
      store = await openStore();
    });
    afterAll(async () => {
      await store[Symbol.asyncDispose]();
    });

    async function begun(user = newUser(), more: Partial<StrategyOptions> = {}) {
      const clock = new HandClock();
      const recogniser = await startOn(strategy, store, clock, {}, more);
      const client = new Client().take(await recogniser.begin(user, {}));
      return { clock, recogniser, client, user };
    }

    /** Refused at once; or, as declared, from the expiry of the credential on. Never renewed. */
    async function expectEnded(recogniser: Recogniser, clock: HandClock, client: Client) {
      if (isRecorded)
        expect(await refresh(recogniser, client)).toMatchObject({ outcome: 'refused' });
      expect(await isKnown(recogniser, client)).toBe(!canCallBack);
      clock.pass(acceptedMs - 1);
      expect(await isKnown(recogniser, client)).toBe(!canCallBack);
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

    test('nobody is recognised by a credential that was never issued [ASVS 7.2.1]', async () => {
      const { client, recogniser, user } = await begun();
      const forged = new Client();
      const invented = Credential.issue(user.id).reveal();
      forged.headers = { cookie: `session=${invented}`, authorization: `Bearer ${invented}` };
      forged.refreshToken = invented;
      expect(await isKnown(recogniser, forged)).toBe(false);
      expect(await refresh(recogniser, forged)).toMatchObject({ outcome: 'refused' });
      expect(await isKnown(recogniser, client)).toBe(true);
    });

    test('a logged-out session is not renewed, and is refused as soon as declared [ASVS 7.4.1]', async () => {
      const { clock, recogniser, client } = await begun();
      await recogniser.leave(client.headers);
      await expectEnded(recogniser, clock, client);
    });

    test('a session stands until it ends, and to ask is no use of it', async () => {
      const { clock, recogniser, client } = await begun();
      const own = await recognised(recogniser, client);
      clock.pass(lifetimes.idleMs - 1);
      expect(await recogniser.stands(own)).toBe(true);
      clock.pass(1);
      expect(await recogniser.stands(own)).toBe(false);
      const other = await begun();
      const ended = await recognised(other.recogniser, other.client);
      await other.recogniser.leave(other.client.headers);
      expect(await other.recogniser.stands(ended)).toBe(false);
    });

    test('a session in use stands beyond its idle limit, and not beyond its end', async () => {
      const { clock, recogniser, client } = await begun();
      let own = await recognised(recogniser, client);
      for (let used = 0; used < 3; used += 1) {
        clock.pass(lifetimes.idleMs - 1);
        own = (await recogniser.use(own)) ?? expect.fail('it has ended');
      }
      clock.pass(lifetimes.idleMs - 1);
      expect(await recogniser.stands(own)).toBe(true);
      clock.pass(lifetimes.idleMs);
      expect(await recogniser.use(own)).toBeUndefined();
      expect(await recogniser.stands(own)).toBe(false);
      const old = await begun();
      let last = await recognised(old.recogniser, old.client);
      for (let passed = 0; passed < lifetimes.absoluteMs; passed += lifetimes.idleMs / 2) {
        old.clock.pass(lifetimes.idleMs / 2);
        last = (await old.recogniser.use(last)) ?? last;
      }
      expect(await old.recogniser.stands(last)).toBe(false);
    });

    test('leaving ends what the request proves, also what it opens no more [ASVS 7.4.1]', async () => {
      const { clock, recogniser, client } = await begun();
      const { handle } = await recognised(recogniser, client);
      const newer = await startOn(
        strategy,
        store,
        clock,
        {},
        { schema: { version: 1, upcasters: {} } },
      );
      expect(await newer.recognise(client.headers)).toMatchObject({ reason: 'unknown-version' });
      const copy = client.copy();
      if (strategy.selfContained) clock.pass(acceptedMs);
      const left = await newer.leave(client.headers);
      expect(left.ended.map((each) => each.handle)).toEqual([handle]);
      expect(left).toMatchObject(newer.forget());
      expect((await refresh(recogniser, copy)).outcome).toBe('refused');
      expect((await newer.leave(client.headers)).ended).toEqual([]);
      expect((await newer.leave({})).ended).toEqual([]);
    });

    /** A login whose credential was replaced twice since, and the first one. */
    async function renewedTwice() {
      const { clock, recogniser, client } = await begun();
      const old = client.copy();
      for (const _ of ['once', 'twice']) {
        clock.pass(1);
        const renewed = await refresh(recogniser, client);
        if (renewed.outcome === 'ok') client.take(renewed.issue);
      }
      clock.pass(isRecorded && strategy.selfContained ? acceptedMs : lifetimes.rotationGraceMs);
      return { recogniser, client, old };
    }

    test('leaving with a credential that was replaced, however often, ends the session of its successors', async () => {
      const { recogniser, client, old } = await renewedTwice();
      expect((await recogniser.leave(old.headers)).ended).toHaveLength(1);
      expect((await refresh(recogniser, client)).outcome).toBe('refused');
    });

    test('a login ends what leaving would: also what its request opens no more [ASVS 7.2.4]', async () => {
      const { recogniser, client, old } = await renewedTwice();
      await recogniser.begin(newUser(), old.headers);
      expect((await refresh(recogniser, client)).outcome).toBe('refused');
    });

    test('leaving with a secret of nobody’s ends what a refresh with it would', async () => {
      const { recogniser, client } = await begun();
      const { id } = await recognised(recogniser, client);
      const guessed = Credential.reissue(id).reveal();
      const forged = { cookie: `session=${guessed}`, authorization: `Bearer ${guessed}` };
      expect((await recogniser.leave(forged)).ended).toHaveLength(strategy.selfContained ? 0 : 1);
      expect(await isKnown(recogniser, client)).toBe(strategy.selfContained);
    });

    test('leaving by a cookie and by the field for tools ends both, and of too many cookies none', async () => {
      const { recogniser, client, user } = await begun();
      const second = new Client().take(await recogniser.begin(user, {}));
      const { cookie } = client.headers;
      if (!cookie) return;
      const many = [1, 2, 3, 4].map((n) => `session=${n}${second.text.slice(1)}`);
      const tooMany = { cookie: [...many, cookie].join('; ') };
      for (const ending of [recogniser.leave(tooMany), recogniser.begin(user, tooMany)]) {
        await expect(ending).rejects.toMatchObject({ code: 'invalid-request' });
      }
      expect(await isKnown(recogniser, client)).toBe(true);
      await recogniser.leave({ cookie, 'x-session-id': second.text });
      for (const one of [client, second]) expect(await isKnown(recogniser, one)).toBe(false);
    });

    test('leaving with the cookies of two logins ends both, and so does a login', async () => {
      for (const way of ['leave', 'login']) {
        const { clock, recogniser, client, user } = await begun();
        const second = new Client().take(await recogniser.begin(user, {}));
        if (!client.headers.cookie) return;
        const cookie = `${client.headers.cookie}; ${second.headers.cookie}`;
        if (way === 'login') await recogniser.begin(user, { cookie });
        else expect((await recogniser.leave({ cookie })).ended).toHaveLength(2);
        for (const one of [client, second]) expect(await isKnown(recogniser, one)).toBe(false);
        await expectEnded(recogniser, clock, client);
      }
    });

    test('a credential from before a login never gains the login [ASVS 7.2.4]', async () => {
      const { clock, recogniser, client } = await begun(newUser('mallory'));
      const victim = newUser('victim');
      const after = new Client().take(await recogniser.begin(victim, client.headers));
      const before = await recogniser.recognise(client.headers);
      const { id, userId } = await recognised(recogniser, after);
      expect(userId).toBe(victim.id);
      if (before.kind === 'recognised') {
        expect(before.session.userName).toBe('mallory');
        expect(before.session.id).not.toBe(id);
      }
      await expectEnded(recogniser, clock, client);
    });

    test('a login never adopts an id that the client chose [ASVS 7.2.4]', async () => {
      const recogniser = await startOn(strategy, store);
      const chosen = Credential.issue('nobody').reveal();
      const headers = { cookie: `session=${chosen}`, authorization: `Bearer ${chosen}` };
      const client = new Client().take(await recogniser.begin(newUser(), headers));
      expect(chosen).not.toContain((await recognised(recogniser, client)).id);
    });

    test('a session that is used lasts to the absolute limit and not a millisecond more [ASVS 7.3.2]', async () => {
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

    test('a session that is not used ends at the idle limit [ASVS 7.3.1]', async () => {
      const { clock, recogniser, client } = await begun();
      const unrenewed = client.copy();
      clock.pass(lifetimes.idleMs - 1);
      const refreshed = await refresh(recogniser, client);
      if (refreshed.outcome !== 'ok') throw new Error(`refresh: ${refreshed.outcome}`);
      client.take(refreshed.issue);
      // A token is brief, and takes a refresh that notes its use; the others note it themselves.
      if (strategy.selfContained && isRecorded) {
        expect(await isKnown(recogniser, unrenewed)).toBe(false);
      }
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
      await recogniser.leave(client.headers);
      if (!canCallBack) clock.pass(acceptedMs);
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

    test('a step-up makes the session fresh, and no credential from before it [ASVS 7.2.4] [ASVS 7.5.3]', async () => {
      const { clock, recogniser, client } = await begun();
      const before = client.copy();
      clock.pass(5_000);
      const steppedUp = await recogniser.stepUp(
        await recognised(recogniser, client),
        client.headers,
      );
      if (steppedUp.outcome !== 'ok') throw new Error(steppedUp.outcome);
      const provenAt = clock.now();
      client.take(steppedUp.issue);
      expect((await recognised(recogniser, client)).authenticatedAt).toBe(provenAt);
      const renewed = await refresh(recogniser, before);
      if (renewed.outcome === 'ok') before.take(renewed.issue);
      expect((await recognised(recogniser, before)).authenticatedAt).toBe(provenAt - 5_000);
      clock.pass(1);
      if (client.text === before.text) client.take((renewed as typeof steppedUp).issue);
      const kept = await refresh(recogniser, client);
      if (kept.outcome !== 'ok') throw new Error(kept.outcome);
      const fresh = await recognised(recogniser, client.take(kept.issue));
      expect(fresh.authenticatedAt).toBe(provenAt);
    });

    test('a form is bound to the credential that a browser sends by itself [ASVS 3.5.1]', async () => {
      const { clock, recogniser, client } = await begun();
      const other = new Client().take(await recogniser.begin(newUser('bob'), {}));
      const [mine, his] = [client, other].map(({ headers }) => recogniser.csrfToken(headers));
      expect(recogniser.csrfToken({})).toBeUndefined();
      expect(recogniser.csrfToken({ 'x-session-id': client.text })).toBeUndefined();
      expect(mine === undefined).toBe(client.headers.cookie === undefined);
      if (mine === undefined || his === undefined) return;
      const matches = (one: Client, token: string) => recogniser.csrfMatches(one.headers, token);
      expect(await Promise.all([matches(client, mine), matches(other, his)])).toEqual([true, true]);
      const forged = [his, '', mine.slice(1), client.text, recogniser.csrfToken({}) ?? ''];
      for (const each of forged) expect(await matches(client, each)).toBe(false);
      clock.pass(1);
      const renewed = await refresh(recogniser, client);
      if (renewed.outcome === 'ok') client.take(renewed.issue);
      expect(recogniser.csrfToken(client.headers)).not.toBe(mine);
      expect(await matches(client, mine)).toBe(isRecorded);
      clock.pass(lifetimes.rotationGraceMs);
      expect(await matches(client, mine)).toBe(false);
    });

    test('data of an older version are brought up, by servers of both versions at once', async () => {
      const { clock, recogniser, client } = await begun();
      const old = [{ op: 'set', field: 'colour', value: 'red' }] as const;
      const done = await recogniser.change(await recognised(recogniser, client), old);
      if (done.outcome === 'ok') client.take(done.issue);
      const upcasters = { 0: ({ colour = null }: Fields) => ({ theme: colour, count: 1 }) };
      const schema = { version: 1, upcasters };
      const newer = await startOn(strategy, store, clock, {}, { schema });
      const session = await recognised(newer, client);
      expect({ ...session.fields }).toEqual({ theme: 'red', count: 1 });
      expect({ ...(await recognised(recogniser, client)).fields }).toEqual({ colour: 'red' });
      const add = [{ op: 'increment', field: 'count', by: 1 }] as const;
      const all = await Promise.all([1, 2, 3].map(() => newer.change(session, add)));
      for (const each of all) if (each.outcome === 'ok') client.take(each.issue);
      const after = { theme: 'red', count: strategy.selfContained ? 2 : 4 };
      expect({ ...(await recognised(newer, client)).fields }).toEqual(after);
      const nobody = { kind: 'anonymous', reason: 'unknown-version' };
      expect(await recogniser.recognise(client.headers)).toEqual(nobody);
    });

    test('data that no upcaster leads on from are nobody’s session, which is no failure', async () => {
      const { clock, client } = await begun();
      const fails = () => {
        throw new TypeError('what the fields held was not foreseen');
      };
      for (const upcasters of [{}, { 0: fails }]) {
        const more = { schema: { version: 1, upcasters } };
        const newer = await startOn(strategy, store, clock, {}, more);
        const nobody = { kind: 'anonymous', reason: 'unknown-version' };
        expect(await newer.recognise(client.headers)).toEqual(nobody);
      }
    });

    test('a change that depends on what it finds is made on what there is', async () => {
      const { recogniser, client } = await begun();
      const session = await recognised(recogniser, client);
      const take = ({ left = 3 }: Fields) =>
        [{ op: 'set', field: 'left', value: Number(left) - 1 }] as const;
      const first = await recogniser.change(session, take);
      if (first.outcome === 'ok') client.take(first.issue);
      const again = strategy.selfContained ? await recognised(recogniser, client) : session;
      const second = await recogniser.change(again, take);
      expect(second.outcome === 'ok' && { ...second.fields }).toEqual({ left: 1 });
    });

    test.each(Object.entries(assurance))(
      'sessions under the policy %s last as long as it says [ASVS 7.1.1] [ASVS 7.3.1] [ASVS 7.3.2]',
      async (_, policy) => {
        const clock = new HandClock();
        const { idleMs, absoluteMs } = policy;
        const own = { idleMs, absoluteMs, accessTokenMs: idleMs };
        const recogniser = await startOn(strategy, store, clock, own);
        const begin = async () => new Client().take(await recogniser.begin(newUser(), {}));
        const idle = await begin();
        clock.pass(idleMs - 1);
        expect(await isKnown(recogniser, idle.copy())).toBe(true);
        const used = await begin();
        const end = clock.now() + absoluteMs;
        while (clock.now() + idleMs < end) {
          clock.pass(idleMs - 1);
          const renewed = await refresh(recogniser, used);
          if (renewed.outcome !== 'ok') throw new Error(renewed.outcome);
          used.take(renewed.issue);
        }
        clock.pass(end - clock.now() - 1);
        expect(await isKnown(recogniser, used)).toBe(true);
        clock.pass(1);
        for (const one of [idle, used]) expect(await isKnown(recogniser, one)).toBe(false);
      },
    );

    test('no renewal moves the absolute limit: only a login of the user does [ASVS 7.1.3] [ASVS 7.6.1]', async () => {
      const { clock, recogniser, client } = await begun();
      const { absoluteExpiresAt, createdAt } = await recognised(recogniser, client);
      expect(absoluteExpiresAt).toBe(createdAt + lifetimes.absoluteMs);
      for (const renew of ['refresh', 'step-up', 'change'] as const) {
        clock.pass(lifetimes.accessTokenMs - 1);
        const own = await recognised(recogniser, client);
        const renewed = await {
          refresh: () => refresh(recogniser, client),
          'step-up': () => recogniser.stepUp(own, client.headers),
          change: () => recogniser.change(own, [{ op: 'set', field: 'a', value: 1 }]),
        }[renew]();
        if (renewed.outcome !== 'ok') throw new Error(`${renew}: ${renewed.outcome}`);
        const after = await recognised(recogniser, client.take(renewed.issue));
        expect(after).toMatchObject({ absoluteExpiresAt, createdAt });
      }
    });

    test('nothing but a login begins a session [ASVS 7.6.2]', async () => {
      const seen = watched(store);
      const recogniser = await startOn(strategy, seen.store);
      const invented = Credential.issue('nobody').reveal();
      const headers = { cookie: `session=${invented}`, authorization: `Bearer ${invented}` };
      for (const each of [{}, headers, { 'x-session-id': invented }]) {
        expect((await recogniser.recognise(each)).kind).toBe('anonymous');
        expect(await recogniser.refresh(each, invented)).toMatchObject({ outcome: 'refused' });
        expect(await recogniser.csrfMatches(each, invented)).toBe(false);
      }
      expect(seen.calls).not.toContain('create');
    });

    // What follows takes a record on the server: without one nothing is counted, listed or ended.
    if (!isRecorded) return;

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

    test('users list and end their own logins, and nobody else’s [ASVS 7.5.2]', async () => {
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
      expect(await isKnown(recogniser, client)).toBe(!canCallBack);
      expect(await refresh(recogniser, client)).toMatchObject({ outcome: 'refused' });
    });

    test('a step-up of a session that has ended is refused [ASVS 7.4.1]', async () => {
      const { recogniser, client } = await begun();
      const session = await recognised(recogniser, client);
      await recogniser.leave(client.headers);
      expect(await recogniser.stepUp(session, client.headers)).toMatchObject({
        outcome: 'refused',
      });
    });

    test('users end their other sessions and keep their own [ASVS 7.4.3]', async () => {
      const { clock, recogniser, client, user } = await begun();
      const second = new Client().take(await recogniser.begin(user, {}));
      const bob = new Client().take(await recogniser.begin(newUser('bob'), {}));
      const own = await recognised(recogniser, client);
      expect(await recogniser.endOthers(own, 'password-changed')).toBe(1);
      expect((await recogniser.list(own)).map(({ handle }) => handle)).toEqual([own.handle]);
      for (const one of [client, bob]) expect((await refresh(recogniser, one)).outcome).toBe('ok');
      await expectEnded(recogniser, clock, second);
    });

    test('all sessions of a user end by the user’s id alone [ASVS 7.4.2] [ASVS 7.4.5]', async () => {
      const { clock, recogniser, client, user } = await begun();
      const second = new Client().take(await recogniser.begin(user, {}));
      const bob = new Client().take(await recogniser.begin(newUser('bob'), {}));
      const { handle } = await recognised(recogniser, second);
      expect(await recogniser.endOne({ userId: user.id }, handle, 'ended-by-admin')).toBe(true);
      expect(await recogniser.endUser(user.id, 'account-disabled')).toBe(1);
      expect(await recogniser.list({ userId: user.id })).toEqual([]);
      expect((await refresh(recogniser, bob)).outcome).toBe('ok');
      for (const one of [client, second]) {
        expect((await refresh(recogniser, one)).outcome).toBe('refused');
      }
      await expectEnded(recogniser, clock, client);
    });

    test('a user has as many sessions as the policy allows [ASVS 7.1.2]', async () => {
      for (const atLimit of ['refuse', 'end-oldest'] as const) {
        const user = newUser();
        const sessionLimit = { sessionsMax: 3, atLimit };
        const { clock, recogniser, client } = await begun(user, { sessionLimit });
        clock.pass(1);
        const logins = Array.from({ length: 8 }, () => recogniser.begin(user, {}));
        const outcomes = await Promise.allSettled(logins);
        const refused = outcomes.flatMap((each) =>
          each.status === 'rejected' ? [each.reason] : [],
        );
        expect(await recogniser.list({ userId: user.id })).toHaveLength(3);
        expect(refused).toHaveLength(atLimit === 'refuse' ? 6 : 0);
        for (const error of refused) expect(error).toMatchObject({ code: 'too-many-sessions' });
        const first = await refresh(recogniser, client);
        expect(first.outcome).toBe(atLimit === 'refuse' ? 'ok' : 'refused');
      }
    });
  });
}
