// The store's process is gone for a while: connections are reset, and new ones refused.

import { honest, outage } from './outage.ts';
import type { Scenario } from './scenario.ts';

export const storeStopped: Scenario = {
  ...outage,
  place: 20,
  title: 'The store is stopped, and started again',
  question: 'How soon is a request answered when the store refuses connections, and how?',
  faults: [{ atMs: 1_200, fault: 'store-down', forMs: 1_200 }],
  expect: { postgres: honest, redis: honest, cached: honest },
};
