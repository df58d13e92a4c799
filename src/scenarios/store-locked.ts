// A migration holds the lock of the table: statements wait, each on a connection of the pool, until
// the pool is exhausted and requests wait for a connection instead.

import { honest, outage } from './outage.ts';
import type { Scenario } from './scenario.ts';

export const storeLocked: Scenario = {
  ...outage,
  place: 24,
  title: 'The pools of connections are exhausted',
  question: 'Is a request answered in time when every connection to the store is waiting?',
  faults: [{ atMs: 1_200, fault: 'store-locked', forMs: 1_200 }],
  expect: { postgres: honest },
};
