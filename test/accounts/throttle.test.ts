// Guessing, against real buckets in PostgreSQL, shared by several servers: who is slowed down, and
// who is not.

import { describe, expect, onTestFinished, test } from 'vitest';
import { type Accounts, type Asker, openAccounts } from '../../src/accounts/accounts.ts';
import { newDevice } from '../../src/accounts/device.ts';
import { networkOf } from '../../src/accounts/network.ts';
import { withClient } from '../../src/backing/databases.ts';
import { OperatingError } from '../../src/core/errors.ts';
import { freshDatabase } from '../support/backing.ts';

const hashing = { memoryKib: 64, passes: 1 };
const password = 'correct horse';
const from = (address: string, more: Partial<Asker> = {}): Asker => ({ address, ...more });

async function open(databaseUrl: string, failuresMax: number, timeoutMs = 2_000) {
  const accounts = await openAccounts({ databaseUrl, hashing, timeoutMs, failuresMax });
  onTestFinished(() => accounts[Symbol.asyncDispose]());
  return accounts;
}

/** What an attempt came to: 'verified', a reason, or the code of an error. */
async function attempt(accounts: Accounts, name: string, secret: string, asker: Asker) {
  try {
    const checked = await accounts.verify(name, secret, asker);
    return checked.outcome === 'verified' ? 'verified' : checked.reason;
  } catch (error) {
    if (error instanceof OperatingError) return error.code;
    throw error;
  }
}

async function guess(accounts: Accounts, times: number, name: string, asker: Asker) {
  const said: string[] = [];
  for (let time = 0; time < times; time += 1) {
    said.push(await attempt(accounts, name, `wrong horse ${time}`, asker));
  }
  return said;
}

async function deviceOf(accounts: Accounts, name: string, asker: Asker): Promise<string> {
  const checked = await accounts.verify(name, password, asker);
  if (checked.outcome !== 'verified') throw new Error(checked.reason);
  return checked.user.newDevice ?? '';
}

test('who guesses waits, on every server, and is told for how long', async () => {
  const url = await freshDatabase();
  const [one, other] = [await open(url, 3), await open(url, 3)];
  await one.register('ann', password);
  expect(await guess(one, 3, 'ann', from('10.0.0.1'))).not.toContain('too-many-attempts');
  const refused = await other.verify('ann', password, from('10.0.0.1')).catch((error) => error);
  expect(refused).toMatchObject({ code: 'too-many-attempts' });
  expect(refused.retryAfterSeconds).toBeGreaterThan(1_000);
  expect(refused.retryAfterSeconds).toBeLessThanOrEqual(1_200);
});

test('a name that nobody has is throttled like any other', async () => {
  const accounts = await open(await freshDatabase(), 2);
  await accounts.register('ann', password);
  const known = await guess(accounts, 4, 'ann', from('10.0.0.1'));
  const unknown = await guess(accounts, 4, 'eve', from('10.0.0.2'));
  expect(known.indexOf('too-many-attempts')).toBe(2);
  expect(unknown.indexOf('too-many-attempts')).toBe(2);
});

test('a name that nobody has has no known device, whatever key it was forged with', async () => {
  const accounts = await open(await freshDatabase(), 2);
  const said: string[] = [];
  for (const key of ['', 'undefined', 'null', 'eve']) {
    const asker = from('10.0.0.1', { device: newDevice(key) });
    said.push(await attempt(accounts, 'eve', password, asker));
  }
  expect(said.indexOf('too-many-attempts')).toBe(2);
});

test('guesses at the same moment are counted before they are looked at', async () => {
  const url = await freshDatabase();
  const servers = [await open(url, 4), await open(url, 4)];
  await servers[0]?.register('ann', password);
  const said = await Promise.all(
    Array.from({ length: 40 }, (_, number) =>
      attempt(servers[number % 2] as Accounts, 'ann', 'wrong horse', from('10.0.0.1')),
    ),
  );
  expect(said.filter((each) => each === 'wrong-password')).toHaveLength(4);
  expect(said.filter((each) => each === 'too-many-attempts')).toHaveLength(36);
});

test('good logins cost nothing, however many', async () => {
  const accounts = await open(await freshDatabase(), 2);
  await accounts.register('ann', password);
  for (let time = 0; time < 20; time += 1) {
    expect(await attempt(accounts, 'ann', password, from('10.0.0.1'))).toBe('verified');
  }
});

test('failures in one place lock the user out in no other', async () => {
  const accounts = await open(await freshDatabase(), 2);
  await accounts.register('ann', password);
  expect(await guess(accounts, 3, 'ann', from('10.0.0.1'))).toContain('too-many-attempts');
  expect(await attempt(accounts, 'ann', password, from('10.0.0.2'))).toBe('verified');
});

test('a device and a session that were let in before are not locked out by strangers', async () => {
  const accounts = await open(await freshDatabase(), 2);
  await accounts.register('ann', password);
  const home = from('10.0.0.1');
  const device = await deviceOf(accounts, 'ann', home);
  // All there are: those of her own network, and those of the account.
  await guess(accounts, 3, 'ann', home);
  for (let network = 2; network < 20; network += 1) {
    await guess(accounts, 1, 'ann', from(`10.0.0.${network}`));
  }
  expect(await attempt(accounts, 'ann', password, from('10.0.0.99'))).toBe('too-many-attempts');
  expect(await attempt(accounts, 'ann', password, { ...home, device })).toBe('verified');
  expect(await attempt(accounts, 'ann', password, { ...home, session: 'handle' })).toBe('verified');
});

test('a known device may not guess for ever either, and is known for one account only', async () => {
  const accounts = await open(await freshDatabase(), 2);
  await accounts.register('ann', password);
  await accounts.register('bob', password);
  const device = await deviceOf(accounts, 'ann', from('10.0.0.1'));
  const asker = from('10.0.0.1', { device });
  expect((await guess(accounts, 3, 'ann', asker)).at(-1)).toBe('too-many-attempts');
  await guess(accounts, 2, 'bob', from('10.0.0.1'));
  expect(await attempt(accounts, 'bob', password, asker)).toBe('too-many-attempts');
});

test('a device that was made up, or is from before a change of password, is a stranger', async () => {
  const accounts = await open(await freshDatabase(), 2);
  await accounts.register('ann', password);
  const checked = await accounts.verify('ann', password, from('10.0.0.1'));
  if (checked.outcome !== 'verified') throw new Error(checked.reason);
  const device = checked.user.newDevice ?? '';
  expect(await accounts.setPassword(checked.user, 'another horse')).toBe(true);
  await guess(accounts, 2, 'ann', from('10.0.0.1'));
  const madeUp = `${'A'.repeat(24)}.${'A'.repeat(43)}`;
  for (const each of [device, madeUp, '', 'x'.repeat(10_000), '"; drop table users']) {
    const asker = from('10.0.0.1', { device: each });
    expect(await attempt(accounts, 'ann', 'another horse', asker)).toBe('too-many-attempts');
  }
});

test('who tries one password on many names is slowed down, and nobody elsewhere', async () => {
  const accounts = await open(await freshDatabase(), 1);
  const spray = async (address: string, names: number) => {
    const said: string[] = [];
    for (let name = 0; name < names; name += 1) {
      said.push(await attempt(accounts, `user ${address} ${name}`, password, from(address)));
    }
    return said;
  };
  const said = await spray('2001:db8::1', 31);
  expect(said.indexOf('too-many-attempts')).toBe(30);
  expect(await spray('2001:db8::ffff:1', 1)).toEqual(['too-many-attempts']);
  expect(await spray('2001:db8:0:1::1', 1)).toEqual(['unknown-user']);
});

test('who has many networks of one site is slowed down all the same', async () => {
  const accounts = await open(await freshDatabase(), 1);
  const said: string[] = [];
  for (let n = 0; n < 121; n += 1) {
    said.push(await attempt(accounts, `user ${n}`, password, from(`2001:db8:7:${n}::1`)));
  }
  expect(said.indexOf('too-many-attempts')).toBe(120);
  expect(await attempt(accounts, 'user', password, from('2001:db8:8::1'))).toBe('unknown-user');
});

test('who registers name after name waits, and the users of that network log in', async () => {
  const accounts = await open(await freshDatabase(), 1);
  const register = (number: number, address?: string) =>
    accounts.register(`user ${number}`, password, address).then(
      () => 'registered',
      (error: OperatingError) => error.code,
    );
  const said: string[] = [];
  for (let n = 0; n < 31; n += 1) said.push(await register(n, '10.0.0.1'));
  expect(said.indexOf('too-many-attempts')).toBe(30);
  expect(await attempt(accounts, 'user 1', password, from('10.0.0.1'))).toBe('verified');
  expect([await register(31, '10.0.0.2'), await register(32)]).toEqual([
    'registered',
    'registered',
  ]);
});

test('what a network is refused costs the account that it aimed at nothing', async () => {
  const accounts = await open(await freshDatabase(), 1);
  await accounts.register('ann', password);
  expect(await guess(accounts, 20, 'ann', from('10.0.0.1'))).toContain('too-many-attempts');
  expect(await attempt(accounts, 'ann', password, from('10.0.0.2'))).toBe('verified');
});

test('while the buckets cannot be reached each server has its own, which are stricter', async () => {
  const url = await freshDatabase();
  const accounts = await open(url, 10, 1_000);
  await accounts.register('ann', password);
  await withClient(url, async (locker) => {
    await locker.query('begin; lock table login_attempts');
    expect(await guess(accounts, 3, 'ann', from('10.0.0.1'))).toEqual([
      'wrong-password',
      'wrong-password',
      'too-many-attempts',
    ]);
    expect(await attempt(accounts, 'ann', password, from('10.0.0.2'))).toBe('verified');
    await locker.query('rollback');
  });
  expect(await attempt(accounts, 'ann', password, from('10.0.0.1'))).toBe('verified');
});

test('empty buckets are cleared away, and full ones are not', async () => {
  const url = await freshDatabase();
  const accounts = await open(url, 1);
  const rows = () =>
    withClient(url, async (client) => {
      const found = await client.query('select count(*)::int as count from login_attempts');
      return found.rows[0].count;
    });
  await guess(accounts, 1, 'ann', from('10.0.0.1'));
  await withClient(url, (client) =>
    client.query(`insert into login_attempts select 'old:' || n, now() - interval '1 s'
      from generate_series(1, 500) as n`),
  );
  expect(await rows()).toBe(503);
  await guess(accounts, 63, 'ann', from('10.0.0.1'));
  expect(await rows()).toBe(3);
});

describe('of a network', () => {
  test.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['192.0.2.1:5678', '192.0.2.1'],
    ['[2001:db8:1:2::3]:5678', '2001:db8:1:2::/64'],
    ['[2001:db8:1:2::3]', '2001:db8:1:2::/64'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:DB8:1:2::', '2001:db8:1:2::/64'],
    ['2001:db8::6', '2001:db8:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
    ['64:ff9b::192.0.2.1', '64:ff9b:0:0::/64'],
    ['no address', 'no address'],
  ])('%s is one of %s', (address, network) => {
    expect(networkOf(address)).toBe(network);
  });
});
