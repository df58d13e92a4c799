// One server is far from the store. What two tabs do at the same moment now takes long enough to
// overlap for certain: a store that changes a cart as a whole would lose half of it.

import type { Expectation, Scenario } from './scenario.ts';

const counts: Expectation = {
  verdicts: {
    identity: 'HOLDS',
    durability: 'HOLDS',
    'no-lost-update': 'HOLDS',
  },
  // There and back over the slow link is 60 ms, and timers may be early by a little.
  measures: { 'availability.laggardMs': [50, 10_000], 'availability.servedInFault': [100, 1_000] },
};

export const slowLink: Scenario = {
  place: 12,
  title: 'The way to the store is slow',
  question: 'Does a slow store lose what was put into the cart?',
  chapter: 'docs/concepts/04-the-shared-store.md',
  cluster: { servers: 2, policy: 'round-robin' },
  workload: 'two-tabs',
  users: 12,
  lengthMs: 2_000,
  faults: [{ atMs: 200, fault: 'slow-link', options: { link: 'store', delayMs: 30 } }],
  expect: { postgres: counts, redis: counts },
};
