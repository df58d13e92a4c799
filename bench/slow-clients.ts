// What do slow clients cost the others? The 99th percentile of well-behaved requests through each
// gateway, alone and beside a crowd that is slow on purpose, and when the last of those was cut
// off.

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Pool } from 'undici';
import type { Gateway } from '../src/gateways/gateway.ts';
import * as gateways from '../src/gateways/index.ts';
import { SlowCrowd } from './slow-crowd.ts';

const size = 500;
const wellBehaved = 8;
const patienceMs = 30_000;
const large = Buffer.alloc(64 * 1024 * 1024);

export async function compareSlowClients({ json }: { readonly json: boolean }): Promise<void> {
  // As patient with a request as the servers behind a gateway are told to be.
  const patience = { requestTimeout: 10_000, connectionsCheckingInterval: 500 };
  const server = createServer(patience, (request, answer) => {
    if (request.url === '/large') answer.end(large);
    else request.resume().on('end', () => answer.end('ok'));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const results = [];
  for (const [name, gateway] of Object.entries<Gateway>(gateways)) {
    const missing = gateway.missing();
    if (missing === undefined) results.push({ gateway: name, ...(await measure(gateway, url)) });
    else if (!json) console.log(`${name}: NOT MEASURED: ${missing}`);
  }
  server.closeAllConnections();
  server.close();
  if (json) return console.log(JSON.stringify(results));
  console.log(`${size} clients slow on purpose beside ${wellBehaved} well-behaved ones`);
  console.log('gateway   p99 alone ms   beside ms   ratio   cut off   the last after ms');
  for (const { gateway, aloneMs, besideMs, cut, lastMs } of results) {
    const ratio = (besideMs / aloneMs).toFixed(2);
    const numbers = [aloneMs.toFixed(2), besideMs.toFixed(2), ratio, `${cut}/${size}`];
    const [alone = '', beside = '', times = '', ended = ''] = numbers;
    const row = [alone.padStart(12), beside.padStart(11), times.padStart(7), ended.padStart(9)];
    console.log(`${gateway.padEnd(9)} ${row.join(' ')} ${lastMs.toFixed(0).padStart(18)}`);
  }
}

async function measure(gateway: Gateway, url: string) {
  await using running = await gateway.start({
    groups: [{ name: 'servers', policy: 'round-robin', upstreams: [{ name: 's1', url }] }],
    routes: [{ path: '/', group: 'servers' }],
    listen: { port: 0 },
    seed: 'slow',
    answerTimeoutMs: 20_000,
  });
  const pool = new Pool(running.url, { connections: wellBehaved });
  await p99(pool, (elapsedMs) => elapsedMs > 1_000);
  const aloneMs = await p99(pool, (elapsedMs) => elapsedMs > 15_000);
  using crowd = await SlowCrowd.open(running.url, size);
  const isOver = (elapsedMs: number) => crowd.cut.length === size || elapsedMs > patienceMs;
  const looking = setInterval(() => crowd.probe(), 500);
  const besideMs = await p99(pool, isOver);
  clearInterval(looking);
  await pool.close();
  const lastMs = Math.max(...crowd.cut.map(({ afterMs }) => afterMs));
  return { aloneMs, besideMs, cut: crowd.cut.length, lastMs };
}

/** Of requests at a steady, modest rate: what is measured is waiting, not capacity. */
async function p99(pool: Pool, isOver: (elapsedMs: number) => boolean): Promise<number> {
  const startedMs = performance.now();
  const tookMs: number[] = [];
  const client = async () => {
    while (!isOver(performance.now() - startedMs)) {
      const sentMs = performance.now();
      const { statusCode, body } = await pool.request({ path: '/', method: 'GET' });
      await body.dump();
      if (statusCode !== 200) throw new Error(`A well-behaved client got ${statusCode}`);
      tookMs.push(performance.now() - sentMs);
      await delay(10);
    }
  };
  await Promise.all(Array.from({ length: wellBehaved }, client));
  return tookMs.toSorted((one, other) => one - other)[Math.floor(tookMs.length * 0.99)] ?? 0;
}
