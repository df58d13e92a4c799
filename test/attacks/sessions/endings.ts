// Attacks by what is over: credentials copied before a logout, requests that overtake one another,
// sessions at the edge of their time.

import { expect } from 'vitest';
import { lifetimes } from '../../../src/core/limits.ts';
import type { Session } from '../../../src/core/session.ts';
import { newSealingKeys } from '../../../src/strategies/sealing.ts';
import type { Attack } from '../attack.ts';
import { password, sessionsMax } from '../ground.ts';
import { byToken, fast, noRecall, noRecord, noService, notOn } from './by-strategy.ts';
import { settled } from './settled.ts';

const ways: Readonly<Record<string, readonly [string, string]>> = {
  logout: ['POST', '/logout'],
  'a logout everywhere': ['POST', '/logout-everywhere'],
};
const replays: readonly Attack[] = [
  ...Object.entries(ways).map(
    ([what, [method, path]]): Attack => ({
      name: `a copy of the credential after ${what}, on each replica`,
      family: 'replay after logout',
      notOn: noRecall,
      expect: '401 not-authenticated',
      send: async (ground) => {
        const me = await ground.newcomer();
        const { credential: headers } = me;
        await ground.everywhere('GET', '/me', { headers });
        expect((await me.ask(method, path)).status).toBe(204);
        const reads = await settled(ground, headers);
        const writes = await Promise.all([
          ground.ask('POST', '/step-up', { headers, body: { password } }),
          ground.ask('POST', '/cart/items', { headers, body: { item: 'a', quantity: 1 } }),
        ]);
        return [...reads, ...writes];
      },
    }),
  ),
  {
    name: 'a copy of the credential after its owner ended it from another device',
    family: 'replay after logout',
    notOn: { ...noRecall, ...noRecord },
    expect: '401 not-authenticated',
    send: async (ground) => {
      const stolen = await ground.newcomer();
      const owner = ground.client();
      await owner.logIn(stolen.username);
      const { sessions } = (await owner.ask('GET', '/sessions')).body;
      const other = sessions.find(({ current }: { current: boolean }) => !current);
      expect((await owner.ask('DELETE', `/sessions/${other.handle}`)).status).toBe(204);
      return settled(ground, stolen.credential);
    },
  },
  {
    name: 'a copy of the credential after a change of password',
    family: 'replay after logout',
    notOn: noRecall,
    expect: '401 not-authenticated',
    send: async (ground) => {
      const stolen = await ground.newcomer();
      const owner = ground.client();
      await owner.logIn(stolen.username);
      const change = { password, newPassword: 'another-4711-password' };
      expect((await owner.ask('POST', '/password', change)).status).toBe(200);
      return settled(ground, stolen.credential);
    },
  },
  {
    name: 'a refresh token after logout, on each replica',
    family: 'replay after logout',
    notOn: notOn((name) => !byToken(name), 'it issues none'),
    expect: '401 not-authenticated',
    send: async (ground) => {
      const me = await ground.newcomer();
      const { refreshToken, credential: headers } = me;
      expect((await me.ask('POST', '/logout')).status).toBe(204);
      const alone = await ground.everywhere('POST', '/refresh', { body: { refreshToken } });
      const along = ground.everywhere('POST', '/refresh', { headers, body: { refreshToken } });
      return [...alone, ...(await along)];
    },
  },
  {
    name: 'a copy of a sealed cookie after it has expired',
    family: 'replay after logout',
    notOn: notOn((name) => name !== 'sealed-cookie', 'it is ended on the server: see above'),
    expect: '401 not-authenticated',
    event: 'credential-refused expired',
    send: async (ground) => {
      const now = Date.now();
      const clocks = { createdAt: now - 60_000, lastSeenAt: now - 60_000 };
      const headers = await ground.worn({ ...clocks, idleExpiresAt: now - 1 });
      return ground.everywhere('GET', '/me', { headers });
    },
  },
];

const inFlight: readonly Attack[] = [
  {
    name: 'thirty requests that write while the session is ended',
    family: 'logout in flight',
    notOn: noRecall,
    expect: '401 not-authenticated',
    send: async (ground) => {
      const me = await ground.newcomer();
      const { credential: headers } = me;
      const write = () =>
        ground.ask('POST', '/cart/items', { headers, body: { item: 'late', quantity: 1 } });
      const writing = Array.from({ length: 15 }, write);
      const ending = me.ask('POST', '/logout');
      writing.push(...Array.from({ length: 15 }, write));
      expect((await ending).status).toBe(204);
      const ended = await settled(ground, headers);
      const late = await Promise.all(writing);
      for (const { status } of late) expect([200, 401]).toContain(status);
      return [...ended, ...(await ground.everywhere('GET', '/cart', { headers }))];
    },
  },
  {
    name: 'ten refreshes while the session is ended',
    family: 'logout against refresh',
    notOn: noRecall,
    expect: '401 not-authenticated',
    send: async (ground) => {
      const me = await ground.newcomer();
      const copies = Array.from({ length: 10 }, () => me.copy());
      const refresh = (copy: typeof me | (typeof copies)[number]) =>
        copy.ask('POST', '/refresh', copy.refreshToken && { refreshToken: copy.refreshToken });
      const refreshing = copies.slice(0, 5).map(refresh);
      const ending = me.ask('POST', '/logout');
      refreshing.push(...copies.slice(5).map(refresh));
      await Promise.all(refreshing);
      expect((await ending).status).toBe(204);
      const all = [];
      for (const copy of copies) {
        all.push(...(await settled(ground, copy.credential)));
        const again = { refreshToken: copy.refreshToken };
        if (copy.refreshToken !== undefined) {
          all.push(await ground.ask('POST', '/refresh', { body: again }));
        }
      }
      return all;
    },
  },
];

const byOthers: readonly Attack[] = [
  {
    name: 'a session of another service that has the same keys',
    family: 'audience and issuer',
    notOn: { session: noService },
    expect: '401 not-authenticated',
    event: 'credential-refused wrong-claims',
    send: async (ground) =>
      ground.everywhere('GET', '/me', { headers: await ground.worn({}, { audience: 'another' }) }),
  },
  {
    name: 'a session sealed with a key that is none of ours',
    family: 'retired keys',
    notOn: notOn((name) => name !== 'sealed-cookie', 'it seals nothing'),
    expect: '401 not-authenticated',
    event: 'credential-refused bad-signature',
    send: async (ground) => {
      const headers = await ground.worn({}, { sealingKeys: newSealingKeys() });
      return ground.everywhere('GET', '/me', { headers });
    },
  },
];

const regenerated: readonly Attack[] = [
  {
    name: 'requests in parallel with a refresh lose nobody',
    family: 'regenerate',
    expect: '200',
    send: async (ground) => {
      const me = await ground.newcomer();
      const { credential: headers } = me;
      const read = () => ground.ask('GET', '/me', { headers });
      const early = Array.from({ length: 5 }, read);
      const refreshing = me.ask(
        'POST',
        '/refresh',
        me.refreshToken && { refreshToken: me.refreshToken },
      );
      const late = Array.from({ length: 5 }, read);
      expect((await refreshing).status).toBe(200);
      const after = ground.everywhere('GET', '/me', { headers: me.credential });
      return [...(await Promise.all([...early, ...late])), ...(await after)];
    },
  },
  {
    name: 'a credential from before a login again',
    family: 'regenerate',
    notOn: noRecall,
    expect: '401 not-authenticated',
    send: async (ground) => {
      const me = await ground.newcomer();
      const old = me.copy();
      expect((await me.logIn(me.username)).status).toBe(200);
      return settled(ground, old.credential);
    },
  },
  {
    name: 'a credential that was replaced twice',
    family: 'regenerate',
    notOn: { 'sealed-cookie': 'none of its cookies is the only one, as it declares' },
    expect: '401 session-ended',
    event: 'reuse-detected',
    send: async (ground) => {
      const me = await ground.newcomer();
      const old = me.copy();
      const refresh = (client: typeof old) =>
        client.ask(
          'POST',
          '/refresh',
          client.refreshToken && { refreshToken: client.refreshToken },
        );
      for (const _ of [1, 2]) expect((await refresh(me)).status).toBe(200);
      const body = old.refreshToken && { refreshToken: old.refreshToken };
      const headers = old.refreshToken ? {} : old.credential;
      const answer = await ground.ask('POST', '/refresh', { headers, ...(body && { body }) });
      expect((await refresh(me)).status).toBe(401);
      return [answer];
    },
  },
];

const second = 1_000;
const edges: readonly Attack[] = Object.entries<(now: number) => Partial<Session>>({
  'a session unused for the idle limit': (now) => ({
    createdAt: now - lifetimes.absoluteMs / 2,
    lastSeenAt: now - lifetimes.idleMs,
    idleExpiresAt: now,
    absoluteExpiresAt: now + lifetimes.absoluteMs / 2,
  }),
  'a session at its absolute limit': (now) => ({
    createdAt: now - lifetimes.absoluteMs,
    lastSeenAt: now - second,
    absoluteExpiresAt: now,
  }),
  'a session past both limits': (now) => ({
    createdAt: now - 2 * lifetimes.absoluteMs,
    lastSeenAt: now - lifetimes.absoluteMs,
    idleExpiresAt: now - lifetimes.idleMs,
    absoluteExpiresAt: now - lifetimes.absoluteMs,
  }),
}).map(([name, clocks]) => ({
  name,
  family: 'idle and absolute edges',
  expect: '401 not-authenticated',
  event: ({ strategy }) => `credential-refused ${fast(strategy) ? 'not-found' : 'expired'}`,
  send: async (ground) => {
    const headers = await ground.worn(clocks(Date.now()));
    const reads = await ground.everywhere('GET', '/me', { headers });
    const write = await ground.ask('POST', '/step-up', { headers, body: { password } });
    return [...reads, write];
  },
}));
const future: Attack = {
  name: 'a session from the future',
  family: 'idle and absolute edges',
  notOn: { session: 'its clocks are in the store, where nobody else writes' },
  expect: '401 not-authenticated',
  event: 'credential-refused wrong-claims',
  send: async (ground) => {
    const later = Date.now() + 60 * second;
    const clocks = { createdAt: later, lastSeenAt: later, idleExpiresAt: later + 60 * second };
    const headers = await ground.worn(clocks);
    return ground.everywhere('GET', '/me', { headers });
  },
};

const races: readonly Attack[] = [
  {
    name: 'twelve logins at once leave no more sessions than allowed',
    family: 'session limit races',
    notOn: noRecord,
    expect: '200',
    send: async (ground) => {
      const { username } = await ground.newcomer();
      const login = () =>
        ground.ask('POST', '/login', { body: { username, password }, from: ground.freshAddress() });
      const all = await Promise.all(Array.from({ length: 12 }, login));
      const last = ground.client();
      await last.logIn(username);
      const { sessions } = (await last.ask('GET', '/sessions')).body;
      expect(sessions).toHaveLength(sessionsMax);
      return all;
    },
  },
];

/** What is of another strategy, on the same store and with the same keys. */

export const endings: readonly Attack[] = [
  ...[...byOthers, ...replays, ...inFlight, ...regenerated, ...edges, future, ...races],
];
