// `sessionlab certs` as people and scripts use it; what it makes is tested with the certificates.

import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { Certificates } from '../../src/certificates/folder.ts';
import { openRoom } from './command.ts';

const room = await openRoom();
afterAll(() => room[Symbol.asyncDispose]());
const folder = join(room.results, 'certificates');

async function certs(...args: readonly string[]) {
  const command = room.run(['certs', ...args]);
  const code = await command.ended();
  return { code, stdout: command.stdout, stderr: command.stderr };
}

test('says what was made, until when it is good, and how it is trusted', async () => {
  const { code, stdout } = await certs(folder, '--host', 'shop.test', '--host', '10.0.0.5');
  expect(code).toBe(0);
  const json = await certs(folder, '--json');
  const { authority, certificate } = JSON.parse(json.stdout) as Certificates;
  for (const { file, fingerprint, validUntil } of [authority, certificate]) {
    for (const part of [file, fingerprint, validUntil]) expect(stdout).toContain(part);
  }
  expect(certificate.names).toEqual(['localhost', '127.0.0.1', '::1', 'shop.test', '10.0.0.5']);
  expect([authority.made, certificate.made]).toEqual([null, null]);
  const ways = ['curl', 'Node', 'Debian', 'Fedora', 'Chrome', 'macOS', 'Windows', 'Firefox'];
  for (const way of ways) expect(stdout).toMatch(new RegExp(`^ +${way}.*`, 'm'));
  expect(stdout + json.stdout).not.toMatch(/PRIVATE|CERTIFICATE--/);
});

test.each([
  [['--host', 'https://shop.test'], 64, 'host name or an IP address'],
  [['--name', 'ca'], 64, 'not ca'],
  [['--name', '../server'], 64, 'a-z'],
  [['--name', 'server-key'], 64, 'no key'],
  [['--host', 'bank.example'], 3, 'and not for bank.example'],
])('what cannot be done is said: %j', async (args, code, hint) => {
  await certs(folder);
  const refused = await certs(folder, ...args);
  expect(refused.stderr).toContain(hint);
  expect(refused.stderr).not.toMatch(/^ {4}at /m);
  expect([refused.code, refused.stdout]).toEqual([code, '']);
});
