// A private redis-server (or valkey-server) found on the PATH: on a free port of the loopback
// address, without persistence, behind a random password. The configuration goes in through stdin,
// because command lines are readable by every local user.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { serviceAccount } from './account.ts';
import { end, freePort, type Running, run, until } from './process.ts';

interface Found {
  readonly command: string;
  readonly version: string;
}

async function findRedis(): Promise<Found | undefined> {
  for (const command of ['redis-server', 'valkey-server']) {
    const about = await run(command, ['--version']).catch(() => undefined);
    const version = about?.stdout.match(/v=(\S+)/)?.[1];
    if (version !== undefined) return { command, version };
  }
  return undefined;
}

/** What a server there says to inline commands of RESP; '' when none answers. */
function ask(port: number, commands: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    let heard = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(commands.join('')));
    socket.setEncoding('utf8').setTimeout(1_000, () => socket.destroy());
    socket.on('data', (text) => {
      heard += text;
      if (heard.split('\r\n').length > commands.length) socket.destroy();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(heard));
  });
}

async function answers(port: number, password: string): Promise<boolean> {
  return (await ask(port, [`AUTH ${password}\r\n`, 'PING\r\n'])) === '+OK\r\n+PONG\r\n';
}

/** Ends what a killed keeper left running: only a server of ours accepts our password. */
export function endLeftRedis(folder: string): void {
  for (const name of readdirSync(folder).filter((name) => name.startsWith(noteOf('')))) {
    const password = readFileSync(join(folder, name), 'utf8');
    const port = Number(name.slice(noteOf('').length));
    void ask(port, [`AUTH ${password}\r\n`, 'SHUTDOWN NOSAVE\r\n']);
    rmSync(join(folder, name));
  }
}

/** A file with the password of the Redis on that port, for as long as it runs. */
function noteOf(port: number | ''): string {
  return `redis-${port}`;
}

/** undefined when this machine has no Redis. */
export async function startRedis(folder: string): Promise<Running | undefined> {
  const found = await findRedis();
  if (found === undefined) return undefined;
  for (let attempt = 1; attempt <= 5; attempt += 1) {
    const running = await tryRedis(folder, found, await freePort());
    if (running !== undefined) return running;
  }
  throw new Error(`${found.command} does not start`);
}

async function tryRedis(folder: string, found: Found, port: number): Promise<Running | undefined> {
  const password = randomBytes(24).toString('base64url');
  const note = join(folder, noteOf(port));
  writeFileSync(note, password, { mode: 0o600 });
  const child = spawn(found.command, ['-'], {
    ...serviceAccount(),
    cwd: folder,
    stdio: ['pipe', 'inherit', 'inherit'],
  });
  let ended = false;
  child.once('exit', () => {
    ended = true;
  });
  child.once('error', () => {
    ended = true;
  });
  child.stdin.on('error', () => undefined);
  child.stdin.end(
    [
      'bind 127.0.0.1',
      `port ${port}`,
      `requirepass ${password}`,
      'save ""',
      'appendonly no',
      'maxmemory-policy noeviction',
      'daemonize no',
      'loglevel warning',
    ].join('\n'),
  );
  const isAlive = () => !ended;
  const ready = await until(async () => ended || (await answers(port, password)), 10_000);
  if (ended || child.pid === undefined) {
    rmSync(note, { force: true });
    return undefined;
  }
  const { pid } = child;
  const stop = async () => {
    await end(pid, isAlive, ['SIGTERM', 'SIGKILL']);
    rmSync(note, { force: true });
  };
  if (!ready) {
    await stop();
    return undefined;
  }
  return {
    url: `redis://:${password}@127.0.0.1:${port}`,
    origin: `${found.command} ${found.version} (private, on a free port)`,
    pid,
    stop,
    isAlive,
  };
}
