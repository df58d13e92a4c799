// One of two servers loses the store in silence: no reset, just nothing. Only a time limit finds
// out. That server must say that it does not know. The gateway goes on asking it, for readiness
// does not depend on the store: during the cut about half of all requests get 503.

import type { Expectation, Scenario } from './scenario.ts';

const honest: Expectation = {
  verdicts: {
    identity: 'HOLDS',
    durability: 'HOLDS',
    availability: 'HOLDS',
    'fails-closed': 'HOLDS',
  },
  measures: {
    'fails-closed.anonymous': [0, 0],
    'fails-closed.refusedFast': [5, 1_000],
    'availability.servedInFault': [5, 1_000],
  },
};

export const cutLink: Scenario = {
  place: 13,
  title: 'One server is cut off from the store',
  question: 'Does a server that cannot ask take anybody for nobody?',
  chapter: 'docs/concepts/04-the-shared-store.md',
  cluster: { servers: 2, policy: 'round-robin', storeTimeoutMs: 600 },
  workload: 'browse',
  users: 16,
  lengthMs: 3_000,
  faults: [{ atMs: 800, fault: 'cut-link', options: { link: 'store' }, forMs: 1_200 }],
  expect: { postgres: honest, redis: honest, cached: honest },
};
