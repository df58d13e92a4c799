// The audit log of a server: what was answered is on record, over a kill too; and while nothing can
// be put on record nobody gains a right, and everybody can still give theirs up.

import { mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { AuditRecord } from '../../src/audit/audit-log.ts';
import { newAuditKey, readVerifyingKeys } from '../../src/audit/head.ts';
import { verifyLogs } from '../../src/audit/verify.ts';
import { openAuditLog } from '../../src/audit/writer.ts';
import { withClient } from '../../src/backing/databases.ts';
import { ConfigError, readConfig } from '../../src/server/config.ts';
import { recordsIn } from '../audit/ground.ts';
import {
  answers,
  clientAt,
  clientOf,
  environment,
  password,
  startApp,
  startReplica,
} from './ground.ts';

const main = '../../src/server/main.ts';

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'sessionlab-server-audit-'));
  onTestFinished(() => rm(made, { recursive: true, force: true }));
  return made;
}

const kindsOf = (records: readonly AuditRecord[]) => records.map(({ kind }) => kind);

test('what a server has answered is on record, though it is killed at once, and the next life goes on', async () => {
  const AUDIT_FOLDER = await folder();
  const AUDIT_ANCHOR = await folder();
  const log = join(AUDIT_FOLDER, 's7');
  const given = await environment(answers[1]);
  const env = {
    ...given,
    ...{
      AUDIT_FOLDER,
      AUDIT_ANCHOR,
      AUDIT_KEY: newAuditKey(),
      REPLICA: 's7',
      ADMIN_USERS: 'canary',
    },
  };
  {
    await using first = await startReplica(main, { ...env, INCARNATION: '1' });
    const me = clientAt(first.url);
    await me.ask('POST', '/register', { username: 'alice', password });
    await me.logIn('alice');
    await me.ask('POST', '/step-up', { password });
    await me.ask('POST', '/logout');
  }
  await using second = await startReplica(main, { ...env, INCARNATION: '2' });
  const again = clientAt(second.url);
  await again.logIn('alice');
  second.child.kill('SIGTERM');
  expect(await second.ended).toBe(0);

  const records = await recordsIn(log);
  expect(kindsOf(records)).toEqual([
    ...['started', 'registered', 'login', 'step-up', 'logout'],
    ...['started', 'login', 'stopped'],
  ]);
  const [started, registered, login, , logout, restarted] = records;
  expect(started).toMatchObject({ server: 's7#1', owasp: 'sys_startup' });
  expect(restarted).toMatchObject({ server: 's7#2' });
  expect(started).toMatchObject({
    settings: {
      STORE: 'memory',
      DATABASE_URL: '(set, not shown)',
      ADMIN_USERS: '(set, not shown)',
    },
  });
  const { userId } = registered as { userId: string };
  expect(login).toMatchObject({ userId, session: expect.stringMatching(/^[\w-]{16}$/) });
  expect(logout).toMatchObject({ userId, session: Object(login).session });
  const text = await readFile(join(log, '000001.ndjson'), 'utf8');
  for (const secret of [password, env.AUDIT_KEY, given.DATABASE_URL, 'alice', 'canary']) {
    expect(text).not.toContain(secret);
  }
  const keys = readVerifyingKeys(env.AUDIT_KEY);
  expect(await verifyLogs(AUDIT_FOLDER, { anchor: AUDIT_ANCHOR, keys })).toEqual([
    expect.objectContaining({ log: 's7' }),
  ]);
});

test.each([answers[0], answers[1]])(
  'while $strategy on $store can record nothing nobody gains a right, and endings are honoured',
  async (answer) => {
    const room = await folder();
    // Each record needs a new file, so that a folder that is gone is noticed at once.
    await using audit = await openAuditLog({ folder: room, log: 's1', segmentBytesMax: 1 });
    await using server = await startApp(answer, {}, { audit });
    const [alice, bob, carol, root] = [1, 2, 3, 4].map(() => clientOf(server.app));
    if (!alice || !bob || !carol || !root) throw new Error('four were made');
    for (const [client, name] of [
      [alice, 'alice'],
      [carol, 'carol'],
      [root, 'root'],
    ] as const) {
      await client.ask('POST', '/register', { username: name, password });
      await client.logIn(name);
    }
    await bob.ask('POST', '/register', { username: 'bob', password });
    const promote = "UPDATE users SET role = 'admin' WHERE name = 'root'";
    await withClient(server.databaseUrl, (client) => client.query(promote));

    await rename(join(room, 's1'), join(room, 'gone'));
    const late = await bob.logIn('bob');
    expect([late.status, late.body.code]).toEqual([503, 'audit-unavailable']);
    expect([late.headers['set-cookie'], late.body.accessToken]).toEqual([undefined, undefined]);
    expect(late.headers['retry-after']).toBeDefined();
    const refused = [
      await bob.ask('POST', '/register', { username: 'dave', password }),
      await bob.logIn('bob'),
      await alice.ask('POST', '/step-up', { password }),
      await alice.ask('POST', '/password', { password, newPassword: `${password}!` }),
      await alice.ask('PUT', '/email', { email: 'a@example.org' }),
      await root.ask('GET', '/admin/users/bob/sessions'),
      await root.ask('POST', '/admin/users/bob/enable'),
    ];
    expect(new Set(refused.map(({ body }) => body.code))).toEqual(new Set(['audit-unavailable']));
    const { refreshToken } = alice;
    const renewed = await alice.ask('POST', '/refresh', refreshToken && { refreshToken });
    expect(renewed.status).toBe(answer.strategy === 'token' ? 503 : 200);
    expect((await alice.ask('GET', '/dashboard')).status).toBe(200);

    expect((await alice.ask('POST', '/logout')).status).toBe(204);
    expect((await root.ask('POST', '/admin/users/carol/disable')).body).toEqual({ ended: 1 });
    if (refreshToken) {
      expect((await alice.copy().ask('POST', '/refresh', { refreshToken })).status).not.toBe(200);
    } else expect((await alice.ask('GET', '/dashboard')).status).toBe(401);
    const { body } = await bob.ask('GET', '/metrics');
    expect(body).toMatch(/^sessionlab_audit_writable 0$/m);
    expect(body).toMatch(/^sessionlab_audit_waiting [1-9]\d*$/m);

    await rename(join(room, 'gone'), join(room, 's1'));
    await expect.poll(() => audit.canRecord).toBe(true);
    expect((await bob.logIn('bob')).status).toBe(200);
    expect((await bob.ask('GET', '/sessions')).body.sessions).toHaveLength(1);
    const about = (await recordsIn(join(room, 's1'))).slice(7);
    expect(kindsOf(about).filter((kind) => kind !== 'credential-refused')).toEqual([
      ...['login', 'session-ended'],
      ...(answer.strategy === 'token' ? [] : ['refresh']),
      ...['logout', 'account-disabled', 'login'],
    ]);
    expect(about[1]).toMatchObject({ reason: 'unrecorded', session: Object(about[0]).session });
  },
);

test('settings of a log that there is not are refused', () => {
  const refused = (settings: Record<string, string>) => () => readConfig(settings);
  expect(refused({ AUDIT_KEY: newAuditKey() })).toThrow(ConfigError);
  expect(refused({ AUDIT_ANCHOR: '/anchors' })).toThrow(/^AUDIT_ANCHOR: holds no log/);
  expect(refused({ AUDIT_RETAIN_MS: '1000' })).toThrow(/^AUDIT_RETAIN_MS: .*AUDIT_ANCHOR$/);
});
