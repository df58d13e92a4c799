// Attacks on the way in: by guessing, by names and passwords that are nearly right, by bodies that
// say more than they may, by more work than there is capacity for. Each attack comes from an
// address of its own, so that none is slowed down by another's guesses.

import { expect } from 'vitest';
import { newDevice } from '../../src/accounts/device.ts';
import { withClient } from '../../src/backing/databases.ts';
import type { Answer } from '../gateways/asking.ts';
import type { Attack, Event, Family, Outcome } from './attack.ts';
import { failuresMax, type Ground, type Headers, password } from './ground.ts';

const wrong = 'not-the-password-4711';
const refused: Outcome = '401 wrong-credentials';
const throttled: Outcome = '429 too-many-attempts';

interface Try {
  readonly username: unknown;
  readonly password: unknown;
  readonly from: string;
  readonly headers?: Headers;
}

function logIn(ground: Ground, { from, headers, ...body }: Try): Promise<Answer> {
  return ground.ask('POST', '/login', { body, from, ...(headers && { headers }) });
}

async function inTurn<T>(count: number, once: (n: number) => Promise<T>): Promise<T[]> {
  const all: T[] = [];
  for (let n = 0; n < count; n += 1) all.push(await once(n));
  return all;
}

/** Logging in with this, from a new address. */
function entry(
  family: Family,
  name: string,
  event: Event | undefined,
  of: (ground: Ground) => Promise<Pick<Try, 'username' | 'password'>>,
): Attack {
  return {
    ...{ family, name, expect: refused },
    ...(event && { event }),
    send: async (ground) => [
      await logIn(ground, { ...(await of(ground)), from: ground.freshAddress() }),
    ],
  };
}

const enumeration: readonly Attack[] = [
  entry('enumeration', 'a name that nobody has', 'login-refused unknown-user', async () => ({
    username: 'nobody-at-all',
    password,
  })),
  entry('enumeration', 'a wrong password', 'login-refused wrong-password', async (ground) => ({
    username: await ground.registered(),
    password: wrong,
  })),
  entry('enumeration', 'a disabled account', 'login-refused account-disabled', async (ground) => {
    const username = await ground.registered();
    await withClient(ground.databaseUrl, (client) =>
      client.query('UPDATE users SET disabled_at = now() WHERE name = $1', [username]),
    );
    return { username, password };
  }),
  entry(
    'enumeration',
    'a password that nobody can have',
    'login-refused wrong-password',
    async (ground) => ({
      username: await ground.registered(),
      password: 'short',
    }),
  ),
  entry('enumeration', 'a name that nobody can have', 'login-refused unknown-user', async () => ({
    username: '\u200b',
    password,
  })),
  entry('enumeration', 'a name with a NUL in it', 'login-refused unknown-user', async () => ({
    username: 'person-1\0',
    password,
  })),
  entry('enumeration', 'a name that is SQL', 'login-refused unknown-user', async () => ({
    username: "' OR 1=1; DROP TABLE users; --",
    password,
  })),
  {
    name: 'too many attempts, on a name that exists and one that does not',
    family: 'enumeration',
    expect: { [refused]: 2 * failuresMax, [throttled]: 4 },
    send: async (ground) => {
      const all: Answer[] = [];
      for (const username of [await ground.registered(), 'nobody-else']) {
        const from = ground.freshAddress();
        const guess = () => logIn(ground, { username, password: wrong, from });
        all.push(...(await inTurn(failuresMax + 1, guess)));
        all.push(await logIn(ground, { username, password, from }));
      }
      const waits = all.flatMap(({ fields }) => fields['retry-after'] ?? []);
      expect(waits.every((wait) => Number(wait) > 60)).toBe(true);
      return all;
    },
  },
];

const forwarded = (n: number): Headers => ({
  'x-forwarded-for': `198.51.100.${n}, 203.0.113.${n}`,
  'x-real-ip': `198.51.100.${n}`,
  forwarded: `for=198.51.100.${n}`,
  'x-client-ip': `198.51.100.${n}`,
  'cf-connecting-ip': `198.51.100.${n}`,
});

const guessing: readonly Attack[] = [
  {
    name: 'guesses over all replicas under changing X-Forwarded-For',
    family: 'guessing',
    expect: { [refused]: failuresMax, [throttled]: 12 - failuresMax },
    send: async (ground) => {
      const username = await ground.registered();
      const from = ground.freshAddress();
      const guesses = Array.from({ length: 12 }, (_, n) =>
        logIn(ground, { username, password: wrong, from, headers: forwarded(n) }),
      );
      return Promise.all(guesses);
    },
  },
  {
    name: 'guesses under changing spellings of the name',
    family: 'guessing',
    expect: { [refused]: failuresMax, [throttled]: 3 },
    send: async (ground) => {
      const username = await ground.registered();
      const from = ground.freshAddress();
      const wide = username.replace('p', '\uff50');
      const spellings = [username, ` ${username}`, username.toUpperCase(), `${username} `, wide];
      const names = [...spellings, username];
      return inTurn(failuresMax + 3, (n) =>
        logIn(ground, { username: names[n % names.length], password: wrong, from }),
      );
    },
  },
  {
    name: 'guesses under invented device cookies',
    family: 'guessing',
    expect: { [refused]: failuresMax, [throttled]: 3 },
    send: async (ground) => {
      const username = await ground.registered();
      const from = ground.freshAddress();
      return inTurn(failuresMax + 3, (n) => {
        const cookie = `__Secure-device=${String(n).padStart(24, 'd')}.${'A'.repeat(43)}`;
        return logIn(ground, { username, password: wrong, from, headers: { cookie } });
      });
    },
  },
  {
    name: 'guesses at a name that nobody has, under device cookies forged with no key',
    family: 'guessing',
    expect: { [refused]: failuresMax, [throttled]: 3 },
    send: async (ground) => {
      const [username, from] = [ground.freshName(), ground.freshAddress()];
      return inTurn(failuresMax + 3, () => {
        const cookie = `__Secure-device=${newDevice('')}`;
        return logIn(ground, { username, password: wrong, from, headers: { cookie } });
      });
    },
  },
  {
    name: 'guesses from within a session, at the step-up and the change of password',
    family: 'guessing',
    expect: { [refused]: failuresMax, [throttled]: 3 },
    send: async (ground) => {
      const { credential: headers } = await ground.newcomer();
      const change = { password: wrong, newPassword: 'another-4711-password' };
      return inTurn(failuresMax + 3, (n) =>
        n % 2 === 0
          ? ground.ask('POST', '/step-up', { headers, body: { password: wrong } })
          : ground.ask('POST', '/password', { headers, body: change }),
      );
    },
  },
  {
    name: 'one password on a hundred names from one address',
    family: 'spraying',
    expect: { [refused]: 30 * failuresMax, [throttled]: 10 },
    send: async (ground) => {
      const from = ground.freshAddress();
      const count = 30 * failuresMax + 10;
      return inTurn(count, (n) =>
        logIn(ground, { username: `sprayed-${n}`, password: wrong, from, headers: forwarded(n) }),
      );
    },
  },
  {
    name: 'name after name, registered from one address',
    family: 'spraying',
    expect: { '201': 30 * failuresMax, [throttled]: 10 },
    send: async (ground) => {
      const from = ground.freshAddress();
      return inTurn(30 * failuresMax + 10, (n) => {
        const body = { username: ground.freshName(), password };
        return ground.ask('POST', '/register', { body, from, headers: forwarded(n) });
      });
    },
  },
  {
    name: 'strangers from everywhere do not lock the owner’s device out',
    family: 'victim lock-out',
    expect: { [refused]: 5 * failuresMax, [throttled]: 5 },
    send: async (ground) => {
      const username = await ground.registered();
      const home = ground.freshAddress();
      const first = await logIn(ground, { username, password, from: home });
      const device = /__Secure-device=[^;]+/.exec(String(first.fields['set-cookie']))?.[0] ?? '';
      const guesses = await inTurn(5 * failuresMax + 5, () =>
        logIn(ground, { username, password: wrong, from: ground.freshAddress() }),
      );
      const own = await logIn(ground, {
        username,
        password,
        from: home,
        headers: { cookie: device },
      });
      expect(own.status).toBe(200);
      return guesses;
    },
  },
  {
    name: 'a device of another account is no device of this one',
    family: 'victim lock-out',
    expect: { [refused]: failuresMax, [throttled]: 2 },
    send: async (ground) => {
      const [mine, username] = [await ground.registered(), await ground.registered()];
      const from = ground.freshAddress();
      const login = await logIn(ground, { username: mine, password, from });
      const cookie = /__Secure-device=[^;]+/.exec(String(login.fields['set-cookie']))?.[0] ?? '';
      return inTurn(failuresMax + 2, () =>
        logIn(ground, { username, password: wrong, from, headers: { cookie } }),
      );
    },
  },
  {
    name: 'while the shared buckets cannot be reached each replica allows fewer attempts, not more',
    family: 'throttle store down',
    expect: { [refused]: 2, [throttled]: 4 },
    send: async (ground) => {
      const username = await ground.registered();
      const from = ground.freshAddress();
      return withClient(ground.databaseUrl, async (client) => {
        await client.query('BEGIN; LOCK TABLE login_attempts IN ACCESS EXCLUSIVE MODE');
        const guesses = Array.from({ length: 6 }, () =>
          logIn(ground, { username, password: wrong, from }),
        );
        const all = await Promise.all(guesses);
        await client.query('COMMIT');
        return all;
      });
    },
  },
];

const letters = 'correct-horse-battery-staple-'.repeat(3).slice(0, 72);
/** The password that was set, and what an attacker tries in its place. */
const nearly: Readonly<Record<string, readonly [set: string, tried: string]>> = {
  'another byte 73': [`${letters}X`, `${letters}Y`],
  'the first 72 bytes': [`${letters}X`, letters],
  'what stands before a NUL': ['secret-4711\0tail', 'secret-4711'],
  'another text behind a NUL': ['secret-4711\0tail', 'secret-4711\0tale'],
  'other letters of the same look': ['secret-4711-word', 'secret-\uff14711-word'],
  'another case': ['Secret-4711-Word', 'secret-4711-word'],
  'a blank behind it': ['secret-4711-word', 'secret-4711-word '],
  'a combining mark less': ['secret-4711-cafe\u0301', 'secret-4711-cafe'],
  'a lone surrogate': ['secret-4711-word', 'secret-4711-word\ud800'],
};
const bytes: readonly Attack[] = [
  ...Object.entries(nearly).map(([name, [set, tried]]) =>
    entry('password bytes', name, 'login-refused wrong-password', async (ground) => ({
      username: await ground.registered(set),
      password: tried,
    })),
  ),
  {
    name: 'composed and decomposed letters are one password',
    family: 'password bytes',
    expect: '200',
    send: async (ground) => {
      const username = await ground.registered('secret-4711-caf\u00e9');
      const from = ground.freshAddress();
      const spellings = ['secret-4711-caf\u00e9', 'secret-4711-cafe\u0301'];
      return inTurn(2, (n) => logIn(ground, { username, password: spellings[n], from }));
    },
  },
  {
    name: 'a password of 1 MB',
    family: 'password bytes',
    expect: '413 payload-too-large',
    send: async (ground) => {
      const body = { username: 'person-1', password: 'x'.repeat(1_000_000) };
      const paths = ['/login', '/register'];
      return Promise.all(paths.map((path) => ground.ask('POST', path, { body })));
    },
  },
  {
    name: 'a password of 10 KB',
    family: 'password bytes',
    expect: '400 invalid-request',
    send: async (ground) => {
      const body = { username: 'person-1', password: 'x'.repeat(10_000) };
      const paths = ['/login', '/register'];
      return Promise.all(paths.map((path) => ground.ask('POST', path, { body })));
    },
  },
  entry(
    'password bytes',
    'a password longer than any',
    'login-refused wrong-password',
    async () => ({
      username: 'person-1',
      password: 'x'.repeat(129),
    }),
  ),
];

const capacity: Attack = {
  name: 'ten times as many passwords as can be hashed',
  family: 'hashing capacity',
  expect: ['201', '429 overloaded', '503 accounts-unavailable'],
  send: async (ground) => {
    const count = 10 * 66;
    const registering = Array.from({ length: count }, () =>
      ground.register(ground.freshName(), password),
    );
    const alive = await ground.everywhere('GET', '/health/live');
    expect(alive.map(({ status }) => status)).toEqual([200, 200]);
    const all = await Promise.all(registering);
    const refusals = all.filter(({ status }) => status !== 201);
    expect(refusals.length).toBeLessThan(count);
    expect(refusals.every(({ fields }) => Number(fields['retry-after']) >= 1)).toBe(true);
    const username = await ground.registered();
    const after = await logIn(ground, { username, password, from: ground.freshAddress() });
    expect(after.status).toBe(200);
    return all;
  },
};

const twins: Readonly<Record<string, (name: string) => string>> = {
  'in capitals': (name) => name.toUpperCase(),
  'in wide letters': (name) => name.replace('p', '\uff50'),
  'with blanks around': (name) => ` ${name} `,
  'with a letter of mathematics': (name) => name.replace('s', '\ud835\udc2c'),
};
const hidden: Readonly<Record<string, (name: string) => string>> = {
  'with a zero-width blank': (name) => `${name}\u200b`,
  'with a NUL': (name) => `${name}\0`,
  'with a mark of direction': (name) => `\u202e${name}`,
  'with a soft hyphen': (name) => name.replace('-', '\u00ad-'),
  'with a line break in it': (name) => name.replace('-', '\n'),
  'of 65 letters': () => 'n'.repeat(65),
};
const lookAlikes: readonly Attack[] = [
  ...Object.entries(twins).map(([how, spell]) => ({
    how,
    spell,
    expect: '409 name-taken' as const,
  })),
  ...Object.entries(hidden).map(([how, spell]) => ({
    how,
    spell,
    expect: '400 invalid-request' as const,
  })),
].map(({ how, spell, expect }) => ({
  name: `registering the victim’s name ${how}`,
  family: 'look-alike names',
  expect,
  send: async (ground) => {
    const username = spell('person-1');
    const from = ground.freshAddress();
    return ground.everywhere('POST', '/register', { body: { username, password }, from });
  },
}));

const extra: Readonly<Record<string, string>> = {
  'a role': '"role":"admin"',
  'a right': '"admin":true,"isAdmin":true',
  'an id': '"id":"00000000-0000-0000-0000-000000000000"',
  'another user’s id': '"userId":"person-1"',
  'a generation': '"generation":7',
  'a hash': '"password_hash":"$argon2id$v=19$m=64,t=1,p=1$AAAA$AAAA"',
  'a prototype': '"__proto__":{"role":"admin"}',
  'a constructor': '"constructor":{"prototype":{"role":"admin"}}',
  'a confirmed address': '"email":"a@b.example","emailVerified":true',
};
const massAssignment: readonly Attack[] = Object.entries(extra).map(([what, member]) => ({
  name: `bodies that also set ${what}`,
  family: 'mass assignment',
  expect: '400 invalid-request',
  send: async (ground) => {
    const headers = ground.victim.credential;
    const username = ground.freshName();
    const entering = `{"username":"${username}","password":"${password}",${member}}`;
    const adding = `{"item":"apple","quantity":1,${member}}`;
    const proving = `{"password":"${password}",${member}}`;
    const all = await Promise.all([
      ground.ask('POST', '/register', { body: entering }),
      ground.ask('POST', '/login', { body: entering }),
      ground.ask('POST', '/cart/items', { headers, body: adding }),
      ground.ask('POST', '/step-up', { headers, body: proving }),
    ]);
    const from = ground.freshAddress();
    expect((await logIn(ground, { username, password, from })).status).toBe(401);
    return all;
  },
}));

const values: Readonly<Record<string, unknown>> = {
  'a list': ['person-1'],
  'an object of a query language': { $ne: null },
  'an object that is not empty': { $gt: '' },
  'a number': 1,
  true: true,
  null: null,
  nothing: undefined,
  'an object with a length': { length: 8 },
};
const confusion: readonly Attack[] = Object.entries(values).map(([what, value]) => ({
  name: `${what} as name or password`,
  family: 'JSON type confusion',
  expect: '400 invalid-request',
  send: async (ground) => {
    const bodies = [
      { username: value, password },
      { username: 'person-1', password: value },
    ];
    const paths = ['/login', '/register'];
    const asked = paths.flatMap((path) => bodies.map((body) => ground.ask('POST', path, { body })));
    return Promise.all(asked);
  },
}));

const defaults: readonly Attack[] = [
  ...['admin', 'root', 'administrator', 'test', 'guest', 'postgres', 'sessionlab', 'person'],
].map((username) => ({
  name: `${username} with what is shipped elsewhere`,
  family: 'default accounts',
  expect: refused,
  event: 'login-refused unknown-user',
  send: async (ground) => {
    const secrets = [`${username}${username}`, 'changeme1', 'password1'];
    const from = ground.freshAddress();
    return inTurn(failuresMax, (n) => logIn(ground, { username, password: secrets[n], from }));
  },
}));

const commons = ['password', '12345678', 'Passw0rd', 'iloveyou', 'PASSWORD1', 'qwertyuiop'];
const common: readonly Attack[] = [
  ...commons.map(
    (secret): Attack => ({
      name: `choosing ${secret}`,
      family: 'common passwords',
      expect: '400 invalid-request',
      send: async (ground) => {
        const me = await ground.newcomer();
        const change = { password, newPassword: secret };
        const { credential: headers } = me;
        return [
          await ground.register(ground.freshName(), secret),
          await ground.ask('POST', '/password', { headers, body: change }),
        ];
      },
    }),
  ),
  {
    name: 'choosing one’s own name',
    family: 'common passwords',
    expect: '400 invalid-request',
    send: async (ground) => {
      const username = `${ground.freshName()}-long`;
      const secrets = [username, username.toUpperCase(), `my-${username}-1`];
      return Promise.all(secrets.map((secret) => ground.register(username, secret)));
    },
  },
];

const elsewhere = 'https://evil.example/';
const redirects: readonly Attack[] = [
  {
    name: 'a login that names where to go next',
    family: 'open redirects',
    expect: '200',
    send: async (ground) => {
      const body = { username: await ground.registered(), password };
      const names = ['next', 'redirect', 'redirect_uri', 'return_to', 'returnUrl', 'continue'];
      const headers = { referer: elsewhere, 'x-forwarded-host': 'evil.example' };
      const next = encodeURIComponent(elsewhere);
      return inTurn(names.length, (n) =>
        ground.ask('POST', `/login?${names[n]}=${next}`, { body, headers }),
      );
    },
  },
  {
    name: 'a logout that names where to go next',
    family: 'open redirects',
    expect: '204',
    send: async (ground) => {
      const path = `/logout?post_logout_redirect_uri=${encodeURIComponent(elsewhere)}`;
      return ground.everywhere('POST', path);
    },
  },
  {
    name: 'paths that a server might put right',
    family: 'open redirects',
    // A gateway does not guess what a path means.
    expect: ({ way }) =>
      way === 'direct' ? '404 not-found' : ['404 not-found', '400 invalid-request'],
    send: async (ground) => {
      const paths = [
        '//evil.example/',
        '/me/',
        '/%2fevil.example',
        '/\\evil.example',
        '/.//e.example',
      ];
      return Promise.all(paths.map((path) => ground.ask('GET', path)));
    },
  },
];

const parallel: Attack = {
  name: 'ten registrations of one name at once, in every spelling',
  family: 'parallel registration',
  expect: { '201': 1, '409 name-taken': 9 },
  send: async (ground) => {
    const name = ground.freshName();
    const spellings = [name, name.toUpperCase(), ` ${name}`, name.replace('p', '\uff50')];
    return Promise.all(
      Array.from({ length: 10 }, (_, n) => ground.register(spellings[n % 4] ?? name, password)),
    );
  },
};

export const login: readonly Attack[] = [
  ...[...enumeration, ...guessing, ...bytes, capacity, ...lookAlikes, ...massAssignment],
  ...[...confusion, ...defaults, ...common, ...redirects, parallel],
];
