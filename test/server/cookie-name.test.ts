// COOKIE_NAME: two applications behind one host keep their sessions apart by the names of their
// cookies, whichever kind of cookie it is.

import { expect, test } from 'vitest';
import { type Environment, readConfig } from '../../src/server/config.ts';
import { newSealingKeys } from '../../src/strategies/sealing.ts';
import { answers, clientOf, password, startApp } from './ground.ts';

const sealed = { STRATEGY: 'sealed-cookie', SEALING_KEYS: newSealingKeys(), REVOCATIONS: 'memory' };

test.each<[string, Environment]>([
  ['session', {}],
  ['sealed-cookie', sealed],
])(
  'a cookie of the strategy %s has the name that it is given, and no other is read',
  async (_, kind) => {
    const secure = { SECURE_COOKIES: 'true', COOKIE_NAME: 'shop' };
    await using server = await startApp(answers[1], { ...kind, ...secure });
    const me = clientOf(server.app);
    await me.ask('POST', '/register', { username: 'alice', password });
    const { headers } = await me.logIn('alice');
    expect(headers['set-cookie']).toMatch(/^__Host-shop=/);
    expect((await me.ask('GET', '/dashboard')).status).toBe(200);
    const { cookie = '' } = me.credential;
    const other = clientOf(server.app);
    for (const name of ['__Host-session', 'shop', '__Host-shops']) {
      other.credential = { cookie: cookie.replace('__Host-shop', name) };
      expect((await other.ask('GET', '/dashboard')).status, name).toBe(401);
    }
    other.credential = { cookie: `__Host-session=${'x'.repeat(80)}; ${cookie}` };
    expect((await other.ask('GET', '/dashboard')).status).toBe(200);
    expect((await me.ask('POST', '/logout')).headers['set-cookie']).toMatch(/^__Host-shop=;/);
  },
);

test('a name that another cookie has is refused', () => {
  for (const COOKIE_NAME of ['device', 'affinity_servers']) {
    expect(() => readConfig({ COOKIE_NAME })).toThrow(/^COOKIE_NAME: .* another cookie$/);
  }
  expect(() => readConfig({ COOKIE_NAME: 'a;b' })).toThrow(/^COOKIE_NAME: /);
});
