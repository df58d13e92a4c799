// What `sessionlab audit` says of logs of a gateway and two servers, and how it ends.

import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openAuditLog } from '../../src/audit/writer.ts';
import type { SecurityEvent } from '../../src/core/security-event.ts';
import { accessLine, temporaryFolder } from './ground.ts';

const program = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const ground = temporaryFolder();
afterAll(() => ground[Symbol.dispose]());
const logs = join(ground.folder, 'logs');
const anchor = join(ground.folder, 'anchor');
const keyFile = join(ground.folder, 'key.json');

function audit(...args: string[]): Promise<{ readonly code: number; readonly text: string }> {
  const env = { ...process.env, NO_COLOR: '1' };
  return new Promise((resolve) => {
    execFile(process.execPath, [program, 'audit', ...args], { env }, (error, stdout, stderr) => {
      resolve({ code: Number(error?.code ?? 0), text: stdout + stderr });
    });
  });
}

const alice = { userId: 'a11ce000-1111-4222-8333-444455556666', session: 'Q7WkAbCdEfGhIjKl' };
const bob = { userId: 'b0b00000-1111-4222-8333-444455556666', session: 'Zz9yXxWwVvUuTtSs' };

/** What happens in one millisecond has no order over several logs. */
async function nextMillisecond(): Promise<void> {
  const now = Date.now();
  while (Date.now() === now) await setImmediate();
}

/** Two users on two servers: alice is known to both, bob guesses first and is thrown out last. */
beforeAll(async () => {
  const key = (await audit('key')).text;
  writeFileSync(keyFile, key);
  const open = (log: string) => openAuditLog({ folder: logs, log, anchor, key });
  await using s1 = await open('s1');
  await using s2 = await open('s2');
  await using gateway = await open('gateway');
  const event = (kind: SecurityEvent['kind'], more: object) =>
    ({
      kind,
      time: 0,
      severity: 'info',
      outcome: 'success',
      server: 's1#1',
      ...more,
    }) as SecurityEvent;
  const pass = async (requestId: string, by: string, who: typeof alice | null, status = 200) => {
    await nextMillisecond();
    const served = { by, route: '/dashboard', ...(who ?? { userId: null, session: null }) };
    const access = { ...accessLine(requestId), time: new Date().toISOString(), status, served };
    await gateway.copy([{ kind: 'access', access, source: { file: 'f', end: 1 } }]);
    await nextMillisecond();
  };
  await s1.append({ kind: 'started', server: 's1#1', settings: { STRATEGY: 'session' } });
  await s1.append(event('login', { ...alice, requestId: 'request-0001' }));
  await pass('request-0001', 's1#1', alice);
  const wrong = { outcome: 'failure', severity: 'warning', reason: 'wrong-password', count: 3 };
  await s2.append(event('login-refused', { ...wrong, server: 's2#1', requestId: 'request-0002' }));
  await pass('request-0002', 's2#1', null, 401);
  await s2.append(event('login', { ...bob, server: 's2#1', requestId: 'request-0003' }));
  await pass('request-0003', 's2#1', bob);
  await pass('request-0004', 's2#1', alice);
  await s1.append(event('reuse-detected', { ...bob, severity: 'alert', outcome: 'failure' }));
  const ended = { ...bob, actorId: alice.userId, reason: 'ended-by-admin' };
  await s1.append(event('session-ended', { ...ended, requestId: 'request-0005' }));
  await pass('request-0005', 's1#1', alice, 204);
});

test('a person is followed over the gateway and all servers, by the beginning of their id', async () => {
  const { code, text } = await audit('show', logs, '--user', 'a11ce000');
  expect(code).toBe(0);
  const rows = text.trim().split('\n').slice(1);
  expect(rows.map((row) => row.replace(/^\S+ \S+ +/, '').replaceAll(/ {2,}/g, ' | '))).toEqual([
    's1#1 | login | ✓ success | a11ce000 | Q7WkAbCd | request-',
    'gateway > s1#1 | GET /dashboard | 200 | a11ce000 | Q7WkAbCd | request-',
    'gateway > s2#1 | GET /dashboard | 200 | a11ce000 | Q7WkAbCd | request-',
    's1#1 | session-ended | ✓ ended-by-admin | b0b00000 by a11ce000 | Zz9yXxWw | request-',
    'gateway > s1#1 | GET /dashboard | 204 | a11ce000 | Q7WkAbCd | request-',
  ]);
  const session = await audit('show', logs, '--session', bob.session, '--json');
  expect(session.text.trim().split('\n')).toHaveLength(5);
  const request = await audit('show', logs, '--request', 'request-0002');
  expect(request.text).toContain('wrong-password');
  expect(request.text.trim().split('\n')).toHaveLength(3);
});

test('a report fits on one screen and says who was served as whom, by which server', async () => {
  const { code, text } = await audit('report', logs, '--anchor', anchor, '--key', keyFile);
  expect(code).toBe(0);
  expect(text.split('\n').length).toBeLessThan(40);
  for (const said of [
    /INTACT +gateway +records 1 to 5, anchored to 5/,
    /logins +2 +registrations 0/,
    /logins refused +wrong-password 3/,
    /sessions ended +ended-by-admin 1/,
    /reuse of credentials +! 1/,
    /session-ended \(ended-by-admin\) of user b0b00000, session Zz9yXxWw, by a11ce000/,
    /requests +2xx 4 +4xx 1/,
    /a11ce000 +Q7WkAbCd +s1#1 \(2\) s2#1 \(1\)/,
    /b0b00000 +Zz9yXxWw +s2#1 \(1\)/,
  ]) {
    expect(text).toMatch(said);
  }
  const { served } = JSON.parse((await audit('report', logs, '--json')).text);
  expect(served).toContainEqual({ ...alice, by: 's2#1', requests: 1 });
  const none = JSON.parse((await audit('report', logs, '--json', '--to', '2020-01-01')).text);
  expect(none).toMatchObject({ records: 0, logins: 0, served: [] });
});

test('what is broken is named with its log, file and line, and the command fails', async () => {
  const whole = await audit('verify', logs, '--anchor', anchor, '--key', keyFile);
  expect(whole.code).toBe(0);
  const file = join(logs, 's2', '000001.ndjson');
  const text = readFileSync(file, 'utf8');
  writeFileSync(file, text.replace('wrong-password', 'unknown-user'));
  const broken = await audit('verify', logs, '--anchor', anchor, '--key', keyFile);
  expect(broken.code).toBe(1);
  expect(broken.text).toMatch(/BROKEN +s2 +record 1 \(000001\.ndjson line 1\)/);
  expect(broken.text).toMatch(/INTACT +s1 /);
  writeFileSync(file, text);
});

test.each([
  [['verify'], 64, /missing required argument/],
  [['show', logs], 64, /Say one of --user/],
  [['show', logs, '--user', 'a'], 64, /first eight characters/],
  [['report', logs, '--from', 'yesterday'], 64, /2026-11-23T06:00Z/],
  [['verify', join(ground.folder, 'nowhere')], 3, /There is no audit log in/],
  [['verify', logs, '--key', join(ground.folder, 'nowhere')], 64, /The key cannot be read/],
  [['verify', logs, '--anchor', 'postgres://u:canary@127.0.0.1:1/x'], 3, /anchor cannot be read/],
])('%j is refused with what to do instead', async (args, code, says) => {
  const refused = await audit(...args);
  expect(refused.code).toBe(code);
  expect(refused.text).toMatch(says);
  expect(refused.text).not.toMatch(/canary| at .*\.ts:/);
});
