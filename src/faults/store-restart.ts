// The store is killed and comes back with less than it had: with nothing, as a Redis without
// persistence does, or with a snapshot, which `store-snapshot` took before. Another server with just
// that content stands in for the one that restarts; nobody who asks can tell.

import type { Fault } from './fault.ts';

export const storeRestart: Fault = {
  says: 'the store is killed, and is back later with nothing, or with what an old snapshot holds',
  forgets: true,
  target: (stage) => (stage.storePair() ? 'store' : 'nothing'),
  inject: async (stage, { finds = 'nothing' }) => {
    const pair = stage.storePair();
    if (pair === undefined) return undefined;
    if (finds === 'nothing') await pair.clear();
    await pair.kill();
    return { [Symbol.asyncDispose]: () => pair.takeOver() };
  },
};
