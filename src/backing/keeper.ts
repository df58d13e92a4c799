// The process that owns the private services of one folder, so that they end with their owners in
// every case, SIGKILL included: it starts what leases ask for, and when the last lease has ended
// it stops everything, removes a temporary folder and exits. It does not survive SIGKILL itself;
// the next keeper of the folder takes over or clears what that leaves.
// Usage: node keeper.ts <folder> <temporary|persistent>
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { abandonedGrounds, logFile, meetingFile, startKeeper } from './ground.ts';
import { hasLeftPostgres, startPostgres } from './postgres.ts';
import type { Running } from './process.ts';
import {
  type Answer,
  firstLine,
  type Life,
  type Meeting,
  type Request,
  type Service,
  type Want,
} from './protocol.ts';
import { endLeftRedis, startRedis } from './redis.ts';

const folder = process.argv[2] ?? '';
const life: Life = process.argv[3] === 'persistent' ? 'persistent' : 'temporary';
const firstLeaseWithinMs = 5_000;
const sqliteBusy = 5;

process.umask(0o077);
const lock = holdLock();
const secret = randomBytes(24).toString('base64url');
const leases = new Set<Socket>();
const shared = new Map<Want, Promise<Running | undefined>>();
const started = new Set<Promise<Running | undefined>>();
const ending = new AbortController();

/** SQLite's lock on a file: the operating system frees it when this process ends in any manner. */
function holdLock(): DatabaseSync {
  const database = new DatabaseSync(join(folder, 'keeper.lock'), { timeout: 500 });
  try {
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    const isHeld = error instanceof Error && 'errcode' in error && error.errcode === sqliteBusy;
    if (!isHeld) throw error;
    process.exit(0); // Another keeper lives here.
  }
  return database;
}

async function start(want: Want): Promise<Running | undefined> {
  ending.signal.throwIfAborted();
  const starting =
    want === 'postgres' ? startPostgres(folder, life, ending.signal) : startRedis(folder);
  started.add(starting);
  return starting;
}

/** One after the other, so that owners who come together share what the first one starts. */
function provide(want: Want): Promise<Running | undefined> {
  if (want === 'own-redis') return start(want);
  const before = shared.get(want) ?? Promise.resolve(undefined);
  const provided = before
    .catch(() => undefined)
    .then((known) => (known?.isAlive() ? known : start(want)));
  shared.set(want, provided);
  return provided;
}

function isAllowed(request: Request): boolean {
  const [given, expected] = [Buffer.from(request.secret), Buffer.from(secret)];
  return given.length === expected.length && timingSafeEqual(given, expected);
}

async function serve(socket: Socket): Promise<void> {
  socket.setTimeout(5_000, () => socket.destroy());
  const request: Request = JSON.parse(await firstLine(socket));
  socket.setTimeout(0);
  if (ending.signal.aborted || !isAllowed(request)) throw new Error('refused');
  leases.add(socket);
  const own = request.wants.map(provide);
  const ended = new Promise<void>((resolve) => {
    socket.once('end', resolve).once('close', resolve);
    if (socket.readableEnded || socket.destroyed) resolve();
  });
  void answer(request.wants, own).then((text) => socket.write(`${JSON.stringify(text)}\n`));
  await ended;
  leases.delete(socket);
  if (leases.size === 0) return endAll();
  const mine = own.filter((_, index) => request.wants[index] === 'own-redis');
  await Promise.allSettled(mine.map(async (starting) => (await starting)?.stop()));
  socket.end();
}

async function answer(
  wants: readonly Want[],
  provided: readonly Promise<Running | undefined>[],
): Promise<Answer> {
  try {
    const running = await Promise.all(provided);
    const services: Partial<Record<Want, Service>> = {};
    for (const [index, want] of wants.entries()) {
      const found = running[index];
      if (found) services[want] = { url: found.url, origin: found.origin, pid: found.pid };
    }
    return { services };
  } catch (error) {
    return { failure: error instanceof Error ? error.message : 'unknown' };
  }
}

async function endAll(): Promise<void> {
  if (ending.signal.aborted) return;
  ending.abort();
  rmSync(join(folder, meetingFile), { force: true });
  server.close();
  await Promise.allSettled([...started].map(async (starting) => (await starting)?.stop()));
  lock.close();
  if (life === 'temporary') rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  process.exit();
}

truncateSync(join(folder, logFile));
endLeftRedis(folder);
if (hasLeftPostgres(folder)) provide('postgres').catch(console.error);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, endAll);
process.on('uncaughtException', (error) => {
  console.error(error);
  void endAll();
});
const server = createServer({ allowHalfOpen: true }, (socket) => {
  serve(socket).catch(() => socket.destroy());
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  const meeting: Meeting = { pid: process.pid, port: address.port, secret };
  const path = join(folder, meetingFile);
  writeFileSync(`${path}.new`, JSON.stringify(meeting), { mode: 0o600 });
  renameSync(`${path}.new`, path);
  for (const ground of abandonedGrounds()) startKeeper(ground);
});
setTimeout(() => {
  if (leases.size === 0) void endAll();
}, firstLeaseWithinMs);
