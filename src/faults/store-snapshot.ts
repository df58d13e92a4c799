// A snapshot of the store is put aside, for a `store-restart` later. It is the replica, which is told
// to follow no longer: a replica begins with the very file that a snapshot is. Nothing breaks.

import type { Fault } from './fault.ts';

export const storeSnapshot: Fault = {
  says: 'a snapshot of the store is put aside',
  target: () => 'snapshot',
  inject: async (stage) => {
    await stage.storePair()?.detach();
    return undefined;
  },
};
