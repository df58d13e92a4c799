// The price of the shared store: it goes away for a while. A server that cannot ask must not guess:
// it says so (503), logs nobody out, and goes on as soon as the store is back. Who shares no store
// notices nothing.

import type { Expectation, Scenario } from './scenario.ts';

const honest: Expectation = {
  verdicts: {
    identity: 'HOLDS',
    durability: 'HOLDS',
    availability: 'HOLDS',
    'fails-closed': 'HOLDS',
  },
  measures: {
    'fails-closed.refusedFast': [10, 1_000],
    'fails-closed.anonymous': [0, 0],
    'availability.recoverMs': [0, 1_000],
  },
};

const unaffected: Expectation = {
  verdicts: { identity: 'HOLDS', durability: 'HOLDS', availability: 'HOLDS' },
};

export const storeDown: Scenario = {
  place: 11,
  title: 'The shared store is down, and back',
  question: 'What becomes of the users while nobody can be asked about them?',
  chapter: 'docs/concepts/04-the-shared-store.md',
  cluster: { servers: 2, policy: 'sticky-cookie' },
  workload: 'browse',
  users: 16,
  lengthMs: 3_600,
  faults: [{ atMs: 1_000, fault: 'store-down', forMs: 1_200 }],
  expect: {
    token: {
      ...unaffected,
      measures: { 'fails-closed.refusedFast': [0, 0], 'fails-closed.served': [10, 1_000] },
    },
    memory: {
      verdicts: { ...unaffected.verdicts, convergence: 'VIOLATED' },
      measures: { 'availability.failedInFault': [0, 0] },
      because: 'each server has its own memory; affinity hides that, and mends nothing',
    },
    postgres: honest,
    redis: honest,
    cached: honest,
  },
};
