// Users against a real PostgreSQL: who may register, who is verified, and what is said when the
// database is slow, gone or silent. Hashes are cheap here.

import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { Client } from 'pg';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type Accounts, type Asker, openAccounts } from '../../src/accounts/accounts.ts';
import { withClient } from '../../src/backing/databases.ts';
import { OperatingError } from '../../src/core/errors.ts';
import { freshDatabase } from '../support/backing.ts';

const hashing = { memoryKib: 64, passes: 1 };
const password = 'correct horse';
const home: Asker = { address: '127.0.0.1' };

async function open(databaseUrl: string, timeoutMs = 2_000): Promise<Accounts> {
  const accounts = await openAccounts({ databaseUrl, hashing, timeoutMs });
  onTestFinished(() => accounts[Symbol.asyncDispose]());
  return accounts;
}

async function query(url: string, sql: string) {
  const client = new Client(url);
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

/** Who is verified, asked from one address. */
async function verify(accounts: Accounts, name: string, secret: string, asker = home) {
  const verified = await accounts.verify(name, secret, asker);
  return verified.outcome === 'verified' ? verified.user : undefined;
}

const outcome = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'done',
    (error: unknown) => (error instanceof OperatingError ? error.code : String(error)),
  );

test('replicas that start together make the tables once', async () => {
  const url = await freshDatabase();
  const replicas = await Promise.all(Array.from({ length: 8 }, () => open(url)));
  await Promise.all(replicas.map((replica) => replica.ping()));
  expect(await query(url, 'select name from accounts_migration')).toEqual([
    { name: '1-users' },
    { name: '2-production' },
  ]);
});

test('a role that may not make tables can start once they are there', async () => {
  const url = await freshDatabase();
  await open(url);
  const role = `reader_${process.pid}_${Date.now()}`;
  await query(
    url,
    `create role ${role} login password 'reader-password';
     grant select, insert, update, delete on all tables in schema public to ${role}`,
  );
  onTestFinished(async () => {
    await query(url, `drop owned by ${role}; drop role ${role}`);
  });
  const limited = new URL(url);
  limited.username = role;
  limited.password = 'reader-password';
  const accounts = await open(limited.href);
  await accounts.register('ann', password);
  expect(await verify(accounts, 'ann', password)).toMatchObject({ name: 'ann' });
});

test('a user is verified by the password and by nothing else, on every replica', async () => {
  const url = await freshDatabase();
  const [one, other] = await Promise.all([open(url), open(url)]);
  const user = await one.register('Ann', password);
  expect(user.name).toBe('Ann');
  expect(await verify(other, 'Ann', password)).toMatchObject(user);
  for (const wrong of [
    'correct hors',
    'Correct horse',
    `${password}\0`,
    '',
    'x'.repeat(1_000_000),
  ]) {
    expect(await verify(other, 'Ann', wrong)).toBeUndefined();
  }
  for (const nobody of ['Anna', '', "' or 1=1 --", 'Ann\0', 'x'.repeat(1_000_000)]) {
    expect(await verify(other, nobody, password)).toBeUndefined();
  }
});

test('the spelling of a name makes no second user', async () => {
  const accounts = await open(await freshDatabase());
  const user = await accounts.register(' Zoë Weiß ', password);
  expect(user.name).toBe('Zoë Weiß');
  for (const same of ['zoë weiß', 'ZOË WEISS', 'Zoe\u0308 Weiß', 'Ｚｏë  Weiß']) {
    expect(await outcome(accounts.register(same, password))).toBe('name-taken');
    expect(await verify(accounts, same, password)).toMatchObject(user);
  }
});

test('a password is the same however its letters are composed', async () => {
  const accounts = await open(await freshDatabase());
  const user = await accounts.register('ann', 'Ünïcödé\0!');
  expect(await verify(accounts, 'ann', 'Ünïcödé\0!'.normalize('NFD'))).toMatchObject(user);
});

test('of parallel registrations of one name exactly one succeeds', async () => {
  const url = await freshDatabase();
  const replicas = await Promise.all([open(url), open(url)]);
  const outcomes = await Promise.all(
    Array.from({ length: 20 }, (_, number) =>
      outcome((replicas[number % 2] as Accounts).register(number % 3 ? 'Ann' : 'ann', password)),
    ),
  );
  expect(outcomes.filter((each) => each === 'done')).toHaveLength(1);
  expect(outcomes.filter((each) => each === 'name-taken')).toHaveLength(19);
});

test('names and passwords that break a rule are refused before any work', async () => {
  const accounts = await open(await freshDatabase());
  const invisible = ['a\u200bb', 'a\u202eb', 'a\0b', 'a\nb', '\ud800', 'a\u034fb', '\u3164'];
  for (const name of ['', ' ', 'x'.repeat(65), 'ﷺ'.repeat(4), ...invisible]) {
    expect(await outcome(accounts.register(name, password))).toBe('invalid-request');
  }
  for (const bad of ['', '1234567', 'x'.repeat(129), 'x'.repeat(1_000_000), `12345678\ud800`]) {
    expect(await outcome(accounts.register('ann', bad))).toBe('invalid-request');
  }
  await accounts.register('x'.repeat(64), '😀'.repeat(128));
});

test('what is stored of a password is a salted Argon2id hash', async () => {
  const url = await freshDatabase();
  const accounts = await open(url);
  await accounts.register('ann', password);
  await accounts.register('bob', password);
  const [ann, bob] = (await query(url, 'select password_hash from users')).map(
    (row) => row.password_hash,
  );
  expect(ann).toMatch(/^\$argon2id\$v=19\$m=64,t=1,p=1\$[\w+/]{22}\$[\w+/]{43}$/);
  expect(ann).not.toBe(bob);
});

describe('when the database', () => {
  test('is slow, a change is surely not done, and a reading is refused in time', async () => {
    const url = await freshDatabase();
    const accounts = await open(url, 2_000);
    const locker = new Client(url);
    await locker.connect();
    onTestFinished(() => locker.end());
    await locker.query('begin; lock table users');
    const begun = performance.now();
    expect(await outcome(accounts.register('ann', password))).toBe('accounts-unavailable');
    expect(await outcome(verify(accounts, 'ann', password))).toBe('accounts-unavailable');
    expect(performance.now() - begun).toBeLessThan(5_500);
    await locker.query('rollback');
    await accounts.register('ann', password);
  });

  test('is slow, waiting for a connection and for its answer take no longer together', async () => {
    const url = await freshDatabase();
    const accounts = await open(url, 1_000);
    await withClient(url, async (locker) => {
      await locker.query('begin; lock table users');
      const begun = performance.now();
      const said = await Promise.all(
        Array.from({ length: 12 }, () => outcome(verify(accounts, 'ann', password))),
      );
      expect(performance.now() - begun).toBeLessThan(1_900);
      expect(said).toEqual(Array(12).fill('accounts-unavailable'));
    });
  });

  test('answers nobody, soon nobody waits for it', async () => {
    const relay = await relayTo(await freshDatabase());
    const accounts = await open(relay.url, 1_000);
    relay.muted = true;
    const ping = async () => {
      const begun = performance.now();
      expect(await outcome(accounts.ping())).toBe('accounts-unavailable');
      return performance.now() - begun;
    };
    const pings = (count: number) => Promise.all(Array.from({ length: count }, ping));
    await pings(4);
    // One of them asks whether it is back.
    expect((await pings(20)).toSorted((a, b) => a - b)[18]).toBeLessThan(900);
  });

  test('cannot be reached, opening says so', async () => {
    const refused = openAccounts({ databaseUrl: 'postgres://127.0.0.1:1/x', timeoutMs: 200 });
    expect(await outcome(refused)).toBe('accounts-unavailable');
  });

  test('falls silent, a change may have been done; and all is well when it speaks again', async () => {
    const url = await freshDatabase();
    const relay = await relayTo(url);
    const accounts = await open(relay.url, 1_000);
    await accounts.register('ann', password);
    relay.muted = true;
    expect(await outcome(accounts.register('bob', password))).toBe('accounts-outcome-unknown');
    expect(await outcome(accounts.register('eve', password))).toBe('accounts-unavailable');
    expect(await outcome(verify(accounts, 'ann', password))).toBe('accounts-unavailable');
    expect(await outcome(accounts.ping())).toBe('accounts-unavailable');
    relay.muted = false;
    const bob = () => verify(accounts, 'bob', password).catch(() => undefined);
    await expect.poll(bob).toMatchObject({ name: 'bob' });
  });

  test('is shut down under a change, the change may have been done', async () => {
    const url = await freshDatabase();
    const accounts = await open(url);
    const locker = new Client(url);
    await locker.connect();
    onTestFinished(() => locker.end());
    await locker.query('begin; lock table users');
    const registered = outcome(accounts.register('ann', password));
    const waiting = `select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'`;
    await expect.poll(() => query(url, waiting)).toHaveLength(1);
    expect(await registered).toBe('accounts-outcome-unknown');
  });

  test('ends every connection, the next request has a new one', async () => {
    const url = await freshDatabase();
    const accounts = await open(url);
    await accounts.ping();
    const ended = await query(
      url,
      `select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid()`,
    );
    expect(ended.length).toBeGreaterThan(0);
    expect(['done', 'accounts-unavailable']).toContain(await outcome(accounts.ping()));
    expect(await outcome(accounts.ping())).toBe('done');
  });
});

/** A way to the database on which answers can be held back for good. */
async function relayTo(url: string) {
  const target = new URL(url);
  const sockets: Socket[] = [];
  const relay = { muted: false, url: '' };
  const server = createServer((near) => {
    const far = connect(Number(target.port), target.hostname);
    sockets.push(near, far);
    near.on('data', (bytes) => far.write(bytes));
    far.on('data', (bytes) => relay.muted || near.write(bytes));
    for (const [from, to] of [[near, far] as const, [far, near] as const]) {
      from.on('error', () => to.destroy()).on('close', () => to.destroy());
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const own = new URL(url);
  own.hostname = '127.0.0.1';
  own.port = String((server.address() as AddressInfo).port);
  return Object.assign(relay, { url: own.href });
}

describe('an account', () => {
  const verified = async (accounts: Accounts, name: string, secret = password) => {
    const checked = await accounts.verify(name, secret, home);
    if (checked.outcome !== 'verified') throw new Error(checked.reason);
    return checked.user;
  };

  test('takes another password, after which the old one is nobody’s', async () => {
    const accounts = await open(await freshDatabase());
    await accounts.register('ann', password);
    expect(await accounts.setPassword(await verified(accounts, 'ann'), 'another horse')).toBe(true);
    expect(await verify(accounts, 'ann', password)).toBeUndefined();
    expect(await verify(accounts, 'ann', 'another horse')).toMatchObject({ name: 'ann' });
  });

  test('of two changes of password that saw the same one only one is made', async () => {
    const accounts = await open(await freshDatabase());
    await accounts.register('ann', password);
    const user = await verified(accounts, 'ann');
    const changes = ['first horse', 'second horse'].map((each) => accounts.setPassword(user, each));
    expect((await Promise.all(changes)).sort()).toEqual([false, true]);
  });

  test('that is disabled lets nobody in, says why only inside, and may be enabled', async () => {
    const accounts = await open(await freshDatabase());
    const { id: userId } = await accounts.register('ann', password);
    await accounts.disable(userId);
    const reason = 'account-disabled';
    const refused = { outcome: 'refused', reason, userId };
    expect(await accounts.verify('ann', password, home)).toEqual(refused);
    expect(await accounts.find('ANN')).toMatchObject({ id: userId, disabled: true });
    await accounts.enable(userId);
    expect(await accounts.byId(userId)).toMatchObject({ name: 'ann', disabled: false });
    expect(await verify(accounts, 'ann', password)).toMatchObject({ id: userId });
  });

  test('tells a login that is under way what has changed since', async () => {
    const accounts = await open(await freshDatabase());
    const { id } = await accounts.register('ann', password);
    const before = await verified(accounts, 'ann');
    expect(await accounts.changeSince(before)).toBeUndefined();
    await accounts.setPassword(before, 'another horse');
    expect(await accounts.changeSince(before)).toBe('password-changed');
    const after = await verified(accounts, 'ann', 'another horse');
    await accounts.disable(id);
    expect(await accounts.changeSince(after)).toBe('account-disabled');
    await accounts.enable(id);
    expect(await accounts.changeSince(after)).toBe('password-changed');
  });

  test('keeps an e-mail address, and none that cannot be one', async () => {
    const accounts = await open(await freshDatabase());
    const { id } = await accounts.register('ann', password);
    expect(await accounts.setEmail(id, ' Ann.Lee@EXAMPLE.Org ')).toBe('Ann.Lee@example.org');
    const none = ['', 'ann', '@example.org', 'a@b', 'a b@example.org', 'a@b..org', 'a\0@b.org'];
    for (const bad of [...none, `${'a'.repeat(65)}@example.org`, 'a'.repeat(1_000_000)]) {
      expect(await outcome(accounts.setEmail(id, bad)), bad.slice(0, 80)).toBe('invalid-request');
    }
    expect(await accounts.byId(id)).toMatchObject({ email: 'Ann.Lee@example.org' });
    expect(await accounts.setEmail(id, null)).toBeNull();
  });

  test('is an administrator’s by its role or by name, while it is enabled', async () => {
    const databaseUrl = await freshDatabase();
    const accounts = await open(databaseUrl);
    const ids: string[] = [];
    for (const name of ['root', 'ann', 'bob']) {
      ids.push((await accounts.register(name, password)).id);
    }
    await query(databaseUrl, "update users set role = 'admin' where name = 'ann'");
    const options = { databaseUrl, hashing, timeoutMs: 2_000, adminUsers: ['Root', 'boss'] };
    await using other = await openAccounts(options);
    const who = () => Promise.all(ids.map((id) => other.isAdmin(id)));
    expect(await who()).toEqual([true, true, false]);
    expect(await outcome(other.register('BOSS', password))).toBe('name-taken');
    for (const id of ids) await accounts.disable(id);
    expect(await who()).toEqual([false, false, false]);
    expect(await other.isAdmin('00000000-0000-4000-8000-000000000000')).toBe(false);
  });

  test('is not there until somebody registers it', async () => {
    const url = await freshDatabase();
    await open(url);
    expect(await query(url, 'select name from users')).toEqual([]);
  });

  test('is found once among all, however many there are', async () => {
    const url = await freshDatabase();
    const accounts = await open(url);
    await query(
      url,
      `insert into users (id, name, name_key, password_hash)
        select gen_random_uuid(), n, n, '' from generate_series(1, 1234) as n`,
    );
    const found: string[] = [];
    for await (const ids of accounts.ids()) found.push(...ids);
    expect([found.length, new Set(found).size]).toEqual([1234, 1234]);
  });
});

test('a login brings the stored hash to the cost of today, and leaves it alone after', async () => {
  const databaseUrl = await freshDatabase();
  const accounts = await open(databaseUrl);
  await accounts.register('ann', password);
  const stored = async () =>
    (await query(databaseUrl, 'select password_hash from users'))[0].password_hash;
  const before = await stored();
  const options = { databaseUrl, hashing: { memoryKib: 128, passes: 2 }, timeoutMs: 2_000 };
  await using today = await openAccounts(options);
  expect(await verify(today, 'ann', 'wrong horse')).toBeUndefined();
  expect(await stored()).toBe(before);
  expect(await verify(today, 'ann', password)).toMatchObject({ name: 'ann' });
  const after = await stored();
  expect(after).toMatch(/^\$argon2id\$v=19\$m=128,t=2,p=1\$/);
  expect(await verify(today, 'ann', password)).toMatchObject({ name: 'ann' });
  expect(await stored()).toBe(after);
});

test('a password that everybody tries first, or that holds the name, is refused [ASVS 6.2.4]', async () => {
  const accounts = await open(await freshDatabase());
  const wellKnown = ['password', 'PassWord', '12345678', 'qwertyuiop', 'iloveyou', 'trustno1'];
  for (const bad of [...wellKnown, '!!!ZOË WEISS!!!', 'zoë weiß']) {
    expect(await outcome(accounts.register('Zoë Weiß', bad)), bad).toBe('invalid-request');
  }
  const ann = await accounts.register('ann', '!!!ZOË WEISS!!!');
  expect(ann.name).toBe('ann');
  const checked = await accounts.verify('ann', '!!!ZOË WEISS!!!', home);
  if (checked.outcome !== 'verified') throw new Error(checked.reason);
  expect(await outcome(accounts.setPassword(checked.user, 'password1'))).toBe('invalid-request');
  await accounts.register('al', 'always a good one');
});
