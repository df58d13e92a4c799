// The gateway's process: obeys its parent over the IPC channel and ends with it, however it ends.
// SIGINT is ignored, because Ctrl-C reaches the whole group and the parent decides in what order
// things stop.

import { setTimeout as delay } from 'node:timers/promises';
import { seededRandom } from '../../core/random.ts';
import type { GatewayOptions, Upstream } from '../gateway.ts';
import { openAccessLog } from './access-log.ts';
import { openDoors } from './doors.ts';
import { Site } from './site.ts';

export type ToGateway =
  | { readonly t: 'start'; readonly options: GatewayOptions }
  | {
      readonly t: 'route';
      readonly id: number;
      readonly group: string;
      readonly upstreams: readonly Upstream[];
    }
  | { readonly t: 'reload'; readonly id: number };

export type FromGateway =
  | { readonly t: 'ready'; readonly port: number; readonly tlsPort: number | undefined }
  | { readonly t: 'done'; readonly id: number }
  | { readonly t: 'failed'; readonly reason: string };

/** What is in flight at SIGTERM may take this long to finish. */
const DRAIN_MS = 2_000;

let obey: (message: ToGateway) => Promise<void> = start;

process.on('SIGINT', () => undefined);
process.on('disconnect', () => process.exit(1));
process.on('message', async (message: ToGateway) => {
  await obey(message).catch((error: Error) => tell({ t: 'failed', reason: error.message }));
});

async function start(message: ToGateway): Promise<void> {
  if (message.t !== 'start') return;
  const { options } = message;
  const site = new Site(options, seededRandom(options.seed));
  const log = openAccessLog(options.accessLogFile);
  const { answerTimeoutMs } = options;
  const doors = await openDoors(options.listen, { site, log, answerTimeoutMs });
  for (const pool of site.pools()) pool.startChecking();
  obey = async (order) => {
    if (order.t === 'start') return;
    if (order.t === 'route') site.route(order.group, order.upstreams);
    else await doors.reload();
    tell({ t: 'done', id: order.id });
  };
  process.once('SIGTERM', async () => {
    await Promise.race([doors.close(), delay(DRAIN_MS)]);
    await log.close();
    process.exit(0);
  });
  tell({ t: 'ready', port: doors.port, tlsPort: doors.tlsPort });
}

function tell(message: FromGateway): void {
  if (process.connected) process.send?.(message);
}
