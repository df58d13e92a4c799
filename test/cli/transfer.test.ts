// `sessionlab transfer` as people and scripts use it: what it says and where, how it ends, that one
// file's failure is not another's, and that no secret is seen. It is the program of the images that
// is asked, which has no laboratory in it.

import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { breakingWay, clientOf, startServer, temporaryFolder } from '../transfer/client-ground.ts';
import { hasTerminal } from './command.ts';

const main = fileURLToPath(new URL('../../src/cli/operator.ts', import.meta.url));
const alice = 'authorization: Bearer alice';

interface Given {
  readonly input?: string | Buffer;
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** Sent once this is said. */
  readonly type?: readonly [when: RegExp, text: string];
  readonly interruptWhen?: () => boolean;
}

async function run(args: readonly string[], given: Given = {}, program = process.execPath) {
  const own = program === process.execPath ? [main, 'transfer', ...args] : args;
  const child = spawn(program, own, {
    ...(given.cwd && { cwd: given.cwd }),
    env: { ...process.env, NODE_OPTIONS: undefined, FORCE_COLOR: undefined, ...given.env },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [out, err]: [Buffer[], Buffer[]] = [[], []];
  const { type } = given;
  let isTyped = false;
  child.stdout.on('data', (chunk: Buffer) => {
    out.push(chunk);
    if (isTyped || !type?.[0].test(String(Buffer.concat(out)))) return;
    isTyped = true;
    child.stdin.write(type[1]);
  });
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
  if (type === undefined) child.stdin.on('error', () => undefined).end(given.input ?? '');
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  if (given.interruptWhen) {
    await expect.poll(given.interruptWhen, { timeout: 20_000, interval: 10 }).toBe(true);
    child.kill('SIGINT');
  }
  const code = await ended;
  return {
    code,
    bytes: Buffer.concat(out),
    stdout: `${Buffer.concat(out)}`,
    stderr: `${Buffer.concat(err)}`,
  };
}

const at = (port: number, credential = alice) => ({
  env: { SESSIONLAB_SERVER: `127.0.0.1:${port}`, SESSIONLAB_CREDENTIAL: credential },
});

test('files and folders are sent, listed, received and removed', async () => {
  const { port } = await startServer();
  const folder = await temporaryFolder();
  await mkdir(join(folder, 'photos', 'june'), { recursive: true });
  await writeFile(join(folder, 'photos', 'june', 'sea.txt'), 'the sea\n');
  await writeFile(join(folder, 'notes.txt'), 'notes\n');
  const given = { ...at(port), cwd: folder };

  const sent = await run(['send', 'photos', 'notes.txt'], given);
  expect(sent).toMatchObject({ code: 0 });
  expect(sent.stdout).toMatch(/^✓ photos--june--sea\.txt +8 B {2}[0-9a-f]{12} {2}text\/plain/m);
  expect(sent.stderr).toMatch(/^2 of 2 sent · 14 B in/);
  const listed = await run(['list'], given);
  expect(listed.stdout).toMatch(/^id +size +stored \(UTC\) +owner +type +name\n/);
  expect(listed.stdout).toMatch(/ you +text\/plain; charset=utf-8 +notes\.txt$/m);

  const id = /([0-9a-f]{12}).*sea\.txt/.exec(listed.stdout)?.[1] ?? '';
  const received = await run(['receive', id, 'notes.txt', '--into', 'in'], given);
  expect(received).toMatchObject({ code: 0 });
  expect(await readFile(join(folder, 'in', 'photos--june--sea.txt'), 'utf8')).toBe('the sea\n');
  expect((await readdir(join(folder, 'in'))).toSorted()).toEqual([
    'notes.txt',
    'photos--june--sea.txt',
  ]);

  expect((await run(['remove', 'notes.txt'], given)).stdout).toBe('✓ notes.txt  removed\n');
  expect((await run(['list'], given)).stdout).not.toContain('notes.txt');
});

test('of several files those that fail are said, and the others go on', async () => {
  const { port } = await startServer();
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'good.txt'), 'good\n');
  await symlink('good.txt', join(folder, 'link.txt'));
  const given = { ...at(port), cwd: folder };
  const sent = await run(['send', 'missing.txt', 'link.txt', 'good.txt', './good.txt'], given);
  expect(sent).toMatchObject({ code: 1 });
  expect(sent.stdout).toMatch(/^✓ good\.txt .*\n$/);
  expect(sent.stderr).toContain('✗ missing.txt: it is not there (file-unavailable)');
  expect(sent.stderr).toContain('✗ link.txt is a link, and not followed without --follow');
  expect(sent.stderr).toContain('1 of 3 sent, 2 failed');
  const followed = await run(['send', 'link.txt', '--follow', '--json'], given);
  expect(JSON.parse(followed.stdout)).toMatchObject({
    path: 'link.txt',
    ok: true,
    name: 'link.txt',
  });

  const received = await run(['receive', 'good.txt', 'nothing.txt'], given);
  expect(received).toMatchObject({ code: 1, stdout: '' });
  expect(received.stderr).toContain('✗ good.txt is there already: --overwrite replaces it');
  expect(received.stderr).toContain('✗ nothing.txt: you have no such file here');
  const replaced = await run(['receive', 'good.txt', '--overwrite'], given);
  expect(replaced).toMatchObject({ code: 0 });
});

test('a pipe goes in, and comes out, as it was', async () => {
  const { port } = await startServer();
  const content = randomBytes(3_000_000);
  const sent = await run(['send', '-', '--name', 'piped.bin'], { ...at(port), input: content });
  expect(sent).toMatchObject({ code: 0 });
  const received = await run(['receive', 'piped.bin', '-o', '-'], at(port));
  expect(received.code).toBe(0);
  expect(received.bytes.equals(content)).toBe(true);
});

test('with --json stdout is one object for each file, failures included', async () => {
  const { port } = await startServer();
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'a.json'), '{"a":1}');
  const given = { ...at(port), cwd: folder };
  const sent = await run(['send', 'a.json', 'b.json', '--json'], given);
  const objects = sent.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(objects).toHaveLength(2);
  expect(objects).toContainEqual(expect.objectContaining({ path: 'a.json', ok: true, bytes: 7 }));
  const error = { code: 'file-unavailable', detail: 'b.json: it is not there' };
  expect(objects).toContainEqual({ path: 'b.json', ok: false, error });
  const listed = await run(['list', '--json'], given);
  expect(JSON.parse(listed.stdout)).toMatchObject({
    name: 'a.json',
    type: 'application/json',
    owner: 'alice',
  });
  const refused = await run(['list', '--json'], at(port, 'authorization: Bearer ???'));
  expect(refused.code).toBe(1);
  expect(JSON.parse(refused.stdout)).toMatchObject({
    ok: false,
    error: { code: 'not-authenticated' },
  });
});

test('after Ctrl-C the same command goes on where it stopped', async () => {
  const { port } = await startServer();
  const way = await breakingWay(port, [{ up: 5_000_000, holds: true }]);
  const folder = await temporaryFolder();
  const content = randomBytes(8_000_000);
  await writeFile(join(folder, 'big.bin'), content);
  const given = { ...at(way.port), cwd: folder };
  const interruptWhen = () => way.bytesUp >= 5_000_000;
  const interrupted = await run(['send', 'big.bin'], { ...given, interruptWhen });
  expect(interrupted).toMatchObject({ code: 130, stdout: '' });
  expect(interrupted.stderr).toContain('The same command goes on where this one stopped.');
  way.bytesUp = 0;
  expect(await run(['send', 'big.bin'], given)).toMatchObject({ code: 0 });
  expect(way.bytesUp).toBeLessThan(5_000_000);
  const received = await run(['receive', 'big.bin', '-o', '-'], given);
  expect(received.bytes.equals(content)).toBe(true);
});

test('a file is shared with whom its owner names', async () => {
  const { port } = await startServer();
  const input = 'for bob\n';
  await run(['send', '-', '--name', 'letter.txt'], { ...at(port), input });
  const bob = at(port, 'authorization: Bearer bob');
  expect((await run(['receive', 'letter.txt', '-o', '-'], bob)).code).toBe(1);
  const shared = await run(['share', 'letter.txt', 'bob'], at(port));
  expect(shared).toMatchObject({ code: 0, stdout: '✓ letter.txt  shared with bob\n' });
  expect(await run(['receive', 'letter.txt', '-o', '-'], bob)).toMatchObject({
    code: 0,
    stdout: input,
  });
});

test('a name that several files have is none of them', async () => {
  const { port } = await startServer();
  for (const input of ['one\n', 'two\n']) {
    await run(['send', '-', '--name', 'same.txt'], { ...at(port), input });
  }
  const removed = await run(['remove', 'same.txt'], at(port));
  expect(removed.code).toBe(1);
  const [, id = ''] = /say an id, of ([0-9a-f]{12}), [0-9a-f]{12}/.exec(removed.stderr) ?? [];
  expect(await run(['remove', id], at(port))).toMatchObject({ code: 0 });
  const client = await clientOf(port, 'alice');
  expect((await client.list()).map((file) => file.id.startsWith(id))).toEqual([false]);
});

test('a credential comes from a file or the environment, and is not seen again', async () => {
  const { port } = await startServer();
  const file = join(await temporaryFolder(), 'credential');
  const server = ['--server', `127.0.0.1:${port}`];
  await writeFile(file, `${alice}\n`);
  expect(await run(['list', ...server, '--credential-file', file])).toMatchObject({ code: 0 });
  for (const credential of ['canary-4711', 'Bearer canary-4711', 'authorization: canary-4711']) {
    const refused = await run(['list'], at(port, credential));
    expect(refused.code).toBeOneOf([1, 64]);
    expect(refused.stdout + refused.stderr).not.toContain('canary');
  }
});

test.each([
  [['send'], 'paths'],
  [['send', '-', 'a.txt'], 'alone'],
  [['send', 'a.txt', 'b.txt', '--name', 'c.txt'], '--name'],
  [['send', 'a.txt', '--parallel', '0'], 'from 1 to 16'],
  [['list', '--server', 'host:port'], 'host:port'],
  [['list', '--server', 'http://host'], 'host:port'],
  [['list', '--user', 'alice'], '--api'],
  [['list', '--user', 'alice', '--api', 'ftp://host'], '--api'],
  [['list', '--user', 'alice', '--api', 'http://files.example'], 'in the clear'],
  [['list', '--credential-file', '/nowhere'], '/nowhere'],
  [['receive', 'a', 'b', '-o', 'c'], '--output'],
  [['receive', 'a', '-o', '-', '--json'], '--json'],
] as const)('a wrong command ends with 64 and a hint: %j', async (args, hint) => {
  const { code, stdout, stderr } = await run(args, { env: { SESSIONLAB_CREDENTIAL: '' } });
  expect(stderr).toContain(hint);
  expect(stderr).not.toMatch(/^ {4}at /m);
  expect({ code, stdout }).toEqual({ code: 64, stdout: '' });
});

test.skipIf(!hasTerminal)('a password that is typed is not shown', async () => {
  const api = 'http://127.0.0.1:1';
  const line = [process.execPath, main, 'transfer', 'list', '--user', 'alice', '--api', api];
  const type = [/Password of alice: /, 'canary-4711\r'] as const;
  const asked = await run(['-qec', line.join(' '), '/dev/null'], { type }, 'script');
  expect(asked.code).toBe(1);
  expect(asked.stdout).toContain('cannot be reached');
  expect(asked.stdout).not.toContain('canary');
});

test('a file that is named twice is received once, and what is in the way is said for what it is', async () => {
  const { port } = await startServer();
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'notes.txt'), 'notes\n');
  const given = { ...at(port), cwd: folder };
  await run(['send', 'notes.txt'], given);
  const twice = await run(['receive', 'notes.txt', 'notes.txt', '--into', 'in'], given);
  expect(twice).toMatchObject({ code: 0, stderr: '' });
  expect(twice.stdout.split('✓')).toHaveLength(2);
  for (const more of [[], ['--overwrite']]) {
    const onFolder = await run(['receive', 'notes.txt', '-o', 'in', ...more], given);
    expect([onFolder.code, onFolder.stderr]).toEqual([
      1,
      '✗ in: it is a folder (file-unavailable)\n',
    ]);
  }
  const intoFile = await run(['receive', 'notes.txt', '--into', 'notes.txt'], given);
  expect(intoFile.stderr).toBe('✗ notes.txt: it is there, and is no folder (file-unavailable)\n');
  const far = await run(['list', '--server', '192.0.2.1:65432'], given);
  expect(far.stderr).toContain('--in-the-clear');
});

test('who sends from a pipe is not told that it goes on when it cannot', async () => {
  const tally = { bytesIn: 0, bytesOut: 0, transfer: () => undefined };
  const { port, endSessions } = await startServer({ surroundings: { tally } });
  const sending = spawn(process.execPath, [main, 'transfer', 'send', '-'], {
    env: { ...process.env, NODE_OPTIONS: undefined, ...at(port).env },
  });
  onTestFinished(() => void sending.kill('SIGKILL'));
  let said = '';
  sending.stderr.on('data', (chunk: Buffer) => (said += chunk));
  sending.stdin.write('the first half');
  await expect.poll(() => tally.bytesIn, { timeout: 20_000 }).toBe(14);
  endSessions();
  await expect.poll(() => said, { timeout: 20_000 }).toContain('session-ended');
  expect(said).toMatch(/log in again, and begin anew/);
  expect(said).not.toContain('goes on');
});
