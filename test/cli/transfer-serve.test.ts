// `sessionlab transfer serve`, and being somebody by logging in: the lines that it prints work, the
// files outlive it with their owners, and Ctrl-C leaves nothing else.

import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, inject, test } from 'vitest';
import { logIn } from '../../src/cli/transfer-login.ts';
import { freshDatabase } from '../support/backing.ts';
import { temporaryFolder } from '../transfer/client-ground.ts';
import { type Command, openRoom, type Room } from './command.ts';

const main = new URL('../../src/cli/main.ts', import.meta.url).pathname;
const password = 'correct horse';
const npm = 'npm run -s sessionlab -- ';

async function services(): Promise<NodeJS.ProcessEnv> {
  return { DATABASE_URL: await freshDatabase(), REDIS_URL: inject('redisUrl') };
}

interface Served {
  readonly command: Command;
  readonly api: string;
  /** What is to be typed, in order. */
  readonly lines: readonly string[];
}

async function serve(room: Room, args: readonly string[], env: NodeJS.ProcessEnv): Promise<Served> {
  const ports = ['--port', '0', '--http-port', '0'];
  const command = room.run(['transfer', 'serve', ...ports, ...args], env);
  await command.says(/--help\n/);
  const lines = command.stdout.match(/^(curl|npm run) .*$/gm) ?? [];
  return { command, api: /HTTP {3}(\S+)/.exec(command.stdout)?.[1] ?? '', lines };
}

async function type(line: string | undefined, cwd: string): Promise<string> {
  const typed = String(line).replace(npm, `${process.execPath} ${main} `);
  const env = { ...process.env, NODE_OPTIONS: undefined, SESSIONLAB_PASSWORD: password };
  const { stdout } = await promisify(execFile)('sh', ['-ec', typed], { cwd, env });
  return stdout;
}

test('the lines of serve work, and files outlive it with their owners', async () => {
  await using room = await openRoom();
  const folder = join(await temporaryFolder(), 'kept');
  const env = await services();
  const first = await serve(room, ['--folder', folder], env);
  const [register, send] = first.lines;
  expect(JSON.parse(await type(register, '.'))).toEqual({ username: 'alice' });
  const asNobody = type(send?.replace(/ --user .*/, ''), '.');
  await expect(asNobody).rejects.toThrow('say who you are');
  expect(await type(send, '.')).toMatch(/^✓ README\.md .* text\/markdown/);
  first.command.process.kill('SIGINT');
  expect(await first.command.ended()).toBe(0);
  expect(await room.remains()).toEqual([]);
  expect((await readdir(folder)).toSorted()).toEqual(['transfer.log', 'vault']);

  const second = await serve(room, ['--folder', folder, '--answer', 'token'], env);
  expect(second.lines).toHaveLength(first.lines.length);
  expect(await type(second.lines[2], '.')).toMatch(/ you .* README\.md$/m);
  const elsewhere = await temporaryFolder();
  expect(await type(second.lines[3], elsewhere)).toMatch(/^✓ README\.md/);
  expect(await readdir(join(elsewhere, 'received'))).toEqual(['README.md']);
  second.command.process.kill('SIGINT');
  expect(await second.command.ended()).toBe(0);
});

test('what keeps it from serving, or ends it, is said in a few lines', async () => {
  await using room = await openRoom();
  const folder = await temporaryFolder();
  const env = await services();
  const refused = (args: readonly string[], ports = ['--port', '0', '--http-port', '0']) =>
    room.run(['transfer', 'serve', ...ports, ...args], env);
  const first = await serve(room, ['--folder', folder], env);
  const { port } = new URL(first.api);
  const second = refused(['--folder', folder]);
  expect(await second.ended()).toBe(3);
  expect(second.stderr).toContain(`Another process writes the vault ${folder}`);
  const taken = refused([], ['--port', '0', '--http-port', port]);
  expect(await taken.ended()).toBe(64);
  expect(taken.stderr).toContain(`Port ${port} is taken`);
  const inFile = refused(['--folder', join(folder, 'transfer.log')]);
  expect(await inFile.ended()).toBe(64);
  const noFolder = refused(['--folder', '/proc/nothing']);
  expect(await noFolder.ended()).toBe(64);
  expect(noFolder.stderr).toContain('/proc/nothing');
  for (const { stderr } of [second, taken, inFile, noFolder]) expect(stderr).not.toMatch(/^ +at /m);

  const [, pid] = /process (\d+)/.exec(first.command.stdout) ?? [];
  process.kill(Number(pid), 'SIGKILL');
  expect(await first.command.ended()).toBe(3);
  expect(first.command.stderr).toContain('died by itself: SIGKILL');
  expect(first.command.stderr).toContain(join(folder, 'transfer.log'));
});

test('a token is renewed before it has expired, and a login ends with its command', async () => {
  await using room = await openRoom();
  const folder = await temporaryFolder();
  const env = { ...(await services()), ACCESS_TOKEN_MS: '4000' };
  const { command, api, lines } = await serve(room, ['--folder', folder, '--answer', 'token'], env);
  await type(lines[0], '.');
  const { signal } = new AbortController();
  const wrong = logIn({ api, user: 'alice', signal }, 'wrong horse');
  await expect(wrong).rejects.toMatchObject({ code: 'wrong-credentials' });

  const login = await logIn({ api, user: 'alice', signal }, password);
  const first = await login.credential();
  expect(await login.credential(), 'while it is young').toEqual(first);
  await expect.poll(() => login.credential()).not.toEqual(first);
  const { value } = await login.credential();
  const sessions = async (authorization: string) =>
    (await fetch(`${api}/sessions`, { headers: { authorization } })).status;
  expect(await sessions(value)).toBe(200);
  const other = await logIn({ api, user: 'alice', signal }, password);
  const { value: own } = await other.credential();
  const list = async () =>
    (await (await fetch(`${api}/sessions`, { headers: { authorization: own } })).json()) as {
      sessions: unknown[];
    };
  expect((await list()).sessions).toHaveLength(2);
  await login[Symbol.asyncDispose]();
  expect((await list()).sessions).toHaveLength(1);
  await other[Symbol.asyncDispose]();
  command.process.kill('SIGINT');
  expect(await command.ended()).toBe(0);
});

test('with --anonymous whoever comes may send, and see it', async () => {
  await using room = await openRoom();
  const folder = await temporaryFolder();
  const env = await services();
  const { command, lines } = await serve(room, ['--folder', folder, '--anonymous'], env);
  expect(await type(lines[0], '.')).toMatch(/^✓ README\.md/);
  expect(await type(lines[1], '.')).toMatch(/ anybody .* README\.md$/m);
  command.process.kill('SIGINT');
  expect(await command.ended()).toBe(0);
});
