// The gateway's process: obeys its parent over the IPC channel and ends with it, however it ends.
// SIGINT is ignored, because Ctrl-C reaches the whole group and the parent decides in what order
// things stop.

import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { seededRandom } from '../../core/random.ts';
import * as policies from '../../policies/index.ts';
import type { Policy } from '../../policies/policy.ts';
import type { GatewayOptions, Upstream } from '../gateway.ts';
import { openAccessLog } from './access-log.ts';
import { createFront } from './front.ts';
import { Pool } from './pool.ts';

export type ToGateway =
  | { readonly t: 'start'; readonly options: GatewayOptions }
  | { readonly t: 'route'; readonly id: number; readonly upstreams: readonly Upstream[] };

export type FromGateway =
  | { readonly t: 'ready'; readonly port: number }
  | { readonly t: 'routed'; readonly id: number }
  | { readonly t: 'failed'; readonly reason: string };

/** What is in flight at SIGTERM may take this long to finish. */
const DRAIN_MS = 2_000;

const pool = new Pool();

process.on('SIGINT', () => undefined);
process.on('disconnect', () => process.exit(1));
process.on('message', (message: ToGateway) => {
  if (message.t === 'start') return start(message.options);
  pool.route(message.upstreams);
  tell({ t: 'routed', id: message.id });
});

function start(options: GatewayOptions): void {
  const policy: Policy | undefined = new Map(Object.entries(policies)).get(options.policy);
  if (policy === undefined) throw new Error(`No policy is called ${options.policy}`);
  const picker = policy.start(seededRandom(options.seed).fork('policy'));
  const log = openAccessLog(options.accessLogFile);
  const { answerTimeoutMs } = options;
  const front = createFront({ pool, policy, picker, log, answerTimeoutMs });
  pool.route(options.upstreams);
  pool.startChecking();
  front.once('error', (error) => tell({ t: 'failed', reason: error.message }));
  front.listen(options.port, '127.0.0.1', () => {
    tell({ t: 'ready', port: (front.address() as AddressInfo).port });
  });
  process.once('SIGTERM', async () => {
    await Promise.race([new Promise((resolve) => front.close(resolve)), delay(DRAIN_MS)]);
    await log.close();
    process.exit(0);
  });
}

function tell(message: FromGateway): void {
  if (process.connected) process.send?.(message);
}
