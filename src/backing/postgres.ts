// The embedded PostgreSQL of one folder: made by initdb at first use, listening on the loopback
// address only, with scram and a random password. A temporary one gives up safety against power
// loss (fsync, full_page_writes) because its folder dies first; synchronous_commit stays on in
// both. A server left running by a killed keeper is taken over when it knows our password.
import { type StdioOptions, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { chown, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Account, serviceAccount } from './account.ts';
import { end, freePort, isProcess, type Running, run, until } from './process.ts';
import { homeOf, type Programs, programsFor } from './programs.ts';
import type { Life } from './protocol.ts';

const user = 'sessionlab';
const settings = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '300',
  shared_buffers: '32MB',
  jit: 'off',
};
const settingsOfTemporary = { fsync: 'off', full_page_writes: 'off' };

interface Place {
  readonly data: string;
  readonly password: string;
  readonly programs: Programs;
  readonly account: Account | undefined;
}

/** Rejects, with nothing left running, when it is aborted before PostgreSQL is ready. */
export async function startPostgres(
  folder: string,
  life: Life,
  signal?: AbortSignal,
): Promise<Running> {
  const account = serviceAccount();
  const home = await homeOf(folder, account);
  const programs = await programsFor(home, account);
  const data = join(home, 'data');
  const passwordFile = join(home, 'password');
  if (!existsSync(data)) await initialize(programs, account, data, passwordFile, life, signal);
  const place = { data, password: await readFile(passwordFile, 'utf8'), programs, account };
  const left = await takeOver(place);
  if (left !== undefined) return left;
  for (let attempt = 1; attempt <= 3; attempt += 1) {
    signal?.throwIfAborted();
    const running = await tryPostgres(place, await freePort(), life, signal);
    if (running !== undefined) return running;
  }
  throw new Error('PostgreSQL does not start');
}

/** initdb works beside the final folder, so a half-made one is never taken for a whole one. */
async function initialize(
  programs: Programs,
  account: Account | undefined,
  data: string,
  passwordFile: string,
  life: Life,
  signal: AbortSignal | undefined,
): Promise<void> {
  const unfinished = `${data}.unfinished`;
  await rm(unfinished, { recursive: true, force: true });
  await writeFile(passwordFile, randomBytes(24).toString('base64url'), { mode: 0o600 });
  if (account) await chown(passwordFile, account.uid, account.gid);
  const child = spawn(
    programs.initdb,
    [
      `--pgdata=${unfinished}`,
      `--username=${user}`,
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--no-locale',
      '--no-instructions',
      ...(life === 'temporary' ? ['--no-sync'] : []),
    ],
    spawning(account),
  );
  const stop = () => child.kill();
  signal?.addEventListener('abort', stop);
  if (signal?.aborted) stop();
  const [code] = await once(child, 'exit');
  signal?.removeEventListener('abort', stop);
  if (code !== 0) throw new Error('initdb failed');
  await rename(unfinished, data);
}

/** Into the log, in English, and not in the owner's folder, which the account may not enter. */
function spawning(account: Account | undefined) {
  const env = { ...process.env, LC_ALL: 'C' };
  const stdio: StdioOptions = ['ignore', 'inherit', 'inherit'];
  return { ...account, cwd: '/', env, stdio };
}

interface PidFile {
  readonly pid: number;
  readonly port: number;
  readonly isReady: boolean;
}

/** postmaster.pid: line 1 the process, 4 the port, 8 the state (PostgreSQL's miscadmin.h). */
function readPidFile(data: string): PidFile | undefined {
  try {
    const lines = readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n');
    const isReady = lines[7]?.trim() === 'ready';
    return { pid: Number(lines[0]), port: Number(lines[3]), isReady };
  } catch {
    return undefined;
  }
}

/** Whether a killed keeper's PostgreSQL seems to be running still; `startPostgres` takes it over. */
export function hasLeftPostgres(folder: string): boolean {
  const left = readPidFile(join(folder, 'postgres', 'data'));
  return left !== undefined && isProcess(left.pid);
}

function urlOf(place: Place, port: number): string {
  return `postgresql://${user}:${place.password}@127.0.0.1:${port}/postgres`;
}

/** Only a server of this folder can pass scram's proof that it knows the password as well. */
async function takeOver(place: Place): Promise<Running | undefined> {
  const left = readPidFile(place.data);
  if (left === undefined) return undefined;
  const { Client } = await import('pg');
  const client = new Client({
    connectionString: urlOf(place, left.port),
    connectionTimeoutMillis: 1_000,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const isAlive = () => readPidFile(place.data)?.pid === left.pid && isProcess(left.pid);
    return runningFrom(place, left, isAlive);
  } catch {
    await until(() => !isProcess(left.pid) || readPidFile(place.data) === undefined, 2_000);
    return undefined;
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function tryPostgres(
  place: Place,
  port: number,
  life: Life,
  signal: AbortSignal | undefined,
): Promise<Running | undefined> {
  const chosen = { ...settings, ...(life === 'temporary' ? settingsOfTemporary : {}) };
  const child = spawn(
    place.programs.postgres,
    [
      ...['-D', place.data, '-p', String(port)],
      ...Object.entries(chosen).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ],
    spawning(place.account),
  );
  let ended = false;
  child.once('exit', () => {
    ended = true;
  });
  child.once('error', () => {
    ended = true;
  });
  const isReady = () => {
    const file = readPidFile(place.data);
    return file?.isReady === true && file.pid === child.pid;
  };
  const ready = await until(() => ended || isReady() || signal?.aborted === true, 20_000);
  if (ended || child.pid === undefined) return undefined;
  const running = runningFrom(place, { pid: child.pid, port }, () => !ended);
  if (ready && !signal?.aborted) return running;
  await running.stop();
  return undefined;
}

function runningFrom(
  place: Place,
  { pid, port }: { pid: number; port: number },
  isAlive: () => boolean,
): Running {
  const version = readFileSync(join(place.data, 'PG_VERSION'), 'utf8').trim();
  return {
    url: urlOf(place, port),
    origin: `PostgreSQL ${version} (embedded)`,
    pid,
    isAlive,
    async stop() {
      // Windows has no signals to ask with; pg_ctl knows the way there.
      if (process.platform === 'win32' && isAlive()) {
        await run(place.programs.pg_ctl, ['stop', '-D', place.data, '-m', 'fast']).catch(() => '');
      }
      await end(pid, isAlive, ['SIGINT', 'SIGQUIT', 'SIGKILL']);
    },
  };
}
