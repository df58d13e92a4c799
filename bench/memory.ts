// How much memory of Redis does a session take? Sessions of as many users are created through the
// store in a Redis of its own, and what Redis says of its memory is compared.

import { createClient } from '@redis/client';
import { openBacking } from '../src/backing/backing.ts';
import { lifetimes } from '../src/core/limits.ts';
import { redis } from '../src/stores/redis.ts';
import type { SessionStore } from '../src/stores/store.ts';
import { newLogin } from '../src/strategies/login.ts';

const atOnce = 500;

export async function measureMemory(sessions: number): Promise<void> {
  await using backing = await openBacking();
  await using server = await backing.startRedis();
  if (server === undefined) {
    console.log(`Redis: NOT TESTED. ${backing.redisHint}`);
    return;
  }
  const client = await createClient({ url: server.url }).connect();
  await using stack = new AsyncDisposableStack();
  stack.defer(() => client.destroy());
  const store = stack.use(await redis.open({ url: server.url, timeoutMs: 10_000 }));
  const used = async () => Number(/used_memory:(\d+)/.exec(await client.info('memory'))?.[1]);

  const { 'hash-max-listpack-value': inOnePiece } =
    await client.configGet('hash-max-listpack-value');
  console.log(`One session for each user · hash-max-listpack-value ${inOnePiece} · bytes of Redis`);
  const empty = await used();
  const only = await create(store, 0);
  const keys = await client.keys(`*${only.slice(0, 12)}*`);
  const sizes = await Promise.all(keys.map((key) => client.memoryUsage(key)));
  const alone = sizes.reduce((sum: number, size) => sum + Number(size ?? 0), 0);
  print('1 session, its keys by MEMORY USAGE', alone);
  for (let next = 1; next < sessions; next += atOnce) {
    const count = Math.min(atOnce, sessions - next);
    await Promise.all(Array.from({ length: count }, (_, at) => create(store, next + at)));
    if (next % 10_000 === 1) process.stderr.write(`\r${next} of ${sessions}\u001b[K`);
  }
  process.stderr.write('\r\u001b[K');
  const each = ((await used()) - empty) / sessions;
  print(`${sessions.toLocaleString('en')} sessions, used_memory of each`, each);
}

async function create(store: SessionStore, at: number): Promise<string> {
  const user = { id: `user-${at}`, name: `user-${at}` };
  const { record } = newLogin(user, Date.now(), lifetimes, { epoch: 0, dataVersion: 0 });
  await store.create(record, { sessionsMax: 100, atLimit: 'end-oldest' });
  return record.id;
}

function print(what: string, bytes: number): void {
  console.log(`${what.padEnd(45)}${bytes.toFixed(0).padStart(8)}`);
}
