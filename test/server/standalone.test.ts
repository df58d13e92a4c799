// The two servers of the course, each started alone as a learner does it, and the lines that they
// print, run by a real shell exactly as printed.

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { freePort } from '../../src/backing/process.ts';
import { freshDatabase } from '../support/backing.ts';

const run = promisify(execFile);
const started: ChildProcess[] = [];
let folder: string;
let databaseUrl: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sessionlab-standalone-'));
  databaseUrl = await freshDatabase();
});
afterAll(async () => {
  for (const child of started) child.kill('SIGKILL');
  await rm(folder, { recursive: true });
});

interface Standalone {
  readonly child: ChildProcess;
  /** What it printed, up to the end of its lesson or of its life. */
  readonly text: string;
}

async function start(name: string, port: number, env: object = {}): Promise<Standalone> {
  const file = fileURLToPath(new URL(`../../src/server/${name}.ts`, import.meta.url));
  const child = spawn(process.execPath, [file], {
    cwd: folder,
    env: {
      PATH: process.env.PATH,
      PORT: String(port),
      DATABASE_URL: databaseUrl,
      REDIS_URL: inject('redisUrl'),
      PASSWORD_HASH_MEMORY_KIB: '64',
      ...env,
    },
  });
  started.push(child);
  let text = '';
  return new Promise((resolve) => {
    const hear = (chunk: Buffer) => {
      text += chunk.toString();
      if (/^ {5}It (knows|does)/m.test(text)) resolve({ child, text });
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.once('close', () => resolve({ child, text }));
  });
}

/** Runs the printed lines in one shell; the last one asks a server at the other port. */
async function follow(text: string, printedPort: string, otherPort: number): Promise<string[]> {
  const lines = text.split('\n').filter((line) => /^\s*(ALICE=|curl )/.test(line));
  expect(lines).toHaveLength(3);
  const script = lines.map((line) => line.replace(`:${printedPort}/`, `:${otherPort}/`));
  const { stdout } = await run('sh', ['-c', script.join('; echo; ')], { cwd: folder });
  return stdout.split('\n');
}

test.each([
  ['stateless', {}, true],
  ['stateful', {}, false],
  ['stateful', { STORE: 'redis' }, true],
  ['stateful', { STORE: 'postgres' }, true],
] as const)('the lines that %s %o prints work as printed', async (name, env, knows) => {
  const [here, there] = [await freePort(), await freePort()];
  const [first, second] = [await start(name, here, env), await start(name, there, env)];
  const otherPort = /PORT=(\d+)/.exec(first.text)?.[1] ?? '';
  const answered = (await follow(first.text, otherPort, there)).join('\n');
  expect(answered).toContain(`Welcome back, alice","username":"alice","servedBy":"port-${here}#`);
  if (knows) expect(answered).toContain(`"servedBy":"port-${there}#`);
  else expect(answered).toContain('"code":"not-authenticated"');
  for (const { child } of [first, second]) {
    child.kill('SIGINT');
    expect(await once(child, 'close')).toEqual([0, null]);
  }
});

test('the key of development is for its owner only, and outlives the server', async () => {
  const { mode } = await stat(join(folder, '.sessionlab', 'token-key.json'));
  expect(mode & 0o777).toBe(0o600);
});

test('a setting that is wrong is said to be, without a stack', async () => {
  const { text, child } = await start('stateless', 0, { PORT: 'eighty' });
  expect(child.exitCode).toBe(64);
  expect(text.trim()).toBe(
    'PORT: "eighty" is not allowed; allowed: a whole number from 0 to 65535',
  );
});

test('a port that is taken is said to be, with what to do', async () => {
  const port = await freePort();
  const holder = createServer().listen(port, '127.0.0.1');
  await once(holder, 'listening');
  const { text, child } = await start('stateful', port);
  holder.close();
  expect(child.exitCode).toBe(1);
  expect(text).toContain(`Port ${port} on 127.0.0.1 is taken`);
  expect(text).toContain(`PORT=${port + 10} npm run server:stateful`);
  expect(text).not.toContain('at ');
});
