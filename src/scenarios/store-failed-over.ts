// The users of a Redis that fails over: for a moment nobody can be asked about them, then the
// replica knows all who had logged in before.

import { honest, kind, outage } from './outage.ts';
import type { Expectation, Scenario } from './scenario.ts';

const known: Expectation = {
  verdicts: honest.verdicts,
  measures: { ...kind, 'fails-closed.served': [5, 1_000] },
};

export const storeFailedOver: Scenario = {
  ...outage,
  cluster: { ...outage.cluster, standby: true },
  place: 27,
  title: 'The store fails over, and users stay',
  question: 'Is anybody logged out, or kept waiting, while a replica takes over?',
  faults: [{ atMs: 1_200, fault: 'failover', options: { lagMs: 600 } }],
  expect: { redis: known, cached: known, 'redis-wait': known, 'redis-logged': known },
};
