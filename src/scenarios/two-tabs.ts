// One user, two tabs, one cart. Both tabs add something at the same moment. A store that changes
// field by field counts both; a cart that travels in the token exists twice, and one of the two is
// thrown away.

import type { Expectation, Scenario } from './scenario.ts';

const counts: Expectation = {
  verdicts: {
    identity: 'HOLDS',
    durability: 'HOLDS',
    'no-lost-update': 'HOLDS',
    availability: 'HOLDS',
  },
  measures: { 'no-lost-update.ackedUnits': [100, 10_000] },
};

const loses: Expectation = {
  verdicts: {
    identity: 'HOLDS',
    durability: 'HOLDS',
    'no-lost-update': 'VIOLATED',
    availability: 'HOLDS',
  },
  measures: { 'no-lost-update.lostUnits': [10, 10_000] },
  because:
    'both tabs got a token with their own addition only, and the later one replaced the other',
};

export const twoTabs: Scenario = {
  place: 10,
  title: 'Two tabs fill one cart',
  question: 'Is everything in the cart that was put there?',
  chapter: 'docs/concepts/04-the-shared-store.md',
  cluster: { servers: 2, policy: 'sticky-cookie' },
  workload: 'two-tabs',
  users: 16,
  lengthMs: 1_800,
  faults: [],
  expect: {
    token: loses,
    'token-with-revocation': loses,
    memory: {
      ...counts,
      verdicts: { ...counts.verdicts, convergence: 'VIOLATED' },
      because: 'each server has its own memory; affinity hides that, and mends nothing',
    },
    postgres: counts,
    redis: counts,
  },
};
