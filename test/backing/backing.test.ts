// The services of a run are real, shared where they should be, and leave nothing behind. Each test
// gives its owners a temporary folder of its own, so that what remains in it can be counted.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { createClient } from '@redis/client';
import { afterEach, beforeEach, expect, inject, test, vi } from 'vitest';
import { openBacking } from '../../src/backing/backing.ts';
import { withClient } from '../../src/backing/databases.ts';
import { meetingAt } from '../../src/backing/ground.ts';
import { OperatingError } from '../../src/core/errors.ts';
import { freshDatabase } from '../support/backing.ts';

const none = { DATABASE_URL: undefined, PGHOST: undefined, REDIS_URL: undefined };
const program = new URL('./owner.ts', import.meta.url).pathname;
const owners: ChildProcess[] = [];
let room = '';

beforeEach(async () => {
  room = mkdtempSync(join(tmpdir(), 'backing-test-'));
  await chmod(room, 0o711);
});

afterEach(async () => {
  for (const owner of owners.splice(0)) await endOwner(owner, 'SIGKILL');
  rmSync(room, { recursive: true, force: true });
});

interface Owner {
  readonly process: ChildProcess;
  readonly databaseUrl: string;
  readonly redisUrl: string | undefined;
}

async function startOwner(folder?: string): Promise<Owner> {
  const owner = spawn(process.execPath, [program, ...(folder === undefined ? [] : [folder])], {
    detached: true,
    env: { ...process.env, ...none, TMPDIR: room },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  owners.push(owner);
  const signal = AbortSignal.timeout(20_000);
  const [line] = await once(createInterface(owner.stdout), 'line', { signal });
  return { process: owner, ...JSON.parse(line) };
}

/** Signals the whole group, as a terminal does. */
async function endOwner(owner: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (owner.pid === undefined || owner.exitCode !== null || owner.signalCode !== null) return;
  process.kill(-owner.pid, signal);
  await once(owner, 'exit');
}

/** The processes, without those that have ended and wait to be collected, that name the room. */
async function processesHere(): Promise<string[]> {
  const { stdout } = await promisify(execFile)('ps', ['-eo', 'stat=,args=']);
  return stdout.split('\n').filter((line) => line.includes(room) && !line.startsWith('Z'));
}

function isListening(url: string): Promise<boolean> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname, () => resolve(true));
    socket.once('error', () => resolve(false)).once('connect', () => socket.destroy());
  });
}

async function expectNothingLeft(urls: readonly (string | undefined)[]): Promise<void> {
  for (const url of urls) expect(url !== undefined && (await isListening(url))).toBe(false);
  expect(await processesHere()).toEqual([]);
}

function rows(url: string, query: string): Promise<unknown[]> {
  return withClient(url, async (client) => (await client.query(query)).rows);
}

test('PostgreSQL answers a query in a fresh, empty database', async () => {
  const url = await freshDatabase();
  expect(await rows(url, `SELECT * FROM pg_tables WHERE schemaname = 'public'`)).toEqual([]);
});

test.runIf(inject('redisUrl'))('Redis answers PING, but not without the password', async () => {
  const url = new URL(inject('redisUrl') ?? '');
  const client = createClient({ url: url.href });
  await client.connect();
  expect(await client.ping()).toBe('PONG');
  client.destroy();
  url.password = 'guess';
  const stranger = createClient({ url: url.href, socket: { reconnectStrategy: false } });
  stranger.on('error', () => undefined);
  await expect(stranger.connect()).rejects.toThrow('WRONGPASS');
});

test('what is only starting ends when nobody wants it any more, and nothing is left', async () => {
  vi.stubEnv('TMPDIR', room);
  const opening = new AbortController();
  const backing = openBacking({ env: none, signal: opening.signal });
  const begun = () => globSync('*/postgres/data.unfinished', { cwd: room });
  await vi.waitFor(() => expect(begun()).toHaveLength(1), { timeout: 15_000, interval: 5 });
  vi.unstubAllEnvs();
  opening.abort();
  await expect(backing).rejects.toThrow(opening.signal.reason);
  expect(readdirSync(room)).toEqual([]);
  expect(await processesHere()).toEqual([]);
});

test('an orderly end leaves nothing, at once', async () => {
  vi.stubEnv('TMPDIR', room);
  const backing = await openBacking({ env: none });
  vi.unstubAllEnvs();
  const own = await backing.startRedis();
  expect(readdirSync(room)).toHaveLength(1);
  expect(await processesHere()).not.toEqual([]);
  await own?.[Symbol.asyncDispose]();
  expect(own !== undefined && (await isListening(own.url))).toBe(false);
  expect(await isListening(backing.databaseUrl)).toBe(true);
  await backing[Symbol.asyncDispose]();
  expect(readdirSync(room)).toEqual([]);
  await expectNothingLeft([backing.databaseUrl, backing.redisUrl]);
});

test.each(['SIGKILL', 'SIGINT', 'SIGTERM'] as const)(
  '%s of the owner leaves nothing',
  async (signal) => {
    const owner = await startOwner();
    expect(await isListening(owner.databaseUrl)).toBe(true);
    expect(readdirSync(room)).toHaveLength(1);
    await endOwner(owner.process, signal);
    await vi.waitFor(() => expect(readdirSync(room)).toEqual([]), 10_000);
    await vi.waitFor(() => expectNothingLeft([owner.databaseUrl, owner.redisUrl]), 10_000);
  },
);

test('owners who start at once in one folder share its services, and its data stays', async () => {
  const folder = join(room, 'data');
  const [one, two] = await Promise.all([startOwner(folder), startOwner(folder)]);
  expect(two.databaseUrl).toBe(one.databaseUrl);
  expect(two.redisUrl).toBe(one.redisUrl);
  await rows(one.databaseUrl, 'CREATE TABLE known AS SELECT 1 AS one');
  await endOwner(one.process, 'SIGKILL');
  expect(await rows(two.databaseUrl, 'SELECT * FROM known')).toEqual([{ one: 1 }]);
  await endOwner(two.process, 'SIGINT');
  {
    await using later = await openBacking({ folder, env: none });
    expect(await rows(later.databaseUrl, 'SELECT * FROM known')).toEqual([{ one: 1 }]);
  }
  await expectNothingLeft([one.databaseUrl, one.redisUrl]);
});

test('what a killed keeper leaves is taken over by the next start and ends with it', async () => {
  const folder = join(room, 'data');
  const owner = await startOwner(folder);
  await rows(owner.databaseUrl, 'CREATE TABLE known AS SELECT 1 AS one');
  process.kill(meetingAt(folder)?.pid ?? Number.NaN, 'SIGKILL');
  {
    await using next = await openBacking({ folder, env: none });
    expect(next.databaseUrl).toBe(owner.databaseUrl);
    expect(await rows(next.databaseUrl, 'SELECT * FROM known')).toEqual([{ one: 1 }]);
  }
  await endOwner(owner.process, 'SIGKILL');
  await vi.waitFor(() => expectNothingLeft([owner.databaseUrl, owner.redisUrl]), 10_000);
});

test('a database can be a copy of another', async () => {
  const server = inject('databaseUrl');
  await using backing = await openBacking({ env: { DATABASE_URL: server, ...redisOnly() } });
  const original = await backing.createDatabase('original');
  await rows(original, 'CREATE TABLE known AS SELECT 1 AS one');
  const copy = await backing.createDatabase('copy', 'original');
  expect(await rows(copy, 'SELECT * FROM known')).toEqual([{ one: 1 }]);
  expect(backing.origin.postgres).toBe('DATABASE_URL');
});

function redisOnly(): NodeJS.ProcessEnv {
  const url = inject('redisUrl');
  return url === undefined ? {} : { REDIS_URL: url };
}

test.each([
  ['DATABASE_URL', 'postgresql://someone:hunter2@127.0.0.1:9/them'],
  ['REDIS_URL', 'redis://:hunter2@127.0.0.1:9'],
])('a %s that does not answer is named with its place, without its password', async (name, url) => {
  const error = await openBacking({ env: { [name]: url } }).catch((cause) => cause);
  expect(error).toBeInstanceOf(OperatingError);
  expect(error.code).toBe('backing-unavailable');
  expect(error.message).toContain(name);
  expect(error.message).toContain('127.0.0.1:9');
  expect(error.message).not.toContain('hunter2');
});
