// Attacks by credentials that were never issued, planted, doubled, too large, or signed by others.

import { expect } from 'vitest';
import type { Attack } from '../attack.ts';
import { b64 } from '../forge.ts';
import { cookieName, type Headers, password } from '../ground.ts';
import { credentialText } from '../tokens.ts';
import { byToken, noCookie, noRecall, notOn, text } from './by-strategy.ts';
import { settled } from './settled.ts';

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
    expect: '431 headers-too-large',
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

export const credentials: readonly Attack[] = [
  ...[...fixation, ...neverIssued, ...malformed, ...separators, ...handles, ...strangers],
  ...[...duplicates, ...prefixes, ...oversize, ...signatures],
];
