// A private redis-server (or valkey-server) found on the PATH: on a free port of the loopback
// address, without persistence, behind a random password. The configuration goes in through stdin,
// because command lines are readable by every local user.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
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

/** Whether a server there knows the password and answers PING (inline commands of RESP). */
function answers(port: number, password: string): Promise<boolean> {
  return new Promise((resolve) => {
    let heard = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(`AUTH ${password}\r\nPING\r\n`));
    socket.setEncoding('utf8').setTimeout(1_000, () => socket.destroy());
    socket.on('data', (text) => {
      heard += text;
      if (heard.split('\r\n').length > 2) socket.destroy();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(heard === '+OK\r\n+PONG\r\n'));
  });
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
    ].join('\n'),
  );
  const isAlive = () => !ended;
  const ready = await until(async () => ended || (await answers(port, password)), 10_000);
  if (ended || child.pid === undefined) return undefined;
  const { pid } = child;
  const stop = () => end(pid, isAlive, ['SIGTERM', 'SIGKILL']);
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
