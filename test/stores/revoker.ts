// Another server, in a thread of its own: ends the sessions that it is told to, by its own opening
// of the store, and tells when each was acknowledged, on the clock that all threads share.

import { parentPort, workerData } from 'node:worker_threads';
import { redis } from '../../src/stores/redis.ts';

export interface Acknowledged {
  readonly id: string;
  readonly at: bigint;
}

const store = await redis.open({ url: workerData.url, timeoutMs: 10_000 });
parentPort?.on('message', async (id: string | null) => {
  if (id === null) {
    await store[Symbol.asyncDispose]();
    parentPort?.close();
    return;
  }
  if (!(await store.revoke(id, 'logout', Date.now()))) throw new Error('it was gone already');
  const acknowledged: Acknowledged = { id, at: process.hrtime.bigint() };
  parentPort?.postMessage(acknowledged);
});
parentPort?.postMessage('ready');
