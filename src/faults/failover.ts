// The replica of the store hears nothing any more, the primary goes on for a while and acknowledges
// what it alone knows, then it dies, and the replica is promoted: what every failover of Redis with
// asynchronous replication does, with a lag that is known. Its effect is its own end.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from './fault.ts';

const defaultLagMs = 600;

export const failover: Fault = {
  says: 'the store is cut off from its replica, then killed, and the replica takes its place',
  forgets: true,
  target: (stage) => (stage.storePair() ? 'store' : 'nothing'),
  inject: async (stage, { lagMs = defaultLagMs }) => {
    const pair = stage.storePair();
    if (pair === undefined) return undefined;
    pair.replication.cut();
    await sleep(lagMs);
    await pair.kill();
    await pair.takeOver();
    return undefined;
  },
};
