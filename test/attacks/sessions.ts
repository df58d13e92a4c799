// Attacks on sessions: by credentials that were never issued, planted, copied, worn out or broken,
// by requests that overtake one another, by other sites, and by claims to be somebody.

import { expect } from 'vitest';
import { lifetimes } from '../../src/core/limits.ts';
import type { Session } from '../../src/core/session.ts';
import * as strategies from '../../src/strategies/index.ts';
import { newSealingKeys } from '../../src/strategies/sealing.ts';
import type { Answer } from '../gateways/asking.ts';
import type { Attack, Family, StrategyName } from './attack.ts';
import { b64 } from './forge.ts';
import { cookieName, type Ground, type Headers, password, sessionsMax } from './ground.ts';
import { credentialText } from './tokens.ts';

type NotOn = NonNullable<Attack['notOn']>;
const names = Object.keys(strategies) as StrategyName[];

function notOn(wanted: (name: StrategyName) => boolean, why: string): NotOn {
  return Object.fromEntries(names.filter(wanted).map((name) => [name, why]));
}

const byToken = (name: StrategyName) => name.startsWith('token');
const noCookie = notOn(byToken, 'it reads no cookie');
const noService = 'its credential is a name in the service’s own store, and says nothing itself';
const noRecord: NotOn = { 'sealed-cookie': 'it keeps nothing on the server' };
/** What cannot be called back says so itself. */
const noRecall = notOn(
  (name) => !strategies[name].claims.revocation?.holds,
  'a copy is accepted until it expires, as the strategy declares',
);
const fast = (name: StrategyName) => name === 'session';

/** A text that nobody issued, where the strategy looks for a credential. */
function text(
  family: Family,
  name: string,
  of: (ground: Ground) => string | Promise<string>,
  reason: Partial<Record<StrategyName, string>> = {},
): Attack {
  return {
    name,
    family,
    expect: '401 not-authenticated',
    event: ({ strategy }) => `credential-refused ${reason[strategy] ?? 'malformed'}`,
    send: async (ground) => {
      const value = await of(ground);
      const before = ground.storeCalls;
      const headers = ground.present(value);
      const all = await Promise.all([
        ...['/me', '/cart', '/sessions'].map((path) => ground.ask('GET', path, { headers })),
        ground.ask('POST', '/logout-everywhere', { headers }),
      ]);
      if (reason[ground.strategy] === undefined) expect(ground.storeCalls).toBe(before);
      return all;
    },
  };
}

const chars = (char: string, count: number) => char.repeat(count);
const invented = `${chars('a', 36)}.${chars('A', 43)}`;

const malformed: readonly Attack[] = Object.entries({
  'an empty credential': '',
  'an id alone': chars('a', 36),
  'an id and an empty secret': `${chars('a', 36)}.`,
  'a secret of a character too few': invented.slice(0, -1),
  'a secret of a character too many': `${invented}A`,
  'a secret whose unused bits are set': `${invented.slice(0, -1)}B`,
  'quotes around it': `"${invented}"`,
  'percent signs in it': invented.replace('.', '%2e'),
  'a blank before it': ` ${invented}`,
  'a JSON array': `["${invented}"]`,
  'a JSON object': 'j:{"id":1}',
  'the boolean true': 'true',
  'a prototype’s name': '__proto__',
  'a path': '../../etc/passwd',
  SQL: "' OR '1'='1",
}).map(([name, value]) => text('malformed ids', name, () => value));

const neverIssued: readonly Attack[] = [
  text('malformed ids', 'two secrets', () => `${invented}.${chars('A', 43)}`, {
    token: 'bad-signature',
    'token-with-revocation': 'bad-signature',
  }),
  text('never-issued ids', 'a credential in the right form', () => invented, {
    session: 'not-found',
  }),
  text(
    'never-issued ids',
    'the right id with another secret',
    async (ground) => {
      const [id = ''] = credentialText(ground).split('.');
      return `${id}.${chars('A', 43)}`;
    },
    { session: 'wrong-secret' },
  ),
  text(
    'never-issued ids',
    'the right secret with another id',
    async (ground) => `${chars('a', 36)}.${credentialText(ground).split('.')[1]}`,
    { session: 'not-found' },
  ),
  {
    name: 'a refresh token in the right form',
    family: 'never-issued ids',
    expect: '401 not-authenticated',
    event: ({ takesTokens }) => (takesTokens ? 'credential-refused not-found' : undefined),
    send: (ground) => ground.everywhere('POST', '/refresh', { body: { refreshToken: invented } }),
  },
  {
    name: 'a refresh token in another form',
    family: 'malformed ids',
    expect: '401 not-authenticated',
    event: ({ takesTokens }) => (takesTokens ? 'credential-refused malformed' : undefined),
    send: async (ground) => {
      const before = ground.storeCalls;
      const texts = ['', '.', `${invented}A`, invented.replace('.', ':'), '{}', '*'];
      const all = await Promise.all(
        texts.map((refreshToken) => ground.ask('POST', '/refresh', { body: { refreshToken } })),
      );
      expect(ground.storeCalls).toBe(before);
      return all;
    },
  },
];

const separators: readonly Attack[] = Object.entries({
  braces: '{}{a}',
  colons: 'a:b::c',
  stars: '*****',
  'question marks': '?????',
  'a set of characters': '[a-z]',
  'a line break': '%0d%0aDEL',
  'a path upwards': '../..',
}).map(([what, stuff]) =>
  text('key-space confusion', `an id with ${what}`, () => {
    const id = stuff.padEnd(36, 'a');
    return `${id}.${chars('A', 43)}`;
  }),
);

const handles: readonly Attack[] = Object.entries({
  'a star': '*',
  braces: '%7Ba%7D',
  'a colon': 'a:b',
  'a line break': 'a%0Ab',
  'a path upwards': '..%2Fusers',
  SQL: "x'%20OR%20'1'='1",
}).map(([what, handle]) => ({
  name: `ending a session whose handle is ${what}`,
  family: 'key-space confusion',
  expect: '400 invalid-request',
  send: async (ground) => {
    const { credential: headers } = ground.victim;
    return [await ground.ask('DELETE', `/sessions/${handle}`, { headers })];
  },
}));

const strangers: readonly Attack[] = [
  {
    name: 'ending another user’s session by its handle',
    family: 'key-space confusion',
    expect: '404 not-found',
    send: async (ground) => {
      const me = await ground.newcomer();
      const { sessions } = (await ground.victim.ask('GET', '/sessions')).body;
      const path = `/sessions/${sessions[0].handle}`;
      return ground.everywhere('DELETE', path, { headers: me.credential });
    },
  },
  {
    name: 'asking as a user for what administrators may',
    family: 'key-space confusion',
    expect: '403 not-allowed',
    event: 'access-refused',
    send: async (ground) => {
      const { username, credential: headers } = await ground.newcomer();
      const asked = [
        ground.ask('GET', `/admin/users/${username}/sessions`, { headers }),
        ground.ask('DELETE', '/admin/sessions', { headers }),
        ground.ask('DELETE', '/admin/users/person-1/sessions', { headers }),
        ground.ask('POST', '/admin/users/person-1/disable', { headers }),
      ];
      return Promise.all(asked);
    },
  },
];

const fixation: readonly Attack[] = [
  ...Object.entries<(text: string) => Headers>({
    'in the cookie': (value) => ({ cookie: `${cookieName}=${value}` }),
    'as x-session-id': (value) => ({ 'x-session-id': value }),
    'as a bearer token': (value) => ({ authorization: `Bearer ${value}` }),
    'in a cookie of every spelling': (value) => ({
      cookie: ['session', 'sid', 'connect.sid', '__Secure-session', cookieName]
        .map((name) => `${name}=${value}`)
        .join('; '),
    }),
  }).map(
    ([where, plant]): Attack => ({
      name: `a login with an id of the attacker’s choice ${where}`,
      family: 'fixation',
      expect: '401 not-authenticated',
      send: async (ground) => {
        const username = await ground.registered();
        const headers = plant(invented);
        const login = await ground.ask('POST', '/login', { body: { username, password }, headers });
        expect([login.status, JSON.stringify(login)]).toEqual([
          200,
          expect.not.stringContaining(invented),
        ]);
        return ground.everywhere('GET', '/me', { headers });
      },
    }),
  ),
  {
    name: 'a login over the attacker’s own living session',
    family: 'fixation',
    notOn: noRecall,
    expect: '401 not-authenticated',
    send: async (ground) => {
      const attacker = await ground.newcomer();
      const { credential: headers } = attacker;
      const username = await ground.registered();
      const login = await ground.ask('POST', '/login', { body: { username, password }, headers });
      expect(login.status).toBe(200);
      return settled(ground, headers);
    },
  },
  {
    name: 'what the attacker planted before a login never speaks for the user',
    family: 'fixation',
    notOn: notOn((name) => noRecall[name] === undefined, 'there it is ended: see above'),
    expect: '200',
    send: async (ground) => {
      const attacker = await ground.newcomer();
      const { credential: headers } = attacker;
      const username = await ground.registered();
      await ground.ask('POST', '/login', { body: { username, password }, headers });
      const all = await ground.everywhere('GET', '/me', { headers });
      for (const { body } of all) expect(JSON.parse(body).username).toBe(attacker.username);
      return all;
    },
  },
];

const cookies = (...pairs: readonly string[]): Headers => ({ cookie: pairs.join('; ') });
const duplicates: readonly Attack[] = [
  {
    name: 'the cookies of two users',
    family: 'duplicate cookies',
    notOn: noCookie,
    expect: '401 not-authenticated',
    event: 'credential-refused malformed',
    send: async (ground) => {
      const me = await ground.newcomer();
      const both = [me.credential.cookie ?? '', ground.victim.credential.cookie ?? ''];
      const one = await ground.everywhere('GET', '/me', { headers: cookies(...both) });
      const other = ground.everywhere('POST', '/logout-everywhere', {
        headers: cookies(...both.reverse()),
      });
      return [...one, ...(await other)];
    },
  },
  {
    name: 'more cookies than any browser has',
    family: 'duplicate cookies',
    notOn: noCookie,
    expect: '401 not-authenticated',
    event: 'credential-refused malformed',
    send: async (ground) => {
      const before = ground.storeCalls;
      const many = Array.from(
        { length: 20 },
        (_, n) => `${cookieName}=${String(n).padStart(36, 'a')}.${chars('A', 43)}`,
      );
      const headers = cookies(...many, ground.victim.credential.cookie ?? '');
      const all = await ground.everywhere('GET', '/me', { headers });
      expect(ground.storeCalls).toBe(before);
      return all;
    },
  },
  {
    name: 'a planted cookie beside the good one does not shut the user out',
    family: 'duplicate cookies',
    notOn: noCookie,
    expect: '200',
    send: async (ground) => {
      const good = ground.victim.credential.cookie ?? '';
      const orders = [
        [`${cookieName}=${invented}`, good],
        [good, `${cookieName}=${invented}`],
        [`${cookieName}=x`, good],
      ];
      const asked = orders.map((order) => ground.ask('GET', '/me', { headers: cookies(...order) }));
      const all = await Promise.all(asked);
      for (const { body } of all) expect(JSON.parse(body).username).toBe('person-1');
      return all;
    },
  },
  {
    name: 'two x-session-id fields',
    family: 'duplicate cookies',
    notOn: notOn(byToken, 'it reads no such field'),
    expect: '401 not-authenticated',
    event: 'credential-refused malformed',
    send: async (ground) => {
      const good = credentialText(ground);
      return ground.everywhere('GET', '/me', { headers: { 'x-session-id': [good, invented] } });
    },
  },
];

const prefixes: readonly Attack[] = Object.entries<(text: string) => string>({
  'a name in small letters': (value) => `${cookieName.toLowerCase()}=${value}`,
  'a name in capitals': (value) => `${cookieName.toUpperCase()}=${value}`,
  'no prefix': (value) => `session=${value}`,
  'the weaker prefix': (value) => `__Secure-session=${value}`,
  'a blank behind the name': (value) => `${cookieName} =${value}`,
  'a no-break space before the name': (value) => `a=b;\xa0${cookieName}=${value}`,
  'an empty name before it': (value) => `=${cookieName}=${value}`,
  'the name as the value of another': (value) => `a=${cookieName}=${value}`,
  'a comma in place of a semicolon': (value) => `a=b, ${cookieName}=${value}`,
  'quotes around the name': (value) => `"${cookieName}"=${value}`,
  'quotes around the value': (value) => `${cookieName}="${value}"`,
  'the name in percent signs': (value) => `%5f%5fHost-session=${value}`,
  '$Version and quotes': (value) => `$Version="1"; ${cookieName}="${value}"; $Path="/"`,
  'a longer name': (value) => `x${cookieName}=${value}`,
  'a name with a suffix': (value) => `${cookieName}2=${value}`,
}).map(([name, field]) => ({
  name,
  family: 'prefix tricks',
  expect: '401 not-authenticated',
  send: async (ground) => {
    const before = ground.storeCalls;
    const cookie = field(credentialText(ground));
    const all = await ground.everywhere('GET', '/me', { headers: { cookie } });
    expect(ground.storeCalls).toBe(before);
    return all;
  },
}));

const oversize: readonly Attack[] = [
  ...[5, 12].map((kib) =>
    text('oversize', `a credential of ${kib} KiB`, () => chars('x', kib * 1_024)),
  ),
  {
    name: 'header fields of 20 KiB',
    family: 'oversize',
    expect: ({ way }) => (way === 'direct' ? '431 headers-too-large' : '431'),
    send: async (ground) => {
      const headers = ground.present(chars('x', 20_480));
      return [await ground.askTooMuch('GET', '/me', { headers })];
    },
  },
  {
    name: 'four hundred cookies of other names',
    family: 'oversize',
    expect: '401 not-authenticated',
    send: async (ground) => {
      const many = Array.from({ length: 400 }, (_, n) => `c${n}=${chars('v', 20)}`);
      return ground.everywhere('GET', '/me', { headers: cookies(...many) });
    },
  },
];

const signatures: readonly Attack[] = [
  text(
    'signature confusion',
    'the form of express-session',
    () => `s:${invented}.${chars('A', 43)}`,
  ),
  text('signature confusion', 'the form of express-session, encoded', () => `s%3A${invented}`),
  text(
    'signature confusion',
    'a signature behind the victim’s credential',
    (ground) => `${credentialText(ground)}.${b64(Buffer.alloc(32, 1))}`,
  ),
  text(
    'signature confusion',
    'a seal that we never made',
    () =>
      [
        b64({ alg: 'dir', enc: 'A256GCM', kid: 'x' }),
        '',
        b64('nonce-nonce-'),
        b64('x'),
        b64(Buffer.alloc(16)),
      ].join('.'),
    { 'sealed-cookie': 'bad-signature' },
  ),
  ...Object.entries<(parts: string[]) => string[]>({
    'a sealed cookie with another tag': (parts) => parts.with(4, b64(Buffer.alloc(16, 1))),
    'a sealed cookie with another nonce': (parts) => parts.with(2, b64(Buffer.alloc(12, 1))),
    'a sealed cookie cut short': (parts) => parts.with(3, (parts[3] ?? '').slice(0, -4)),
    'a sealed cookie under another key’s name': (parts) =>
      parts.with(0, b64({ alg: 'dir', enc: 'A256GCM', kid: chars('k', 43) })),
    'a sealed cookie under another algorithm': (parts) =>
      parts.with(0, b64({ alg: 'none', enc: 'A256GCM' })),
  }).map(([name, change]) =>
    text(
      'signature confusion',
      name,
      ({ issued }) => change(issued.sealedCookie.split('.')).join('.'),
      { 'sealed-cookie': 'bad-signature' },
    ),
  ),
  ...Object.entries<(parts: string[]) => string[]>({
    'a sealed cookie with half a tag': (parts) => parts.with(4, (parts[4] ?? '').slice(0, 11)),
    'a sealed cookie without a tag': (parts) => parts.with(4, ''),
    'a sealed cookie with a wrapped key': (parts) => parts.with(1, b64('key')),
    'a sealed cookie with a part more': (parts) => [...parts, 'x'],
  }).map(([name, change]) =>
    text('signature confusion', name, ({ issued }) =>
      change(issued.sealedCookie.split('.')).join('.'),
    ),
  ),
];

/** Once every replica has heard of the ending; where that takes no time, at once. */
async function settled(ground: Ground, headers: Headers): Promise<Answer[]> {
  const ask = () => ground.everywhere('GET', '/me', { headers });
  if (!fast(ground.strategy)) {
    const ended = [{ status: 401 }, { status: 401 }];
    await expect.poll(ask, { timeout: 6_000 }).toMatchObject(ended);
  }
  return ask();
}

const endings: Readonly<Record<string, readonly [string, string]>> = {
  logout: ['POST', '/logout'],
  'a logout everywhere': ['POST', '/logout-everywhere'],
};
const replays: readonly Attack[] = [
  ...Object.entries(endings).map(
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
const cross: readonly Attack[] = [
  {
    name: 'a session credential as a refresh token',
    family: 'cross-strategy ids',
    expect: ({ takesTokens }) => (takesTokens ? '401 session-ended' : '401 not-authenticated'),
    send: async (ground) => {
      const { sessionCredential } = await ground.issueAnew();
      const body = { refreshToken: sessionCredential };
      return [await ground.ask('POST', '/refresh', { body })];
    },
  },
  {
    name: 'a refresh token as a session credential',
    family: 'cross-strategy ids',
    expect: '401 not-authenticated',
    send: async (ground) => {
      const { refreshToken } = await ground.issueAnew();
      const cookie = `${cookieName}=${refreshToken}`;
      const headers = [{ cookie }, { 'x-session-id': refreshToken }];
      const asked = headers.map((each) => ground.everywhere('GET', '/me', { headers: each }));
      return (await Promise.all(asked)).flat();
    },
  },
];

const keyOf = (id: string) => `sessionlab:session:{${id.slice(0, 12)}}:${id}`;
const corruptions: readonly Attack[] = Object.entries<(key: string) => string[][]>({
  'words that are no numbers': (key) => [['HSET', key, 'state', 'a b c d e f g h i']],
  'no state': (key) => [['HDEL', key, 'state']],
  'an empty state': (key) => [['HSET', key, 'state', '']],
  'an owner that is no JSON': (key) => [['HSET', key, 'who', '{']],
  'an owner of another shape': (key) => [['HSET', key, 'who', '{"id":1}']],
  'no owner': (key) => [['HDEL', key, 'who']],
  'a field that is no JSON': (key) => [['HSET', key, 'f:cart:a', '{']],
  nothing: (key) => [['DEL', key]],
}).map(([what, commands]) => ({
  name: `a record with ${what}`,
  family: 'corrupt store values',
  notOn: noRecord,
  expect: '401 not-authenticated',
  send: async (ground) => {
    const me = await ground.newcomer();
    const body = me.refreshToken && { refreshToken: me.refreshToken };
    const [id = ''] = (me.refreshToken ?? me.credential.cookie?.split('=')[1] ?? '').split('.');
    await ground.inRedis(...commands(keyOf(id)));
    const headers = body ? {} : me.credential;
    const refresh = () => ground.ask('POST', '/refresh', { headers, ...(body && { body }) });
    const reads = body ? [] : await ground.everywhere('GET', '/me', { headers });
    return [...reads, await refresh(), await refresh()];
  },
}));

const evil = 'https://evil.example';
const otherSites: Readonly<Record<string, Headers>> = {
  'a request of another site': { 'sec-fetch-site': 'cross-site', origin: evil },
  'a request of a neighbouring site': { 'sec-fetch-site': 'same-site' },
  'a request with Origin null': { origin: 'null' },
  'a request with the Origin of another site': { origin: evil },
  'a request with an empty Origin': { origin: '' },
  'a request with the Origin of another port': { origin: 'https://127.0.0.1:1' },
  'a request of another site with our Origin in its path': { origin: `${evil}/127.0.0.1` },
  'a request that says two things': { 'sec-fetch-site': 'same-origin, cross-site' },
};
const crossSite: readonly Attack[] = Object.entries(otherSites).map(([name, hints]) => ({
  name,
  family: 'CSRF',
  expect: '403 cross-site',
  event: 'csrf-refused',
  send: async (ground) => {
    const headers = { ...ground.victim.credential, ...hints };
    return Promise.all([
      ground.ask('POST', '/cart/items', { headers, body: { item: 'apple', quantity: 1 } }),
      ground.ask('POST', '/logout', { headers }),
      ground.ask('POST', '/logout-everywhere', { headers }),
      ground.ask('POST', '/password', { headers, body: { password, newPassword: 'evil-4711' } }),
      ground.ask('PUT', '/email', { headers, body: { email: 'evil@evil.example' } }),
      // A login is forged as well, to make a visitor somebody else.
      ground.ask('POST', '/login', { headers: hints, body: { username: 'person-1', password } }),
    ]);
  },
}));
const formTokens: readonly Attack[] = Object.entries<(ground: Ground) => Promise<unknown>>({
  'a form token of another user': async (ground) => {
    const other = await ground.newcomer();
    return (await other.ask('GET', '/csrf-token')).body.csrfToken;
  },
  'a form token that nobody made': async () => chars('A', 43),
  'an empty form token': async () => '',
  'a form token of an ended session': async (ground) => {
    const other = await ground.newcomer();
    const { csrfToken } = (await other.ask('GET', '/csrf-token')).body;
    await other.ask('POST', '/logout');
    return csrfToken;
  },
}).map(([name, made]) => ({
  name,
  family: 'CSRF',
  notOn: notOn(byToken, 'no browser sends its credential by itself'),
  expect: '403 cross-site',
  event: 'csrf-refused',
  send: async (ground) => {
    const token = String(await made(ground));
    const { credential } = ground.victim;
    const item = { item: 'apple', quantity: 1 };
    const field = { ...credential, 'x-csrf-token': token };
    return Promise.all([
      ground.ask('POST', '/cart/items', { headers: field, body: item }),
      ground.ask('POST', '/cart/items', { headers: credential, body: { ...item, _csrf: token } }),
    ]);
  },
}));
const simpleForms: readonly Attack[] = (
  [
    ['a form', '415 unsupported-media-type', 'application/x-www-form-urlencoded', 'item=apple'],
    ['a text that is JSON', '400 invalid-request', 'text/plain', '{"item":"apple","quantity":1}'],
    ['a form with files', '415 unsupported-media-type', 'multipart/form-data; boundary=x', '--x--'],
  ] as const
).map(([name, expect, type, body]) => ({
  name: `${name}, which a browser sends anywhere without asking`,
  family: 'CSRF',
  expect,
  send: async (ground) => {
    const headers = { ...ground.victim.credential, 'content-type': type };
    return ground.everywhere('POST', '/cart/items', { headers, body });
  },
}));

const cors: readonly Attack[] = [
  {
    name: 'a preflight of another site',
    family: 'CORS',
    expect: '405 method-not-allowed',
    send: async (ground) => {
      const headers = {
        origin: evil,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization, content-type',
      };
      const paths = ['/me', '/login', '/cart/items', '/refresh'];
      return Promise.all(paths.map((path) => ground.ask('OPTIONS', path, { headers })));
    },
  },
  ...['null', evil].map(
    (origin): Attack => ({
      name: `a page with Origin ${origin} is not allowed to read`,
      family: 'CORS',
      expect: '200',
      send: async (ground) => {
        const headers = { ...ground.victim.credential, origin };
        const paths = ['/me', '/sessions', '/csrf-token', '/cart'];
        return Promise.all(paths.map((path) => ground.ask('GET', path, { headers })));
      },
    }),
  ),
];

const caching: readonly Attack[] = [
  {
    name: 'a path that a cache takes for a file',
    family: 'caching',
    expect: '404 not-found',
    send: async (ground) => {
      const headers = ground.victim.credential;
      const paths = ['/me/a.css', '/me.css', '/me;a.css', '/me%2fa.css', '/me%00.css'];
      return Promise.all(paths.map((path) => ground.ask('GET', path, { headers })));
    },
  },
  {
    name: 'a question whether anything has changed',
    family: 'caching',
    expect: '200',
    send: async (ground) => {
      const headers = {
        ...ground.victim.credential,
        'if-none-match': '*',
        'if-modified-since': new Date().toUTCString(),
        'cache-control': 'only-if-cached, max-stale',
      };
      const paths = ['/me', '/dashboard', '/sessions', '/cart'];
      return Promise.all(paths.map((path) => ground.ask('GET', path, { headers })));
    },
  },
  {
    name: 'an answer to somebody is for nobody after',
    family: 'caching',
    expect: '401 not-authenticated',
    send: async (ground) => {
      const { credential: headers } = ground.victim;
      for (const path of ['/me', '/cart']) await ground.everywhere('GET', path, { headers });
      const asked = ['/me', '/cart'].map((path) => ground.everywhere('GET', path));
      return (await Promise.all(asked)).flat();
    },
  },
];

const claims: Readonly<Record<string, Headers>> = {
  'X-User': { 'x-user': 'person-1', 'x-user-id': '1' },
  'X-Forwarded-User': { 'x-forwarded-user': 'person-1', 'x-forwarded-email': 'a@b.example' },
  'Remote-User': { 'remote-user': 'person-1', 'x-remote-user': 'person-1' },
  'X-Authenticated-User': { 'x-authenticated-user': 'person-1', 'x-auth-request-user': 'person-1' },
  'a client certificate': { 'ssl-client-verify': 'SUCCESS', 'x-ssl-client-s-dn': 'CN=person-1' },
  'an address that is trusted': {
    ...{ 'x-forwarded-for': '127.0.0.1', 'x-real-ip': '127.0.0.1', forwarded: 'for=127.0.0.1' },
    ...{ 'x-client-ip': '127.0.0.1', 'true-client-ip': '127.0.0.1', 'x-forwarded-proto': 'https' },
  },
  'X-Served-By': { 'x-served-by': 's1#0', 'x-internal': 'true' },
  'a role': { 'x-role': 'admin', 'x-admin': 'true' },
  Basic: { authorization: `Basic ${Buffer.from(`person-1:${password}`).toString('base64')}` },
  'another method': { 'x-http-method-override': 'OPTIONS', 'x-method-override': 'HEAD' },
  'another path': { 'x-original-url': '/health/live', 'x-rewrite-url': '/health/live' },
};
const spoofed: readonly Attack[] = Object.entries(claims).map(([name, headers]) => ({
  name: `a claim by ${name}`,
  family: 'identity headers',
  expect: '401 not-authenticated',
  send: async (ground) => {
    const paths = ['/me', '/dashboard', '/sessions', '/admin/users/person-1/sessions'];
    const asked = paths.map((path) => ground.everywhere('GET', path, { headers }));
    return (await Promise.all(asked)).flat();
  },
}));

export const sessions: readonly Attack[] = [
  ...[...fixation, ...neverIssued, ...malformed, ...duplicates, ...prefixes, ...oversize],
  ...[
    ...signatures,
    ...byOthers,
    ...replays,
    ...inFlight,
    ...regenerated,
    ...edges,
    future,
    ...races,
  ],
  ...[...cross, ...separators, ...handles, ...strangers, ...corruptions, ...crossSite],
  ...[...formTokens, ...simpleForms, ...cors, ...caching, ...spoofed],
];
