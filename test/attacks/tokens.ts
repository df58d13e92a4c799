// Attacks by tokens that nobody issued, and by real ones where they do not belong. A forged text is
// sent where the strategy looks for its credential: servers that know no tokens get it in a cookie.

import { expect } from 'vitest';
import type { Attack, StrategyName } from './attack.ts';
import { b64, by, compact, headerOf, withPart } from './forge.ts';
import { bytes32, forgeries, numberIn, order, respelled } from './forgeries.ts';
import { cookieName, type Ground, type Headers, type Issued } from './ground.ts';

const forged: readonly Attack[] = forgeries.map(({ name, family, text, reason }) => ({
  name,
  family,
  expect: '401 not-authenticated',
  event: ({ takesTokens }) => `credential-refused ${takesTokens ? reason : 'malformed'}`,
  send: async (ground) => {
    const before = ground.storeCalls;
    const texts = [text(ground.loot)].flat();
    const all = await Promise.all(
      texts.flatMap((each) => [
        ground.ask('GET', '/me', { headers: ground.present(each) }),
        ground.ask('POST', '/cart/items', {
          headers: ground.present(each),
          body: { item: 'forged', quantity: 1 },
        }),
      ]),
    );
    expect(ground.storeCalls - before).toBe(0);
    expect(ground.outbound).toBe(0);
    return all;
  },
}));

const notASession = 'it has no cookie that an access token could be taken for';

const floods: readonly Attack[] = [
  {
    name: 'three hundred kids, none of them known',
    family: 'kid floods',
    expect: '401 not-authenticated',
    send: async (ground) => {
      const before = ground.storeCalls;
      const { header, claims } = ground.loot;
      const texts = Array.from({ length: 300 }, (_, n) =>
        compact({ ...header, kid: String(n).padStart(43, 'k') }, claims, by.me),
      );
      const asked = texts.map((text) =>
        ground.ask('GET', '/me', { headers: ground.present(text) }),
      );
      const all = await Promise.all(asked);
      expect([ground.storeCalls - before, ground.outbound]).toEqual([0, 0]);
      return all;
    },
  },
  {
    name: 'a kid of 64 KiB',
    family: 'kid',
    expect: '431 headers-too-large',
    send: async (ground) => {
      const { header, claims } = ground.loot;
      const text = compact({ ...header, kid: 'k'.repeat(65_536) }, claims, by.me);
      return [await ground.askTooMuch('GET', '/me', { headers: ground.present(text) })];
    },
  },
  {
    name: 'the twin of a token whose session was ended',
    family: 'ECDSA values',
    notOn: {
      session: notASession,
      'sealed-cookie': notASession,
      token: 'no token of it is ended before its time, as it declares',
    },
    expect: '401 not-authenticated',
    send: async (ground) => {
      const user = await ground.newcomer();
      const text = user.credential.authorization?.slice('Bearer '.length) ?? '';
      const claims = JSON.parse(Buffer.from(text.split('.')[1] ?? '', 'base64url').toString());
      const { ec } = ground.loot;
      const good = compact(headerOf(ec), claims, by.ours(ec));
      const known = await ground.everywhere('GET', '/me', { headers: ground.present(good) });
      expect(known.map(({ status }) => status)).toEqual([200, 200]);
      expect((await user.ask('POST', '/logout')).status).toBe(204);
      const asked = [
        good,
        respelled({ ...ground.loot, claims }, (r, s) => [r, bytes32(order - numberIn(s))]),
      ];
      await expect
        .poll(() => ground.everywhere('GET', '/me', { headers: ground.present(good) }))
        .toMatchObject([{ status: 401 }, { status: 401 }]);
      const all = asked.map((each) =>
        ground.everywhere('GET', '/me', { headers: ground.present(each) }),
      );
      return (await Promise.all(all)).flat();
    },
  },
];

/** Where a credential might be taken from. */
const slots: Readonly<Record<string, (text: string) => Headers>> = {
  'a bearer token': (text) => ({ authorization: `Bearer ${text}` }),
  'the session cookie': (text) => ({ cookie: `${cookieName}=${text}` }),
  'a session id': (text) => ({ 'x-session-id': text }),
};

const types: Readonly<Record<string, (ground: Ground) => string | Promise<string>>> = {
  'an access token': ({ issued }) => issued.accessToken,
  'a refresh token': ({ issued }) => issued.refreshToken,
  'a session credential': ({ issued }) => issued.sessionCredential,
  'a sealed cookie': ({ issued }) => issued.sealedCookie,
  'a form token': async ({ victim, loot }) => {
    const { csrfToken } = (await victim.ask('GET', '/csrf-token')).body;
    return csrfToken ?? loot.ed.id;
  },
  'a device cookie': async (ground) => {
    const username = await ground.registered();
    const login = { username, password: 'canary-password-4711' };
    const { fields } = await ground.ask('POST', '/login', { body: login });
    return /__Secure-device=([^;]+)/.exec(String(fields['set-cookie']))?.[1] ?? '';
  },
  'the handle of a session': async ({ victim }) =>
    (await victim.ask('GET', '/sessions')).body.sessions[0].handle,
};

/** Type -> where it is right. */
const tokenStrategies = ['token', 'token-with-revocation'] as const;
const own: Readonly<Record<string, readonly StrategyName[]>> = {
  'an access token as a bearer token': tokenStrategies,
  'a session credential as the session cookie': ['session'],
  'a session credential as a session id': ['session'],
  'a sealed cookie as the session cookie': ['sealed-cookie'],
  'a sealed cookie as a session id': ['sealed-cookie'],
};

const confusions: readonly Attack[] = Object.entries(types).flatMap(([type, text]) =>
  Object.entries(slots).map(([slot, present]): Attack => {
    const name = `${type} as ${slot}`;
    const right = (own[name] ?? []).map(
      (strategy) => [strategy, 'that is what it is for'] as const,
    );
    return {
      name,
      family: 'type confusion',
      notOn: Object.fromEntries(right),
      expect: '401 not-authenticated',
      event: ({ strategy, takesTokens }) => {
        if (takesTokens !== (slot === 'a bearer token')) return undefined;
        const isNear = strategy === 'session' && type === 'a refresh token';
        return `credential-refused ${isNear ? 'wrong-secret' : 'malformed'}`;
      },
      send: async (ground) => {
        const headers = present(await text(ground));
        const paths = ['/me', '/dashboard', '/cart', '/sessions', '/csrf-token', '/events'];
        const reads = paths.map((path) => ground.ask('GET', path, { headers }));
        const writes = [
          ground.ask('POST', '/logout-everywhere', { headers }),
          ground.ask('DELETE', '/sessions/x', { headers }),
          ground.ask('DELETE', '/admin/sessions', { headers }),
          ground.ask('PUT', '/email', { headers, body: { email: 'evil@evil.example' } }),
        ];
        return Promise.all([...reads, ...writes]);
      },
    };
  }),
);

const asRefreshTokens: readonly Attack[] = (
  [
    ['an access token', 'accessToken'],
    ['a sealed cookie', 'sealedCookie'],
  ] as const satisfies readonly (readonly [string, keyof Issued])[]
).map(([type, member]) => ({
  name: `${type} as a refresh token`,
  family: 'type confusion',
  expect: '400 invalid-request',
  send: async (ground) => [
    await ground.ask('POST', '/refresh', { body: { refreshToken: ground.issued[member] } }),
  ],
}));

/** With the header fields of the victim, a credential in a place where none belongs. */
const elsewhere: Readonly<Record<string, (text: string) => [path: string, headers: Headers]>> = {
  'in the query': (text) => [`/me?access_token=${text}&token=${text}&session=${text}`, {}],
  'in the query, as a field': (text) => [`/me?authorization=Bearer%20${text}&sid=${text}`, {}],
  'in a cookie of another name': (text) => ['/me', { cookie: `access_token=${text}; sid=${text}` }],
  'in fields of other names': (text) => [
    '/me',
    { 'x-access-token': text, 'x-auth-token': text, 'proxy-authorization': `Bearer ${text}` },
  ],
  'as a subprotocol': (text) => ['/me', { 'sec-websocket-protocol': `bearer, ${text}` }],
  'under another scheme': (text) => ['/me', { authorization: `Token ${text}` }],
  'as a password': (text) => [
    '/me',
    { authorization: `Basic ${Buffer.from(`victim:${text}`).toString('base64')}` },
  ],
  'behind two blanks': (text) => ['/me', { authorization: `Bearer  ${text}` }],
  'with a list of schemes': (text) => ['/me', { authorization: `Basic eDp5, Bearer ${text}` }],
};

export function credentialText(ground: Ground): string {
  const { authorization, cookie } = ground.victim.credential;
  return authorization?.slice('Bearer '.length) ?? cookie?.slice(cookieName.length + 1) ?? '';
}

const misplaced: readonly Attack[] = Object.entries(elsewhere).map(([where, place]) => ({
  name: `the victim’s own credential ${where}`,
  family: 'a credential elsewhere',
  expect: '401 not-authenticated',
  send: async (ground) => {
    const [path, headers] = place(credentialText(ground));
    return [await ground.ask('GET', path, { headers })];
  },
}));

const doubled: readonly Attack[] = [
  ['the good one first', ['good', 'forged']],
  ['the good one last', ['forged', 'good']],
  ['both good', ['good', 'good']],
  ['of two schemes', ['basic', 'good']],
].map(([name, order]) => ({
  name: `two authorization fields, ${name}`,
  family: 'two credentials',
  expect: '400 invalid-request',
  send: async (ground) => {
    const { loot } = ground;
    const fields: Record<string, string> = {
      good: `Bearer ${ground.takesTokens ? credentialText(ground) : loot.token}`,
      forged: `Bearer ${withPart(loot.token, 2, b64(Buffer.alloc(64, 7)))}`,
      basic: 'Basic cm9vdDpyb290',
    };
    const authorization = [...(order as readonly string[])].map((each) => fields[each] ?? '');
    return [await ground.ask('GET', '/me', { headers: { authorization } })];
  },
}));

export const tokens: readonly Attack[] = [
  ...[...forged, ...floods, ...confusions, ...asRefreshTokens, ...misplaced, ...doubled],
];
